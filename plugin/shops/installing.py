"""Installing: what the first signed page of a store's admin brings about.

The store shows its own grant screen; for us an install is the first id token of a shop that is not installed. Each step
commits before the next and may be repeated, so a crash in between is repaired by the next page that is opened.
What higher features do after an install (replay stray webhooks, start the backfill) is handed in by the composition
root and runs in the very transaction that marks the shop as installed: it happens once, or not yet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy.orm import Session

from plugin.db import engine as db
from plugin.jobs.doorbell import ring
from plugin.shops import api, operations, queries, tokens
from plugin.shops.models import Shop
from plugin.shops.operations import Description

AfterInstall = Callable[[Session, Shop], object]

_after_install: list[AfterInstall] = []
_doorbells: list[str] = []


def use(after_install: Sequence[AfterInstall], doorbells: Sequence[str] = ()) -> None:
    """Said once by the composition root: what follows an install, and which tasks are rung after its commit."""
    _after_install[:] = after_install
    _doorbells[:] = doorbells


def open_shop(domain: str, id_token: str) -> Shop:
    """The shop of a verified id token, installed or signed in anew first if it must be. Errors as of `install`."""
    shop = queries.by_domain(domain)
    if shop is None or not queries.is_installed(shop):
        return install(domain, id_token)
    if shop.needs_reauth:
        tokens.exchange(shop.id, id_token)
        return queries.by_id(shop.id)
    return shop


def install(domain: str, id_token: str) -> Shop:
    """Token exchange, what the store says about itself, then installed. Twice is once; again after an uninstall.

    `domain` and `id_token` come from a verified session token. Raises StaleIdToken (the browser brings a fresh one),
    Throttled, Unavailable or RemoteError.
    """
    with db.system_transaction() as session:
        shop_id = operations.ensure(session, domain)
    tokens.exchange(shop_id, id_token)
    description = describe(queries.by_id(shop_id))
    with db.transaction(shop_id) as session:
        operations.describe(session, shop_id, description)
        fresh = operations.install(session, shop_id)
        shop = queries.shop(session)
        for follow in _after_install if fresh else ():
            follow(session, shop)
    for task in _doorbells if fresh else ():
        ring(task)
    return shop


def describe(shop: Shop) -> Description:
    """What the store says about itself now; outside of any transaction."""
    return description_of(api.execute(shop, "ShopInfo")["shop"])


def description_of(said: dict[str, Any]) -> Description:
    """The columns for the answer of ShopInfo."""
    return Description(
        store_id=int(str(said["id"]).rpartition("/")[2]),
        name=said["name"],
        email=said["contactEmail"] or said["email"],
        currency=said["currencyCode"],
        timezone=said["ianaTimezone"],
        storefront_url=said["primaryDomain"]["url"].rstrip("/"),
        plan=said["plan"]["publicDisplayName"],
    )
