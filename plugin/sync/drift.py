"""What the panel shows of the comparisons with the store: the score of each kind, its history, what was healed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Date, and_, cast, func, select
from sqlalchemy.orm import Session

from plugin.commerce.models import Checkout, Customer, Order, Product
from plugin.shops.models import Shop
from plugin.sync.checks import KINDS, SUBSCRIPTIONS
from plugin.sync.leased import OPEN
from plugin.sync.models import DriftCheck, DriftFinding

HISTORY_DAYS = 14
COUNTED = ("healed", "failed")


@dataclass(frozen=True)
class Score:
    """How one kind stands. `differing`: found and not healed since everything was compared last.

    `healed` counts the last 14 days, `days` the differences found on each of them, oldest first. Machine time.
    """

    kind: str
    last: DriftCheck | None = None
    total: int | None = None
    running: DriftCheck | None = None
    differing: int = 0
    healed: int = 0
    days: Sequence[int] = field(default_factory=tuple)

    @property
    def is_listing(self) -> bool:
        """Whether the store still writes the list that is to be compared."""
        running = self.running
        return running is not None and (running.state, running.way, running.bytes_done) == ("reading", "bulk", 0)

    @property
    def share(self) -> float | None:
        """How far the running check is; None while that is not known."""
        if self.running is None or self.running.reach != "all" or not self.running.total or self.is_listing:
            return None
        return min(1.0, self.running.compared / self.running.total)


@dataclass(frozen=True)
class Finding:
    """One difference: `name` is what people call the object, empty when nothing of it is here."""

    kind: str
    row: DriftFinding
    name: str


def scores(session: Session, shop: Shop, now: datetime) -> list[Score]:
    """A score a kind of object. `now` is machine time."""
    last, running = _last(session, shop), _running(session, shop)
    totals, since = _totals(session, shop), now - timedelta(days=HISTORY_DAYS)
    counts, days = _counts(session, shop, since), _days(session, shop, now)
    return [
        Score(
            kind,
            last.get(kind),
            totals.get(kind),
            running.get(kind),
            _differing(session, shop, kind),
            counts.get(kind, 0),
            days[kind],
        )
        for kind in KINDS
    ]


def subscriptions(session: Session, shop: Shop) -> tuple[DriftCheck | None, list[DriftFinding]]:
    """The latest look at the webhook subscriptions, and what is wrong with which topic."""
    check = _last(session, shop).get(SUBSCRIPTIONS)
    if check is None:
        return None, []
    mine = DriftFinding.shop_id == shop.id, DriftFinding.check_id == check.id
    return check, list(session.scalars(select(DriftFinding).where(*mine).order_by(DriftFinding.key)))


def history(session: Session, shop: Shop, limit: int = 30) -> Sequence[DriftCheck]:
    """The latest comparisons that are over and found something or looked at everything, the newest first."""
    over = DriftCheck.shop_id == shop.id, DriftCheck.finished_at.is_not(None), DriftCheck.object.in_(KINDS)
    telling = (DriftCheck.reach == "all") | (DriftCheck.differed > 0) | (DriftCheck.state == "failed")
    return session.scalars(select(DriftCheck).where(*over, telling).order_by(DriftCheck.id.desc()).limit(limit)).all()


def found(session: Session, shop: Shop, limit: int = 50) -> list[Finding]:
    """The latest differences, with names, the newest first."""
    of = and_(DriftCheck.shop_id == DriftFinding.shop_id, DriftCheck.id == DriftFinding.check_id)
    counted = DriftFinding.shop_id == shop.id, DriftFinding.outcome.in_(COUNTED), DriftCheck.object.in_(KINDS)
    latest = select(DriftFinding, DriftCheck.object).join(DriftCheck, of).where(*counted)
    rows = session.execute(latest.order_by(DriftFinding.check_id.desc(), DriftFinding.key).limit(limit)).all()
    names = {kind: _names(session, shop, kind, [row.key for row, of in rows if of == kind]) for kind in KINDS}
    return [Finding(kind, row, names[kind].get(row.key, "")) for row, kind in rows]


def _last(session: Session, shop: Shop) -> dict[str, DriftCheck]:
    over = DriftCheck.shop_id == shop.id, DriftCheck.state == "done"
    newest = select(func.max(DriftCheck.id)).where(*over).group_by(DriftCheck.object)
    found = session.scalars(select(DriftCheck).where(DriftCheck.shop_id == shop.id, DriftCheck.id.in_(newest)))
    return {check.object: check for check in found}


def _running(session: Session, shop: Shop) -> dict[str, DriftCheck]:
    """Of two that are open the one that compares everything, which takes longer."""
    opened = DriftCheck.shop_id == shop.id, DriftCheck.state.in_(OPEN)
    found = session.scalars(select(DriftCheck).where(*opened).order_by(DriftCheck.reach.desc(), DriftCheck.id))
    return {check.object: check for check in found}


def _totals(session: Session, shop: Shop) -> Mapping[str, int]:
    counted = DriftCheck.shop_id == shop.id, DriftCheck.state == "done", DriftCheck.total.is_not(None)
    newest = select(func.max(DriftCheck.id)).where(*counted).group_by(DriftCheck.object)
    rows = select(DriftCheck.object, DriftCheck.total).where(DriftCheck.shop_id == shop.id, DriftCheck.id.in_(newest))
    return {kind: total or 0 for kind, total in session.execute(rows)}


def _differing(session: Session, shop: Shop, kind: str) -> int:
    mine = DriftCheck.shop_id == shop.id, DriftCheck.object == kind, DriftCheck.state == "done"
    whole = select(func.max(DriftCheck.id)).where(*mine, DriftCheck.reach == "all").scalar_subquery()
    since = select(DriftCheck.id).where(*mine, DriftCheck.id >= func.coalesce(whole, 0), DriftCheck.differed > 0)
    failed = DriftFinding.shop_id == shop.id, DriftFinding.check_id.in_(since), DriftFinding.outcome == "failed"
    return session.scalar(select(func.count(DriftFinding.key.distinct())).where(*failed)) or 0


def _counts(session: Session, shop: Shop, since: datetime) -> dict[str, int]:
    recent = DriftCheck.shop_id == shop.id, DriftCheck.finished_at >= since
    summed = select(DriftCheck.object, func.sum(DriftCheck.healed)).where(*recent).group_by(DriftCheck.object)
    return {kind: int(healed) for kind, healed in session.execute(summed)}


def _days(session: Session, shop: Shop, now: datetime) -> dict[str, list[int]]:
    """Differences found, by kind and day."""
    first = now.date() - timedelta(days=HISTORY_DAYS - 1)
    day = cast(DriftCheck.finished_at, Date)
    recent = DriftCheck.shop_id == shop.id, day >= first, DriftCheck.differed > 0
    summed = (
        select(DriftCheck.object, day, func.sum(DriftCheck.differed)).where(*recent).group_by(DriftCheck.object, day)
    )
    days = {kind: [0] * HISTORY_DAYS for kind in (*KINDS, SUBSCRIPTIONS)}
    for kind, at, differed in session.execute(summed):
        if at <= now.date():
            days[kind][(at - first).days] = int(differed)
    return days


def _names(session: Session, shop: Shop, kind: str, keys: Sequence[str]) -> dict[str, str]:
    if not keys:
        return {}
    named: dict[str, tuple[Any, Any, Any]] = {
        "customers": (Customer, Customer.id, func.concat_ws(" ", Customer.first_name, Customer.last_name)),
        "products": (Product, Product.id, Product.title),
        "orders": (Order, Order.id, Order.name),
        "checkouts": (Checkout, Checkout.token, func.coalesce(Checkout.email, "")),
    }
    model, key, name = named[kind]
    wanted = keys if kind == "checkouts" else [int(each) for each in keys]
    rows = session.execute(select(key, name).where(model.shop_id == shop.id, key.in_(wanted)))
    return {str(id): called for id, called in rows}
