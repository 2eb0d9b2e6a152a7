"""The store's own discount codes and who gets to use them."""

from datetime import UTC, date, datetime, time, timedelta

from plugin.sandbox.records import Discount
from plugin.sandbox.seed.numbering import Numbering

# code, title, days before the anchor it starts and ends (None: open), percent in basis points, cents off, minimum, once
CODES = (
    ("WELCOME10", "10 % off the first order", 725, None, 1000, None, 0, True),
    ("FREUNDE5", "5 € among friends", 600, None, None, 500, 3000, False),
    ("SUMMER15", "Summer sale", 520, 440, 1500, None, 0, False),
    ("FILTERWEEK", "Filter week", 300, 286, 2000, None, 2000, False),
    ("BIGBEANS", "15 € off big orders", 200, None, None, 1500, 12000, False),
    ("SORRY20", "Our mistake", 400, None, 2000, None, 0, True),
)


def make_discounts(today: date, numbering: Numbering) -> list[Discount]:
    """All codes, with their windows counted back from the anchor."""
    return [_discount(row, today, numbering) for row in CODES]


def _discount(
    row: tuple[str, str, int, int | None, int | None, int | None, int, bool], today: date, numbering: Numbering
) -> Discount:
    code, title, starts, ends, percent_bp, amount_minor, minimum, once = row
    start = _midnight(today, starts)
    return Discount(
        id=numbering.next("discount"),
        code_id=numbering.next("redeem_code"),
        title=title,
        code=code,
        starts_at=start,
        ends_at=None if ends is None else _midnight(today, ends),
        created_at=start,
        updated_at=start,
        percent_bp=percent_bp,
        amount_minor=amount_minor,
        minimum_minor=minimum,
        once_per_customer=once,
    )


def _midnight(today: date, days: int) -> datetime:
    return datetime.combine(today - timedelta(days=days), time(0), UTC)


def amount_off(discount: Discount, goods_minor: int) -> int:
    """Cents the discount takes off goods of this gross price; 0 below its minimum."""
    if goods_minor < discount.minimum_minor:
        return 0
    if discount.percent_bp is not None:
        return goods_minor * discount.percent_bp // 10_000
    return min(goods_minor, discount.amount_minor or 0)


def open_at(discount: Discount, moment: datetime) -> bool:
    """Whether the code could be used at that moment."""
    return discount.starts_at <= moment and (discount.ends_at is None or moment < discount.ends_at)
