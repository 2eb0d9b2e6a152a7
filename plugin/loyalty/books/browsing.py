"""Reading all entries of a shop as a list: newest first, narrowed, page by page."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, literal, or_, select, text
from sqlalchemy.orm import Session

from plugin.db import keyset
from plugin.loyalty.models import PointEntry
from plugin.shops.models import Shop

# Which kinds stand against which account: an account is found by its kinds, and all but `earn` have an index.
ACCOUNTS: Final = {
    "sales": ("earn", "claw", "forgive"),
    "rewards": ("redeem", "return"),
    "breakage": ("expire", "unexpire"),
    "staff": ("adjust",),
    "actions": ("bonus", "unbonus"),
    "tiers": ("bonus", "unbonus"),
    "referrals": ("bonus", "unbonus"),
    "imports": ("import",),
    "customers": ("transfer",),
}
KINDS: Final = tuple(dict.fromkeys(kind for kinds in ACCOUNTS.values() for kind in kinds))
NEWEST: Final = keyset.Order(PointEntry.id, PointEntry.id)


@dataclass(frozen=True)
class Wanted:
    """Which entries: of one kind, one counter account, these customers, one order, booked within [since, until)."""

    kind: str = ""
    account: str = ""
    customer_ids: Collection[int] | None = None
    order_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None


def entries_page(
    session: Session,
    shop: Shop,
    wanted: Wanted,
    *,
    after: keyset.Key | None = None,
    before: keyset.Key | None = None,
    size: int = 50,
) -> keyset.Page:
    """One page of entries, newest first. An unknown kind or account finds nothing."""
    return keyset.page(session, _entries(shop, wanted), NEWEST, after=after, before=before, size=size)


def _entries(shop: Shop, wanted: Wanted) -> Select[Any]:
    found = select(PointEntry).where(PointEntry.shop_id == shop.id)
    if wanted.kind or wanted.account:
        found = found.where(_kinds(wanted))
    if wanted.account:
        found = found.where(PointEntry.counter_account == wanted.account)
    if wanted.customer_ids is not None:
        found = found.where(PointEntry.customer_id.in_(list(wanted.customer_ids)))
    if wanted.order_id is not None:
        found = found.where(PointEntry.order_id == wanted.order_id)
    if wanted.since is not None:
        found = found.where(PointEntry.created_at >= wanted.since)
    if wanted.until is not None:
        found = found.where(PointEntry.created_at < wanted.until)
    return found


def _kinds(wanted: Wanted) -> ColumnElement[bool]:
    """Literal, for the partial index."""
    kinds = set(ACCOUNTS.get(wanted.account, KINDS)) & ({wanted.kind} if wanted.kind else set(KINDS))
    if not kinds:
        return text("false")  # type: ignore[return-value]
    return or_(*(PointEntry.kind == literal(kind, literal_execute=True) for kind in sorted(kinds)))
