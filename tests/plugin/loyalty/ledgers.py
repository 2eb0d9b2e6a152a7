"""A small world to settle in: customers and orders straight into the mirror, and what must always hold."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from plugin import clock
from plugin.commerce.models import Customer, Order, OrderLine, Refund, RefundLine
from plugin.loyalty import operations as loyalty
from plugin.loyalty.models import PointAccount, PointEntry, Program, Reward
from plugin.loyalty.programs import ProgramDraft, TierDraft
from plugin.loyalty.rewards import RewardDraft
from plugin.shops.models import Shop

START = datetime(2025, 1, 1, tzinfo=UTC)
LADDER = (TierDraft("Bronze", 0), TierDraft("Silver", 100_00, 5, 4), TierDraft("Gold", 300_00, 3, 2))
DRAFT = ProgramDraft("Club", "bean", "beans", earn_points=3, earn_per_minor=100, return_days=0, tiers=())


def at(session: Session, moment: datetime) -> datetime:
    """Let business time stand at a moment for the rest of the session."""
    session.info["now"] = moment
    return moment


def program(session: Session, shop: Shop, draft: ProgramDraft = DRAFT, starts_at: datetime = START) -> Program:
    saved = loyalty.save_program(session, shop, "staff:1", draft, starts_at)
    saved.history_after = None
    session.flush()
    return saved


def reward(session: Session, shop: Shop, cost: int = 100, **columns: Any) -> Reward:
    return loyalty.add_reward(session, shop, "staff:1", RewardDraft("5 off", cost, 5_00, **columns))


def customer(session: Session, shop: Shop, id: int) -> int:
    session.merge(Customer(shop_id=shop.id, id=id, email=f"customer-{id}@example.com"))
    session.flush()
    return id


def order(
    session: Session,
    shop: Shop,
    id: int,
    customer_id: int | None,
    moment: datetime,
    lines: Sequence[dict[str, Any]] = ({},),
    **columns: Any,
) -> int:
    """A paid order; a line is 50.00 of goods unless it says otherwise. The same id again replaces it."""
    if customer_id is not None:
        customer(session, shop, customer_id)
    known = {"financial_status": "paid", "currency": "EUR", "taxes_included": True, "known": True} | columns
    session.merge(
        Order(shop_id=shop.id, id=id, customer_id=customer_id, processed_at=moment, created_at=moment, **known)
    )
    session.flush()
    session.execute(delete(OrderLine).where(OrderLine.order_id == id))
    session.add_all(_line(shop, id, number, line) for number, line in enumerate(lines))
    session.flush()
    return id


def _line(shop: Shop, order_id: int, number: int, columns: dict[str, Any]) -> OrderLine:
    values = {"quantity": 1, "price_minor": 50_00, "discount_minor": 0, "tax_minor": 0} | columns
    values.setdefault("current_quantity", values["quantity"])
    return OrderLine(shop_id=shop.id, order_id=order_id, id=order_id * 10 + number, position=number, **values)


def refund(
    session: Session, shop: Shop, id: int, order_id: int, moment: datetime, units: dict[int, int], money: int = 0
) -> None:
    """Units by line number, and money without goods; the order itself does not know of it yet."""
    session.merge(Refund(shop_id=shop.id, id=id, order_id=order_id, processed_at=moment, amount_only_minor=money))
    session.flush()
    for number, quantity in units.items():
        key = {"shop_id": shop.id, "refund_id": id, "id": id * 10 + number, "order_id": order_id}
        session.merge(
            RefundLine(**key, line_id=order_id * 10 + number, quantity=quantity, subtotal_minor=0, tax_minor=0)
        )
    session.flush()


def settle(session: Session, shop: Shop, *order_ids: int) -> None:
    loyalty.settle_orders(session, shop, set(order_ids))


def account(session: Session, shop: Shop, customer_id: int) -> tuple[int, int, int]:
    """(available, pending, debt) as stored."""
    row = session.get(PointAccount, (shop.id, customer_id), populate_existing=True)
    return (row.available, row.pending, row.debt) if row else (0, 0, 0)


def entries(session: Session, shop: Shop, customer_id: int) -> list[tuple[str, int]]:
    mine = PointEntry.shop_id == shop.id, PointEntry.customer_id == customer_id
    return [(e.kind, e.points) for e in session.scalars(select(PointEntry).where(*mine).order_by(PointEntry.id))]


def later(session: Session, **delta: float) -> datetime:
    return at(session, clock.now(session) + timedelta(**delta))


BROKEN = """
    SELECT a.customer_id, a.available, a.pending, a.debt,
        (SELECT coalesce(sum(points), 0) FROM point_entries e
            WHERE e.shop_id = a.shop_id AND e.customer_id = a.customer_id) AS posted,
        (SELECT coalesce(sum(remaining) FILTER (WHERE NOT pending), 0) FROM point_lots l
            WHERE l.shop_id = a.shop_id AND l.customer_id = a.customer_id) AS in_lots,
        (SELECT coalesce(sum(remaining) FILTER (WHERE pending), 0) FROM point_lots l
            WHERE l.shop_id = a.shop_id AND l.customer_id = a.customer_id) AS in_pending
    FROM point_accounts a
"""


def broken(session: Session) -> list[Any]:
    """Accounts whose projections disagree with each other or with the ledger."""
    return [
        row
        for row in session.execute(text(BROKEN))
        if row.posted != row.available + row.pending - row.debt
        or row.in_lots != row.available
        or row.in_pending != row.pending
        or (row.debt and row.available)
    ]
