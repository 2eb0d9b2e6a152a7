"""Money of the store: integer minor units inside, strings outside. The shop has one currency with two digits."""

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

CURRENCY = "EUR"
DIGITS = 2


def text(minor: int) -> str:
    """Minor units as Shopify writes them: 1250 is `"12.50"`."""
    sign, minor = ("-", -minor) if minor < 0 else ("", minor)
    return f"{sign}{minor // 100}.{minor % 100:02d}"


def short_text(minor: int) -> str:
    """As the Admin API's `Decimal` writes it: 1250 is `"12.5"`, 1200 is `"12.0"`."""
    whole = text(minor)
    return whole[:-1] if whole.endswith("0") else whole


def minor(amount: str | int | float) -> int:
    """Minor units of an amount in major units, half up; `ValueError` when it is no number."""
    try:
        return int((Decimal(str(amount)) * 100).quantize(Decimal(1), ROUND_HALF_UP))
    except InvalidOperation as broken:
        raise ValueError(f"{amount!r} is not an amount of money") from broken


def money_set(minor: int) -> dict[str, Any]:
    """The `*_set` object of webhook bodies; shop and presentment currency are the same."""
    amount = {"amount": text(minor), "currency_code": CURRENCY}
    return {"shop_money": amount, "presentment_money": dict(amount)}


def tax_inside(gross_minor: int, rate_bp: int) -> int:
    """The tax contained in a gross amount, half up: 19 % of 119.00 is 19.00."""
    return _half_up(gross_minor * rate_bp, 10_000 + rate_bp)


def share(total_minor: int, part: int, whole: int) -> int:
    """The first `part` of `whole` equal pieces of a total, rounded down, so that all pieces add up to it."""
    return total_minor * part // whole if whole else 0


def split(total_minor: int, weights: list[int]) -> list[int]:
    """Divide a total in proportion to weights; what rounding leaves goes to the largest remainders."""
    whole = sum(weights)
    if whole <= 0:
        return [0] * len(weights)
    parts = [total_minor * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: -(total_minor * weights[i] % whole))
    for i in by_remainder[: total_minor - sum(parts)]:
        parts[i] += 1
    return parts


def _half_up(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)
