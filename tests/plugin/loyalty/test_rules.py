"""What an order is worth: table cases for each clause, and properties for the arithmetic."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugin.loyalty.counting import Counted, counted, example, points_of
from plugin.loyalty.rules import (
    Line,
    MoneyBack,
    OrderState,
    ProgramRules,
    Return,
    TierRules,
    available_at,
    days_later,
    expires_at,
    next_tier,
    program_at,
    tier_for,
    why_not,
)
from plugin.loyalty.standing import LAST, History

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SILVER = TierRules(2, "Silver", 100_00, 5, 4)
GOLD = TierRules(3, "Gold", 300_00, 3, 2)


def points(minor: int, rules: ProgramRules, tier: TierRules | None = None) -> int:
    return points_of(Counted(minor, 0, 0, 0), rules.currency, rules, tier)


def program(**columns: Any) -> ProgramRules:
    known: dict[str, Any] = {
        "id": 1,
        "version": 1,
        "name": "Club",
        "points_one": "bean",
        "points_many": "beans",
        "currency": "EUR",
        "earn_points": 3,
        "earn_per_minor": 100,
        "return_days": 14,
        "expiry_days": 365,
        "tier_days": 365,
        "tax_basis": "shown",
        "paused": False,
        "valid_from": NOON - timedelta(days=999),
        "valid_to": None,
    }
    return ProgramRules(**(known | columns))


def order(*lines: Line, **columns: Any) -> OrderState:
    known: dict[str, Any] = {
        "id": 1,
        "customer_id": 7,
        "moment": NOON,
        "currency": "EUR",
        "financial_status": "paid",
        "test": False,
        "cancelled_at": None,
        "deleted_at": None,
        "taxes_included": True,
    }
    return OrderState(**(known | columns), lines=lines)


def line(id: int = 1, quantity: int = 1, price: int = 10_00, discount: int = 0, tax: int = 0, **columns: Any) -> Line:
    known = {"current_quantity": quantity, "gift_card": False} | columns
    return Line(id, quantity, known["current_quantity"], price, discount, tax, known["gift_card"])


@pytest.mark.parametrize(
    ("minor", "expected"),
    [(0, 0), (1, 0), (33, 0), (34, 1), (99, 2), (100, 3), (42_50, 127), (42_49, 127), (42_66, 127), (42_67, 128)],
)
def test_points_are_rounded_down_once(minor: int, expected: int) -> None:
    assert points(minor, program()) == expected


@pytest.mark.parametrize(
    ("minor", "tier", "expected"),
    [(42_50, SILVER, 159), (42_50, GOLD, 191), (33, GOLD, 1), (100_00, SILVER, 375), (1, GOLD, 0)],
)
def test_the_tier_multiplies_before_rounding(minor: int, tier: TierRules, expected: int) -> None:
    assert points(minor, program(), tier) == expected


def test_a_currency_without_minor_units_earns_by_its_own_rate() -> None:
    assert points(5_000, program(currency="JPY", earn_points=1, earn_per_minor=100)) == 50


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({}, None),
        ({"financial_status": "PAID"}, None),
        ({"financial_status": "partially_refunded"}, None),
        ({"financial_status": "refunded"}, None),
        ({"financial_status": "pending"}, "not_paid"),
        ({"financial_status": "authorized"}, "not_paid"),
        ({"financial_status": "partially_paid"}, "not_paid"),
        ({"financial_status": "voided"}, "not_paid"),
        ({"financial_status": "expired"}, "not_paid"),
        ({"financial_status": None}, "not_paid"),
        ({"financial_status": "something new"}, "not_paid"),
        ({"test": True}, "test"),
        ({"cancelled_at": NOON}, "cancelled"),
        ({"deleted_at": NOON}, "deleted"),
        ({"currency": "USD"}, "other_currency"),
    ],
)
def test_only_a_paid_living_order_in_the_programs_currency_earns(columns: dict[str, Any], reason: str | None) -> None:
    assert why_not(order(line(), **columns), program()) == reason


def test_a_paused_version_and_no_version_earn_nothing() -> None:
    assert why_not(order(line()), program(paused=True)) == "paused"
    assert why_not(order(line()), None) == "no_program"


@pytest.mark.parametrize(
    ("quantity", "current", "returned", "left"),
    [
        (3, 3, 0, 3),
        (3, 2, 1, 2),  # the order knows of the refund
        (3, 3, 1, 2),  # the refund came first
        (3, 0, 3, 0),
        (3, 3, 3, 0),
        (3, 1, 1, 1),  # one edited out, one returned
        (3, 0, 0, 0),  # all edited out
        (3, 2, 2, 1),
        (3, 3, 5, 0),  # more returned than bought
    ],
)
def test_what_is_left_of_a_line(quantity: int, current: int, returned: int, left: int) -> None:
    back = (Return(NOON, 1, returned),) if returned else ()
    state = order(line(quantity=quantity, current_quantity=current), returns=back)
    assert counted(state, "shown").minor == left * 10_00


def test_a_discount_goes_with_its_units() -> None:
    bought = line(quantity=3, price=10_00, discount=10_00)
    assert counted(order(bought), "shown").minor == 20_00
    assert counted(order(bought, returns=(Return(NOON, 1, 1),)), "shown").minor == 13_33
    assert counted(order(bought, returns=(Return(NOON, 1, 2),)), "shown").minor == 6_66
    assert counted(order(bought, returns=(Return(NOON, 1, 3),)), "shown").minor == 0


def test_a_discount_above_the_price_counts_as_free() -> None:
    assert counted(order(line(discount=99_00)), "shown").minor == 0


def test_gift_cards_never_count_and_take_their_share_of_money_back() -> None:
    card = line(id=2, price=10_00, gift_card=True)
    assert counted(order(line(), card), "shown") == Counted(10_00, 0, 0, 10_00)
    assert counted(order(line(), card, money_back=(MoneyBack(NOON, 10_00),)), "shown").minor == 5_00


@pytest.mark.parametrize(
    ("included", "basis", "minor"),
    [
        (True, "shown", 10_00),
        (True, "with", 10_00),
        (True, "without", 8_40),
        (False, "shown", 10_00),
        (False, "with", 11_60),
        (False, "without", 10_00),
    ],
)
def test_tax_counts_as_the_program_says(included: bool, basis: str, minor: int) -> None:
    assert counted(order(line(tax=1_60), taxes_included=included), basis).minor == minor


@pytest.mark.parametrize(("money", "minor"), [(1, 9_99), (2_50, 7_50), (10_00, 0), (99_00, 0)])
def test_money_back_without_goods_comes_off_pro_rata(money: int, minor: int) -> None:
    assert counted(order(line(), money_back=(MoneyBack(NOON, money),)), "shown").minor == minor


def test_money_back_with_tax_on_top_takes_no_more_than_its_share() -> None:
    state = order(line(tax=2_00), taxes_included=False, money_back=(MoneyBack(NOON, 6_00),))
    assert counted(state, "shown").minor == 5_00


def test_money_for_units_an_edit_took_out_is_not_taken_twice() -> None:
    edited = line(quantity=2, current_quantity=1)
    assert counted(order(edited, money_back=(MoneyBack(NOON, 10_00),)), "shown").minor == 10_00
    assert counted(order(edited, money_back=(MoneyBack(NOON, 12_00),)), "shown").minor == 8_00


def test_refunds_after_a_moment_do_not_count_before_it() -> None:
    state = order(
        line(quantity=2, current_quantity=1),
        returns=(Return(NOON + timedelta(days=2), 1, 1),),
        money_back=(MoneyBack(NOON + timedelta(days=3), 1_00),),
    )
    assert counted(state, "shown", NOON + timedelta(days=1)).minor == 20_00
    assert counted(state, "shown", NOON + timedelta(days=2)).minor == 20_00
    assert counted(state, "shown", NOON + timedelta(days=2, seconds=1)).minor == 10_00
    assert counted(state, "shown").minor == 9_00


LINES = st.lists(
    st.builds(
        Line,
        id=st.just(0),
        quantity=st.integers(1, 9),
        current_quantity=st.just(9),
        price_minor=st.integers(0, 500_00),
        discount_minor=st.integers(0, 100_00),
        tax_minor=st.integers(0, 50_00),
        gift_card=st.booleans(),
    ),
    min_size=1,
    max_size=6,
).map(lambda found: tuple(each._replace(id=number) for number, each in enumerate(found, 1)))
BASES = st.sampled_from(("shown", "with", "without"))


def unit_returns(lines: tuple[Line, ...]) -> list[Return]:
    return [Return(NOON, each.id, 1) for each in lines for _ in range(each.quantity)]


@settings(max_examples=80, deadline=None)
@given(LINES, BASES, st.booleans(), st.randoms(use_true_random=False))
def test_partial_refunds_in_any_order_take_back_exactly_what_was_earned(
    lines: tuple[Line, ...], basis: str, included: bool, chance: Any
) -> None:
    rules, whole = program(), order(*lines, taxes_included=included)
    back = unit_returns(lines)
    chance.shuffle(back)
    before = points(counted(whole, basis).minor, rules, GOLD)
    earned = taken = before
    for number in range(1, len(back) + 1):
        after = points(counted(whole._replace(returns=tuple(back[:number])), basis).minor, rules, GOLD)
        assert 0 <= after <= before
        taken -= before - after
        before = after
    assert (before, taken) == (0, 0) and earned >= 0


@settings(max_examples=80, deadline=None)
@given(LINES, BASES, st.booleans(), st.integers(0, 3000_00))
def test_the_money_adds_up_to_the_cent(lines: tuple[Line, ...], basis: str, included: bool, money: int) -> None:
    refunds = (MoneyBack(NOON, money),) if money else ()
    state = order(*lines, taxes_included=included, returns=tuple(unit_returns(lines)[::2]), money_back=refunds)
    told = counted(state, basis)
    assert told.goods_minor == told.minor + told.returned_minor + told.money_back_minor
    assert min(told[:4]) >= 0 and told.minor >= 0


@settings(max_examples=80, deadline=None)
@given(LINES, BASES, st.booleans())
def test_untouched_lines_may_be_added_up_first(lines: tuple[Line, ...], basis: str, included: bool) -> None:
    sane = [_sane(each) for each in lines]
    merged = []
    for card in (False, True):
        of_kind = [each for each in sane if each.gift_card is card]
        price = sum(each.price_minor * each.quantity for each in of_kind)
        off, tax = sum(each.discount_minor for each in of_kind), sum(each.tax_minor for each in of_kind)
        merged.append(Line(0, 1, 1, price, off, tax, card))
    apart = [counted(order(each, taxes_included=included), basis) for each in sane]
    assert counted(order(*merged, taxes_included=included), basis).minor == sum(each.minor for each in apart)


def _sane(each: Line) -> Line:
    """A line as stores have it: neither discount nor tax above the price."""
    price = each.price_minor * each.quantity
    off = min(each.discount_minor, price)
    return each._replace(discount_minor=off, tax_minor=min(each.tax_minor, price - off))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**9), st.integers(1, 50), st.integers(1, 1000), st.integers(1, 9), st.integers(1, 9))
def test_a_higher_rate_never_earns_less(minor: int, earn: int, per: int, up: int, down: int) -> None:
    rules = program(earn_points=earn, earn_per_minor=per)
    low, high = TierRules(1, "a", 0, up, down), TierRules(2, "b", 1, up + 1, down)
    assert points(minor, rules, high) >= points(minor, rules, low) >= 0


@pytest.mark.parametrize(
    ("spend", "name", "above"),
    [
        (0, None, "Silver"),
        (99_99, None, "Silver"),
        (100_00, "Silver", "Gold"),
        (299_99, "Silver", "Gold"),
        (300_00, "Gold", None),
    ],
)
def test_thresholds_belong_to_their_tier(spend: int, name: str | None, above: str | None) -> None:
    tiers = (SILVER, GOLD)
    found, following = tier_for(spend, tiers), next_tier(spend, tiers)
    assert (found and found.name, following and following.name) == (name, above)


def test_versions_are_half_open() -> None:
    change = NOON
    first, second = program(valid_to=change), program(id=2, version=2, valid_from=change)
    assert program_at((first, second), change - timedelta(microseconds=1)) is first
    assert program_at((first, second), change) is second
    assert program_at((first, second), first.valid_from - timedelta(seconds=1)) is None
    assert program_at((first, second), None) is None


@pytest.mark.parametrize(
    ("moment", "days", "timezone", "later"),
    [
        ("2026-03-28T12:00+01:00", 1, "Europe/Berlin", "2026-03-29T12:00+02:00"),  # 23 hours
        ("2026-10-24T12:00+02:00", 1, "Europe/Berlin", "2026-10-25T12:00+01:00"),  # 25 hours
        ("2026-03-28T02:30+01:00", 1, "Europe/Berlin", "2026-03-29T03:30+02:00"),  # a time that does not exist
        ("2028-02-28T12:00+00:00", 1, "UTC", "2028-02-29T12:00+00:00"),
        ("2027-02-28T12:00+00:00", 1, "UTC", "2027-03-01T12:00+00:00"),
        ("2028-02-29T12:00+00:00", 365, "UTC", "2029-02-28T12:00+00:00"),
        ("2026-12-31T23:30-11:00", 1, "Pacific/Pago_Pago", "2027-01-01T23:30-11:00"),
        ("2026-03-10T12:00+00:00", -10, "America/New_York", "2026-02-28T13:00+00:00"),
    ],
)
def test_days_are_the_shops(moment: str, days: int, timezone: str, later: str) -> None:
    assert days_later(datetime.fromisoformat(moment), days, timezone) == datetime.fromisoformat(later)


def test_points_wait_for_the_return_window_and_then_live_their_days() -> None:
    rules = program(return_days=14, expiry_days=30)
    opens = available_at(order(line()), rules, "Europe/Berlin")
    assert opens == datetime(2026, 3, 15, 12, tzinfo=UTC)
    assert expires_at(opens, rules, "Europe/Berlin") == datetime(2026, 4, 14, 11, tzinfo=UTC)  # summer time began
    assert expires_at(opens, program(expiry_days=None), "UTC") is None


def test_the_worked_example_shows_its_fraction() -> None:
    assert example(42_50, program(), SILVER) == (42_50, 15, 400, 159)


def history(*orders: OrderState, **columns: Any) -> History:
    return History(orders, program(tiers=(SILVER, GOLD), **columns))


def at(days: int, id: int = 1, minor: int = 100_00, **columns: Any) -> OrderState:
    return order(line(price=minor), id=id, moment=NOON + timedelta(days=days), **columns)


def test_an_order_does_not_count_for_its_own_tier() -> None:
    past = history(at(0))
    assert past.tier((NOON, 1), "UTC") == (None, 0)
    assert past.tier((NOON, 2), "UTC") == (SILVER, 100_00)  # the same moment: the id decides
    assert past.tier((NOON + timedelta(seconds=1), 0), "UTC") == (SILVER, 100_00)


def test_the_window_lets_go_of_old_orders() -> None:
    past = history(at(0))
    assert past.tier((NOON + timedelta(days=365), LAST), "UTC") == (SILVER, 100_00)
    assert past.tier((NOON + timedelta(days=365, seconds=1), LAST), "UTC") == (None, 0)


def test_a_refund_lowers_spend_from_its_day_on() -> None:
    back = (Return(NOON + timedelta(days=10), 1, 1),)
    past = history(at(0, returns=back))
    assert past.spend((NOON + timedelta(days=10), LAST), "UTC") == 100_00
    assert past.spend((NOON + timedelta(days=11), LAST), "UTC") == 0


def test_a_cancellation_lowers_spend_from_its_day_on() -> None:
    past = history(at(0, cancelled_at=NOON + timedelta(days=10)))
    assert past.spend((NOON + timedelta(days=10), LAST), "UTC") == 100_00
    assert past.spend((NOON + timedelta(days=11), LAST), "UTC") == 0


def test_a_pause_stops_points_and_not_spend() -> None:
    assert history(at(0), paused=True).spend((NOON + timedelta(days=1), LAST), "UTC") == 100_00


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 900), st.integers(0, 200_00)), max_size=12), st.randoms(use_true_random=False))
def test_spend_does_not_depend_on_the_order_of_the_news(found: list[tuple[int, int]], chance: Any) -> None:
    orders = [at(days, id=number, minor=minor) for number, (days, minor) in enumerate(found, 1)]
    shuffled = list(orders)
    chance.shuffle(shuffled)
    for days in (0, 100, 365, 500, 901):
        position = NOON + timedelta(days=days), 0
        simple = sum(minor for when, minor in found if days - 365 <= when < days)
        assert history(*orders).spend(position, "UTC") == history(*shuffled).spend(position, "UTC") == simple
