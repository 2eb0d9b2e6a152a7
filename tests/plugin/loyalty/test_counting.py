"""What the document adds to an order's worth: components, multipliers, exclusions, currencies, rounding."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin.loyalty.counting import counted, exact, explained, points_of
from plugin.loyalty.document import Document, Earn, Excluded, Goods, Multiplier
from plugin.loyalty.rules import Line, MoneyBack, OrderState, ProgramRules, Return, TierRules, Ware, why_not
from tests.plugin.loyalty.test_rules import GOLD, NOON, order, program

MUG = Ware(1, "Kiln", frozenset({"sale", "new"}), frozenset({11}))
TEA = Ware(2, "Garden", frozenset({"tea"}), frozenset({22}))
DOUBLE_TEA = Multiplier("Tea days", (2, 1), Goods(tags=("Tea",)))


def rules(**earn: Any) -> ProgramRules:
    """3 points for 1.00."""
    return program()._replace(document=Document(earn=Earn(**earn)))


def line(id: int, price: int, ware: Ware | None = None, quantity: int = 1, discount: int = 0, **more: Any) -> Line:
    return Line(id, quantity, more.pop("current_quantity", quantity), price, discount, 0, ware=ware, **more)


def points(state: OrderState, version: ProgramRules, tier: TierRules | None = None) -> int:
    money = counted(state, version.tax_basis, None, version.document, tier, "Europe/Warsaw")
    return points_of(money, state.currency, version, tier)


BOTH = order(line(1, 10_00, MUG), line(2, 20_00, TEA))


@pytest.mark.parametrize(
    ("goods", "expected"),
    [
        (Goods(tags=("TEA",)), 30 + 120),
        (Goods(products=(1,)), 60 + 60),
        (Goods(collections=(22,)), 30 + 120),
        (Goods(vendors=("Kiln",)), 60 + 60),
        (Goods(tags=("tea",), products=(1,)), 180),
        (Goods(tags=("coffee",)), 90),
        (Goods(), 180),
    ],
)
def test_a_multiplier_takes_the_goods_it_names(goods: Goods, expected: int) -> None:
    assert points(BOTH, rules(multipliers=(Multiplier("Twice", (2, 1), goods),))) == expected


def test_of_two_multipliers_the_upper_one_wins() -> None:
    both = (Multiplier("Five", (5, 1), Goods(tags=("tea",))), Multiplier("Twice", (2, 1)))
    assert points(BOTH, rules(multipliers=both)) == 60 + 300


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"weekdays": (6,)}, 180),  # 1 March 2026 is a Sunday
        ({"weekdays": (0, 5)}, 90),
        ({"starts": NOON}, 180),
        ({"starts": NOON + timedelta(seconds=1)}, 90),
        ({"ends": NOON}, 90),
        ({"ends": NOON + timedelta(seconds=1)}, 180),
        ({"tiers": ("Gold",)}, 90),
    ],
)
def test_a_multiplier_holds_on_its_days(said: dict[str, Any], expected: int) -> None:
    assert points(BOTH, rules(multipliers=(Multiplier("Twice", (2, 1), **said),))) == expected


def test_the_day_of_the_week_is_the_shops() -> None:
    late = BOTH._replace(moment=datetime(2026, 3, 1, 23, 30, tzinfo=UTC))  # Monday in Warsaw
    assert points(late, rules(multipliers=(Multiplier("Mondays", (2, 1), weekdays=(0,)),))) == 180


def test_a_tier_comes_on_top_unless_the_multiplier_stands_instead() -> None:
    twice = (Multiplier("Twice", (2, 1), tiers=("Gold",)),)
    assert points(BOTH, rules(multipliers=twice), GOLD) == 270
    assert points(BOTH, rules(multipliers=twice, instead_of_tier=True), GOLD) == 180
    assert points(BOTH, rules(multipliers=(DOUBLE_TEA,), instead_of_tier=True), GOLD) == 45 + 120


def test_excluded_goods_earn_nothing_and_are_told() -> None:
    version = rules(excluded=Excluded(Goods(tags=("sale",))))
    money = counted(BOTH, "shown", None, version.document)
    assert (money.minor, money.excluded_minor) == (20_00, 10_00)
    assert points(BOTH, version) == 60


def test_an_excluded_customer_earns_nothing() -> None:
    version = rules(excluded=Excluded(customer_tags=("Wholesale",)))
    assert why_not(BOTH._replace(customer_tags=frozenset({"wholesale"})), version) == "excluded_customer"
    assert why_not(BOTH, version) is None


def test_shipping_counts_where_it_is_said_and_its_refund_takes_it_back() -> None:
    sent = BOTH._replace(shipping_minor=5_00)
    assert points(sent, rules()) == 90
    assert points(sent, rules(shipping=True)) == 105
    back = sent._replace(shipping_back=(MoneyBack(NOON, 2_00),))
    assert points(back, rules(shipping=True)) == 99


def test_prices_before_discounts_leave_out_what_points_paid() -> None:
    state = order(line(1, 30_00, discount=10_00))
    assert points(state, rules(before_discounts=True)) == 90
    assert points(state._replace(points_paid_minor=10_00), rules(before_discounts=True)) == 60
    half = order(line(1, 15_00, quantity=2, discount=10_00), returns=(Return(NOON, 1, 1),))
    assert points(half._replace(points_paid_minor=10_00), rules(before_discounts=True)) == 30


def test_gift_cards_count_where_it_is_said() -> None:
    state = order(line(1, 10_00), line(2, 50_00, gift_card=True))
    assert (points(state, rules()), points(state, rules(gift_cards=True))) == (30, 180)


def test_another_currency_has_its_own_rate() -> None:
    dollars = BOTH._replace(currency="USD")
    assert why_not(dollars, rules()) == "other_currency"
    version = rules(rates={"USD": (1, 100)})
    assert why_not(dollars, version) is None
    assert points(dollars, version) == 30


@pytest.mark.parametrize(("rounding", "expected"), [("down", 127), ("nearest", 128), ("up", 128)])
def test_points_are_rounded_as_said(rounding: str, expected: int) -> None:
    assert points(order(line(1, 42_50)), rules(rounding=rounding)) == expected


def test_money_back_comes_off_every_share_alike() -> None:
    state = BOTH._replace(money_back=(MoneyBack(NOON, 15_00),))
    assert points(state, rules(multipliers=(DOUBLE_TEA,))) == 75


def test_the_explanation_adds_up() -> None:
    version = rules(multipliers=(DOUBLE_TEA,), rounding="up")
    money = counted(BOTH, "shown", None, version.document)
    told = explained(BOTH, version, None, 0, money, 0, points(BOTH, version))
    assert told["shares"] == [
        {"rule": None, "rate": [1, 1], "minor": 10_00},
        {"rule": "Tea days", "rate": [2, 1], "minor": 20_00},
    ]
    numerator, denominator = told["exact"]
    assert -(-numerator // denominator) == told["target"] == 150


WARES = st.sampled_from((MUG, TEA, None))
RATES = st.tuples(st.integers(0, 20), st.integers(1, 7))
GOODS = st.sampled_from((Goods(), Goods(tags=("tea",)), Goods(products=(1,)), Goods(vendors=("Garden",))))
MULTIPLIERS = st.lists(st.builds(Multiplier, st.just("x"), RATES, GOODS), max_size=3).map(tuple)
EARN = st.builds(
    Earn,
    rounding=st.sampled_from(("down", "nearest", "up")),
    before_discounts=st.booleans(),
    shipping=st.booleans(),
    multipliers=MULTIPLIERS,
    excluded=st.builds(Excluded, GOODS),
)


@st.composite
def orders(draw: st.DrawFn) -> OrderState:
    lines = []
    for id in range(1, draw(st.integers(1, 4)) + 1):
        quantity, price = draw(st.integers(1, 4)), draw(st.integers(0, 50_00))
        lines.append(line(id, price, draw(WARES), quantity, draw(st.integers(0, price * quantity))))
    return order(*lines)._replace(
        shipping_minor=draw(st.integers(0, 10_00)), points_paid_minor=draw(st.integers(0, 30_00))
    )


@settings(max_examples=150, deadline=None)
@given(orders(), EARN, st.randoms(use_true_random=False))
def test_giving_everything_back_leaves_nothing_whatever_the_rules(state: OrderState, earn: Earn, chance: Any) -> None:
    version = program()._replace(document=Document(earn=earn))
    units = [Return(NOON, each.id, 1) for each in state.lines for _ in range(each.quantity)]
    chance.shuffle(units)
    before = points(state, version)
    for number in range(1, len(units) + 1):
        after = points(state._replace(returns=tuple(units[:number])), version)
        assert 0 <= after <= before
        before = after
    gone = state._replace(returns=tuple(units), shipping_back=(MoneyBack(NOON, state.shipping_minor),))
    assert points(gone, version) == 0


@settings(max_examples=150, deadline=None)
@given(orders(), EARN)
def test_shares_add_up_to_what_is_kept(state: OrderState, earn: Earn) -> None:
    version = program()._replace(document=Document(earn=earn))
    money = counted(state, "shown", None, version.document)
    kept = money.goods_minor - money.returned_minor
    assert sum(share.minor for share in money.shares) == kept or not money.shares
    assert 0 <= money.minor <= kept
    numerator, denominator = exact(money, "EUR", version, None)
    assert numerator >= 0 and denominator > 0
