"""Rules of earning that cannot be used are told at their field."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from plugin.errors import Invalid
from plugin.loyalty.checking import MOST_MULTIPLIERS, check_earn
from plugin.loyalty.document import Earn, Excluded, Goods, Multiplier

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass
class Wrong:
    earn: Earn
    field: str


def double(name: str = "Double", **said: Any) -> Multiplier:
    return Multiplier(name, said.pop("rate", (2, 1)), **said)


@pytest.mark.parametrize(
    "wrong",
    [
        Wrong(Earn(rates={"eur": (1, 100)}), "rates-eur"),
        Wrong(Earn(rates={"USD": (-1, 100)}), "rates-USD"),
        Wrong(Earn(rates={"USD": (1, 0)}), "rates-USD"),
        Wrong(Earn(rates={"USD": (10**13, 1)}), "rates-USD"),
        Wrong(Earn(multipliers=(double(" "),)), "multipliers-0-name"),
        Wrong(Earn(multipliers=(double("A", weekdays=(0,)), double("a"))), "multipliers-1-name"),
        Wrong(Earn(multipliers=(double(rate=(-1, 1)),)), "multipliers-0-rate"),
        Wrong(Earn(multipliers=(double(rate=(1, 0)),)), "multipliers-0-rate"),
        Wrong(Earn(multipliers=(double(rate=(1001, 1)),)), "multipliers-0-rate"),
        Wrong(Earn(multipliers=(double(weekdays=(7,)),)), "multipliers-0-weekdays"),
        Wrong(Earn(multipliers=(double(starts=NOON, ends=NOON),)), "multipliers-0-ends"),
        Wrong(Earn(multipliers=(double(goods=Goods(tags=("",))),)), "multipliers-0-tags"),
        Wrong(Earn(multipliers=(double(goods=Goods(products=tuple(range(251)))),)), "multipliers-0-products"),
        Wrong(Earn(multipliers=(double("All"), double("Some", weekdays=(1,)))), "multipliers-1-name"),
        Wrong(Earn(multipliers=tuple(double(str(n), goods=Goods(tags=(str(n),))) for n in range(31))), "multipliers"),
        Wrong(Earn(excluded=Excluded(customer_tags=("x" * 256,))), "excluded-customer_tags"),
    ],
)
def test_the_field_is_named(wrong: Wrong) -> None:
    with pytest.raises(Invalid) as told:
        check_earn(wrong.earn)
    assert told.value.field == wrong.field


def test_a_programme_may_use_all_of_it() -> None:
    weekend = double("Weekend", weekdays=(5, 6), tiers=("Gold",))
    window = double("Spring", starts=NOON, goods=Goods(collections=(1,), vendors=("Roaster",)))
    many = tuple(double(str(n), goods=Goods(tags=(str(n),))) for n in range(MOST_MULTIPLIERS - 2))
    check_earn(Earn(rates={"USD": (3, 100)}, multipliers=(weekend, window, *many)))


def test_a_narrower_rule_may_stand_above_a_wider_one() -> None:
    check_earn(Earn(multipliers=(double("Some", weekdays=(1,)), double("All"))))
