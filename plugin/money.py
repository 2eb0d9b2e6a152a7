"""Money is an integer of minor units plus a currency; never a float.

Digits per currency follow Shopify's own money handling, which keeps two digits where ISO 4217 or CLDR say fewer for
everyday use, so babel is for display only.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Final

from plugin.errors import Invalid

# ISO 4217 minor units that are not two.
_DIGITS: Final = {
    **dict.fromkeys(
        (
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ),
        0,
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}
_LARGEST: Final = 2**62


def digits(currency: str) -> int:
    """Decimal places of a currency: 2 unless ISO 4217 says otherwise."""
    return _DIGITS.get(currency.upper(), 2)


def minor(amount: str | int | float | Decimal | None, currency: str) -> int:
    """Minor units of an amount in major units, half up. Raises Invalid for what is no finite amount.

    Payloads of points of sale carry float noise ("10.649999999999999"), hence the rounding.
    """
    try:
        value = Decimal(str(amount or 0)).scaleb(digits(currency))
        rounded = int(value.quantize(Decimal(1), ROUND_HALF_UP))
    except (InvalidOperation, ValueError, OverflowError) as error:
        raise Invalid("“%(amount)s” is not an amount of money.", amount=str(amount)[:40]) from error
    if abs(rounded) > _LARGEST:
        raise Invalid("The amount of money is too large.")
    return rounded


def major(amount_minor: int, currency: str) -> Decimal:
    """Major units of minor units, exactly."""
    return Decimal(amount_minor).scaleb(-digits(currency))
