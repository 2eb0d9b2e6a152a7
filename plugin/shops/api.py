"""The door to a shop's Admin API for everybody above: the client of plugin.shopify with the shop's own token.

A store that does not answer several times in a row is left alone by everybody, and then asked by one call at a time
(plugin.effects.breakers). Whatever a store says, also no, is an answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plugin.db import engine as db
from plugin.effects import breakers
from plugin.effects.breakers import ADMIN_API
from plugin.errors import Refused, RemoteError, Throttled, Unauthorized, Unavailable
from plugin.shopify import client
from plugin.shops import tokens
from plugin.shops.models import Shop


class LeftAlone(Throttled):
    """The store has not answered several times in a row, so nothing was sent."""


def execute(shop: Shop, operation: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """`data` of one operation, named as its file in plugin/shopify/operations.

    A rejected token is refreshed once; when the new one is rejected too, the shop needs its merchant. Never call it
    inside a transaction. Raises LeftAlone, and what `plugin.shopify.client.execute` raises.
    """
    known_well = _enter(shop.id)
    try:
        data = _ask(shop, operation, variables)
    except Throttled:
        raise
    except Unavailable as error:
        with db.transaction(shop.id) as session:
            breakers.silent(session, ADMIN_API, str(error))
        raise
    except (RemoteError, Refused):
        _answered(shop.id, known_well)
        raise
    _answered(shop.id, known_well)
    return data


def _enter(shop_id: int) -> bool:
    """Whether nothing is held against the store, so that its answer changes nothing."""
    with db.transaction(shop_id) as session:
        entry = breakers.enter(session, ADMIN_API)
    if entry.wait:
        raise LeftAlone("The store has not answered several times in a row. It is asked again soon.", entry.wait)
    return entry.spotless


def _answered(shop_id: int, known_well: bool) -> None:
    if not known_well:
        with db.transaction(shop_id) as session:
            breakers.answered(session, ADMIN_API)


def _ask(shop: Shop, operation: str, variables: Mapping[str, Any] | None) -> dict[str, Any]:
    token = tokens.access_token(shop.id)
    try:
        return client.execute(shop.domain, token, operation, variables)
    except Unauthorized:
        token = tokens.access_token(shop.id, rejected=token)
    try:
        return client.execute(shop.domain, token, operation, variables)
    except Unauthorized:
        tokens.give_up(shop.id, token)
        raise
