"""The door to a shop's Admin API for everybody above: the client of plugin.shopify with the shop's own token."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plugin.errors import Unauthorized
from plugin.shopify import client
from plugin.shops import tokens
from plugin.shops.models import Shop


def execute(shop: Shop, operation: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """`data` of one operation, named as its file in plugin/shopify/operations.

    A rejected token is refreshed once; when the new one is rejected too, the shop needs its merchant. Never call it
    inside a transaction. Raises what `plugin.shopify.client.execute` raises.
    """
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
