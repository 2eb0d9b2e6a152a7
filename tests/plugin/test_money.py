"""Money: exact, in the currency's own digits."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.errors import Invalid
from plugin.money import digits, major, minor


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [
        ("42.50", "EUR", 4250),
        ("20", "VND", 20),
        ("1.234", "KWD", 1234),
        ("10.649999999999999", "USD", 1065),
        ("-3.00", "EUR", -300),
        (0.1 + 0.2, "EUR", 30),
        (None, "EUR", 0),
        ("", "EUR", 0),
    ],
)
def test_amounts_become_minor_units(amount: str | float | None, currency: str, expected: int) -> None:
    assert minor(amount, currency) == expected


@pytest.mark.parametrize("amount", ["example string", "NaN", "Infinity", "1e400", "9" * 40])
def test_what_is_no_amount_is_refused(amount: str) -> None:
    with pytest.raises(Invalid):
        minor(amount, "EUR")


@given(st.integers(-(10**15), 10**15), st.sampled_from(["EUR", "JPY", "KWD"]))
def test_major_and_back_is_the_same(amount_minor: int, currency: str) -> None:
    assert minor(major(amount_minor, currency), currency) == amount_minor


def test_major_units_have_the_digits_of_the_currency() -> None:
    assert (major(5, "EUR"), major(5, "JPY"), digits("BHD")) == (Decimal("0.05"), Decimal(5), 3)
