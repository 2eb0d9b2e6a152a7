"""What goes wrong afterwards: cancellations, full refunds, refunds of some units, money back without goods."""

from datetime import UTC, date, datetime, time, timedelta
from random import Random

from plugin.sandbox import totals
from plugin.sandbox.order_records import Order, Refund, RefundLine, Transaction
from plugin.sandbox.seed.numbering import Numbering
from plugin.sandbox.seed.purchases import Counter

CANCELLED, ALL_BACK, SOME_BACK, MONEY_BACK = "cancelled", "all back", "some back", "money back"
FATES = (CANCELLED, ALL_BACK, SOME_BACK, MONEY_BACK)
FATE_WEIGHTS = (30, 20, 42, 8)
REASONS = ("customer", "customer", "inventory", "declined", "other")


def regret_some(orders: list[Order], today: date, counter: Counter) -> None:
    """Let about one order in twenty-five end otherwise than planned; every moment stays before the anchor day."""
    end = datetime.combine(today, time(0), UTC)
    for order in orders:
        if counter.dice.random() < 0.042:
            _regret(order, end, counter)


def _regret(order: Order, end: datetime, counter: Counter) -> None:
    dice = counter.dice
    fate = dice.choices(FATES, FATE_WEIGHTS)[0]
    days = (0.02, 0.5) if fate == CANCELLED else (3, 20)
    moment = min(order.processed_at + timedelta(days=dice.uniform(*days)), end - timedelta(minutes=1))
    moment = moment.replace(microsecond=0)
    if moment <= order.processed_at:
        return
    if fate == CANCELLED:
        order.cancelled_at = order.closed_at = moment
        order.cancel_reason = dice.choice(REASONS)
    _refund(order, fate, moment, dice, counter.numbering)
    order.updated_at = max(order.updated_at, moment)


def _refund(order: Order, fate: str, moment: datetime, dice: Random, numbering: Numbering) -> None:
    lines = _returned(order, fate, dice, numbering)
    shipping = _shipping(order) if fate in (CANCELLED, ALL_BACK) else 0
    extra = min(500, _paid(order)) if fate == MONEY_BACK else 0
    refund = Refund(
        id=numbering.next("refund"),
        created_at=moment,
        lines=lines,
        shipping_minor=shipping,
        extra_minor=extra,
        restock=fate != MONEY_BACK,
        note="Parcel arrived damaged" if fate == MONEY_BACK else None,
    )
    back = sum(line.subtotal_minor for line in lines) + shipping + extra
    refund.transactions = [_money_back(order, back, moment, numbering)] if back else []
    order.refunds = [refund]


def _returned(order: Order, fate: str, dice: Random, numbering: Numbering) -> list[RefundLine]:
    if fate == MONEY_BACK:
        return []
    restock = "cancel" if fate == CANCELLED else "return"
    some = [dice.choice(order.lines)] if fate == SOME_BACK else order.lines
    units = [dice.randint(1, line.quantity) if fate == SOME_BACK else line.quantity for line in some]
    return [
        totals.refund_line_for(order, line, count, numbering.next("refund_line"), restock)
        for line, count in zip(some, units, strict=True)
    ]


def _shipping(order: Order) -> int:
    return sum(line.discounted_minor for line in order.shipping_lines)


def _paid(order: Order) -> int:
    return sum(move.amount_minor for move in order.transactions)


def _money_back(order: Order, amount_minor: int, moment: datetime, numbering: Numbering) -> Transaction:
    sale = order.transactions[0]
    return Transaction(
        id=numbering.next("transaction"),
        kind="refund",
        amount_minor=amount_minor,
        created_at=moment,
        gateway=sale.gateway,
        parent_id=sale.id,
    )
