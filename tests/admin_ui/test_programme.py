"""The programme's editor: every rule of earning through the form and back, errors at fields, two tabs, going back."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from plugin.db.engine import transaction
from plugin.loyalty import operations as loyalty
from plugin.loyalty import queries
from plugin.loyalty.document import Earn, Excluded, Goods, Multiplier
from plugin.loyalty.programs import draft_of
from plugin.loyalty.rules import ProgramRules
from plugin.shops.models import Shop
from tests.admin_ui import shopfloor
from tests.admin_ui.browsing import Fields, fields_of
from tests.admin_ui.conftest import Person
from tests.admin_ui.test_loyalty import TYPED

words = st.text(st.characters(categories=("L", "N", "P")), min_size=1, max_size=12)
ids = st.lists(st.integers(1, 10**15), max_size=3, unique=True).map(tuple)
names = st.lists(words, max_size=3, unique=True).map(tuple)
goods = st.builds(Goods, products=ids, collections=ids, tags=names, vendors=names)
moments = st.none() | st.integers(0, 4_000_000).map(lambda n: datetime(2027, 1, 1, tzinfo=UTC) + timedelta(minutes=n))
ratios = st.fractions(min_value=0, max_value=1000, max_denominator=10_000).map(lambda f: (f.numerator, f.denominator))
money = st.tuples(st.integers(0, 900), st.integers(100, 10**6))


@st.composite
def multipliers(draw: st.DrawFn) -> tuple[Multiplier, ...]:
    """Rules that can be saved together: each names goods, so none makes another one useless."""
    made = []
    for number in range(draw(st.integers(0, 3))):
        starts, ends = sorted((draw(moments), draw(moments)), key=lambda at: at or datetime.max.replace(tzinfo=UTC))
        rule = Multiplier(
            f"{number} {draw(words)}",
            draw(ratios),
            draw(goods.filter(lambda some: some.names_any)),
            draw(st.lists(st.integers(0, 6), unique=True).map(lambda days: tuple(sorted(days)))),
            starts,
            None if ends == starts else ends,
            draw(st.sampled_from([(), ("Insider",), ("Regular", "Insider")])),
        )
        made.append(rule)
    return tuple(made)


earns = st.builds(
    Earn,
    rates=st.dictionaries(st.sampled_from(["USD", "JPY", "KWD", "PLN"]), money, max_size=3),
    rounding=st.sampled_from(["down", "nearest", "up"]),
    before_discounts=st.booleans(),
    shipping=st.booleans(),
    gift_cards=st.booleans(),
    multipliers=multipliers(),
    instead_of_tier=st.booleans(),
    excluded=st.builds(Excluded, goods=goods, customer_tags=names),
    available=st.sampled_from(["days", "fulfilled"]),
    shortfall=st.sampled_from(["debt", "floor", "negative"]),
)


def latest(shop: Shop) -> ProgramRules:
    with transaction(shop.id) as session:
        program = queries.latest_program(session, shop)
    assert program is not None
    return program


def keep(shop: Shop, actor: str = "staff:7", **changed: Any) -> ProgramRules:
    """Save the newest version again with something changed; `earn` goes into its document."""
    program = latest(shop)
    if "earn" in changed:
        changed["document"] = structs.replace(program.document, earn=changed.pop("earn"))
    with transaction(shop.id) as session:
        loyalty.save_program(session, shop, actor, replace(draft_of(program), **changed))
    return latest(shop)


def typed(person: Person) -> Fields:
    return fields_of(person.open("/loyalty"), "program")


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(earn=earns)
def test_what_the_form_shows_of_the_rules_saves_the_same_rules(person: Person, shop: Shop, earn: Earn) -> None:
    with transaction(shop.id) as session:
        if queries.latest_program(session, shop) is None:
            shopfloor.launch(session, shop)
    before = keep(shop, earn=earn)
    person.save("/loyalty", **typed(person))
    after = latest(shop)
    assert after.document == before.document
    assert after.version == before.version + 1


MULTIPLIER = {"multipliers-0-name": "Sunday", "multipliers-0-rate": "2", "multipliers-0-weekdays": "6"}


@pytest.mark.parametrize(
    ("wrong", "field", "complaint"),
    [
        ({"multipliers-0-name": ""}, "multipliers-0-name", "This is needed"),
        ({"multipliers-0-rate": "lots"}, "multipliers-0-rate", "Write a number"),
        ({"multipliers-0-rate": "1/0"}, "multipliers-0-rate", "Write a number"),
        ({"multipliers-0-rate": "-1"}, "multipliers-0-rate", "from 0 to"),
        ({"multipliers-0-rate": "1001"}, "multipliers-0-rate", "from 0 to"),
        ({"multipliers-0-weekdays": "7"}, "multipliers-0-weekdays", "days of the week"),
        ({"multipliers-0-starts": "soon"}, "multipliers-0-starts", "a day and a time"),
        (
            {"multipliers-0-starts": "2031-05-02T10:00", "multipliers-0-ends": "2031-05-01T10:00"},
            "multipliers-0-ends",
            "after",
        ),
        ({"multipliers-0-ends": "2020-05-01T10:00"}, "multipliers-0-ends", "in the past"),
        ({"multipliers-0-tiers": "nGhost"}, "multipliers-0-tiers", "No tier is called Ghost"),
        ({"multipliers-0-products": "x"}, "multipliers-0-products", "from the list"),
        ({"multipliers-1-name": "sunday", "multipliers-1-rate": "3"}, "multipliers-1-name", "this name already"),
        (
            {"multipliers-1-name": "Never", "multipliers-1-rate": "3", "multipliers-1-weekdays": "6"},
            "multipliers-1-name",
            "above",
        ),
        (
            {"rates-0-currency": "Dollar", "rates-0-points": "1", "rates-0-amount": "1"},
            "rates-0-currency",
            "three letters",
        ),
        ({"rates-0-currency": "EUR", "rates-0-points": "1", "rates-0-amount": "1"}, "rates-0-currency", "own currency"),
        ({"rates-0-currency": "JPY", "rates-0-points": "1", "rates-0-amount": "1.5"}, "rates-0-amount", "an amount"),
        (
            {"rates-0-currency": "usd", "rates-0-points": "9" * 11, "rates-0-amount": "1"},
            "rates-0-points",
            "Lower the rate",
        ),
        ({"excluded-tags": "x" * 256}, "excluded-tags", "1 to 255"),
        ({"earn_points": "1000000000"}, "earn_points", "Lower the rate"),
    ],
)
def test_an_error_stands_at_the_field_of_its_row(
    person: Person, shop: Shop, wrong: dict[str, str], field: str, complaint: str
) -> None:
    sent = person.send("/loyalty", **{**TYPED, **MULTIPLIER, **wrong})
    assert sent.status_code == 422
    slot = re.search(rf'data-error-for="{field}">(.*?)</p>', sent.text, flags=re.S)
    assert slot is not None and complaint in slot[1], slot and slot[1]
    with transaction(shop.id) as session:
        assert queries.latest_program(session, shop) is None


def test_a_campaign_that_is_over_may_stay(person: Person, shop: Shop) -> None:
    person.save("/loyalty", **{**TYPED, **MULTIPLIER})
    rule = latest(shop).document.earn.multipliers[0]
    keep(shop, earn=Earn(multipliers=(structs.replace(rule, ends=datetime(2020, 1, 1, tzinfo=UTC)),)))
    person.save("/loyalty", **{**typed(person), "earn_points": "4"})
    assert latest(shop).earn_points == 4


def test_a_tier_that_is_renamed_keeps_its_multiplier(person: Person, shop: Shop) -> None:
    person.save("/loyalty", **TYPED)
    keep(shop, earn=Earn(multipliers=(Multiplier("Club", (2, 1), tiers=("Insider",)),)))
    person.save("/loyalty", **{**typed(person), "tiers-1-name": "Legend"})
    assert latest(shop).document.earn.multipliers[0].tiers == ("Legend",)


def test_two_tabs_are_told_of_each_other_and_either_can_be_kept(person: Person, shop: Shop) -> None:
    person.save("/loyalty", **TYPED)
    mine = typed(person) | {"return_days": ["30"]}
    keep(shop, "staff:99", earn_points=9)
    told = person.send("/loyalty", **mine)
    assert told.status_code == 422
    assert "Saved elsewhere meanwhile by Staff member 99" in told.text
    assert "Earning: 3 / €1.00 → 9 / €1.00" in told.text  # theirs
    assert "Earning: 9 / €1.00 → 3 / €1.00" in told.text and "14 days → 30 days" in told.text  # what ours would change
    assert latest(shop).earn_points == 9
    over = re.search(r'name="over" value="(\d+)"', told.text)
    assert over is not None
    keep(shop, "staff:99", name="Third tab")
    assert person.send("/loyalty", **mine, over=over[1]).status_code == 422
    person.save("/loyalty", **mine, over=str(latest(shop).version))
    assert (latest(shop).earn_points, latest(shop).return_days, latest(shop).name) == (3, 30, "Bean club")


def test_versions_tell_who_and_what_and_each_can_come_back(person: Person, shop: Shop, other_shop: Shop) -> None:
    person.save("/loyalty", **TYPED)
    page = person.save("/loyalty", **{**TYPED, **MULTIPLIER, "tiers-1-name": "Legend", "shipping": "y"})
    assert "Multiplier Sunday added (×2)" in page and "Shipping: no → yes" in page
    assert "Tier Insider removed" in page and "Tier Legend added" in page
    second = latest(shop)
    back = person.send("/loyalty/versions/1/again")
    undo = json.loads(back.headers["HX-Trigger"])["toast"]["undo"]
    first = latest(shop)
    assert (first.version, first.document.earn, [tier.name for tier in first.tiers]) == (
        3,
        Earn(),
        ["Regular", "Insider"],
    )
    person.send(undo["url"])
    assert (latest(shop).version, latest(shop).document) == (4, second.document)
    assert [tier.origin for tier in latest(shop).tiers] == [tier.origin for tier in second.tiers]
    assert "like that already" in person.send("/loyalty/versions/4/again").headers["HX-Trigger"]
    assert person.send("/loyalty/versions/77/again").status_code == 404
    with transaction(other_shop.id) as session:
        assert queries.programs(session, other_shop) == ()


def test_the_example_shows_every_step_and_adds_up(person: Person) -> None:
    rules = {
        **MULTIPLIER, "multipliers-0-tags": "beans", "excluded-tags": "sale", "shipping": "y", "rounding": "up",
        "multipliers-0-tiers": "nInsider",
    }  # fmt: skip
    page = person.send("/loyalty/example", **{**TYPED, **rules}).text
    assert "on a Sunday by a member of Insider" in page
    assert "Sunday: €24.00 ÷ €1.00 × 3 × 2 × 1.5 = 216" in page
    assert "Everything else: €23.40 ÷ €1.00 × 3 × 1.5 = 105.3" in page
    assert "Excluded, so nothing: €8.00" in page and "Gift card, so nothing: €20.00" in page
    assert "Together 321.3, rounded once to 322 beans." in page


def test_a_programme_that_gives_away_a_third_is_warned_of_and_may_be_saved(person: Person, shop: Shop) -> None:
    with transaction(shop.id) as session:
        shopfloor.launch(session, shop)
    page = person.send("/loyalty/example", **{**TYPED, "earn_points": "20"}).text
    assert "gives back 40%" in page
    assert "gives back" not in person.send("/loyalty/example", **TYPED).text


def test_goods_are_found_by_typing_and_named_when_they_are_gone(person: Person, shop: Shop, other_shop: Shop) -> None:
    with transaction(other_shop.id) as session:
        shopfloor.product(session, other_shop, 9, "Kenya of others", tags=["beans"])
    with transaction(shop.id) as session:
        shopfloor.product(session, shop, 1, "Kenya AB", tags=["beans", "light"])
        shopfloor.product(session, shop, 2, "100% Robusta", tags=["beans"])
        shopfloor.launch(session, shop)
    assert re.findall(r'data-value="([^"]+)"', person.open("/loyalty/goods/products?q=kenya")) == ["1"]
    assert re.findall(r'data-value="([^"]+)"', person.open("/loyalty/goods/products?q=0%25")) == ["2"]
    assert re.findall(r'data-value="([^"]+)"', person.open("/loyalty/goods/tags?q=b")) == ["beans"]
    assert person.open("/loyalty/goods/customer_tags?q=vip").count("<li") == 0
    keep(shop, earn=Earn(excluded=Excluded(Goods(products=(1, 5)))))
    page = person.open("/loyalty")
    assert "Kenya AB" in page and "#5" in page


def test_an_order_tells_which_multiplier_took_which_money(person: Person, shop: Shop) -> None:
    with transaction(shop.id) as session:
        shopfloor.customer(session, shop, 1, "Olga", "Petrenko")
        shopfloor.order(session, shop, 7, 1, 2050)
    rule = {"multipliers-0-name": "Every day double", "multipliers-0-rate": "2", "rounding": "up"}
    person.save("/loyalty", **{**TYPED, **rule, "instead_of_tier": "y"})
    with transaction(shop.id) as session:
        while loyalty.catch_up(session, shop):
            pass
        entry = queries.entries(session, shop, 1)[0]
    why = person.open(f"/loyalty/ledger/{entry.id}/why")
    assert 'Every day double</td><td class="number">€20.50 × 2' in why
    assert "Calculation, rounded up" in why and entry.points == 123
