"""The programme's form: launch, save, versions, examples, rewards."""

from __future__ import annotations

import json
import re

import pytest

from plugin.db.engine import transaction
from plugin.loyalty import operations as loyalty
from plugin.loyalty import queries
from plugin.shops.models import Shop
from tests.admin_ui import shopfloor
from tests.admin_ui.conftest import Person

TYPED = {
    "name": "Bean club",
    "points_one": "bean",
    "points_many": "beans",
    "earn_points": "3",
    "earn_per_minor": "1.00",
    "tax_basis": "shown",
    "return_days": "14",
    "expiry_days": "",
    "tier_days": "365",
    "starts": "past",
    "tiers-0-name": "Regular",
    "tiers-0-threshold_minor": "100",
    "tiers-0-rate": "1.25",
    "tiers-1-name": "Insider",
    "tiers-1-threshold_minor": "300,50",
    "tiers-1-rate": "×1.5",
}


def fields_of(page: str) -> dict[str, str]:
    """What a browser would send of the programme's form as it stands."""
    form = page[page.index('id="program"') : page.index("</form>", page.index('id="program"'))]
    form = re.sub(r"<template>.*?</template>", "", form, flags=re.S)
    form = re.sub(r'<input type="checkbox"(?![^>]* checked)[^>]*>', "", form)
    fields = dict(re.findall(r'<input[^>]* name="([^"]+)" value="([^"]*)"', form))
    fields.update(re.findall(r'<select id="[^"]+" name="([^"]+)".*?<option value="([^"]+)" selected', form, flags=re.S))
    return fields


def test_the_suggested_programme_can_be_launched_as_it_stands(person: Person, shop: Shop) -> None:
    page = person.save("/loyalty", **{**fields_of(person.open("/loyalty")), "starts": "past"})
    assert "In force" in page and "the first order" in page
    with transaction(shop.id) as session:
        program = queries.latest_program(session, shop)
    assert program is not None
    assert [(tier.name, tier.threshold_minor) for tier in program.tiers] == [("Regular", 10_000), ("Insider", 30_000)]


def test_typed_rules_are_kept_exactly(person: Person, shop: Shop, other_shop: Shop) -> None:
    person.save("/loyalty", **TYPED)
    with transaction(shop.id) as session:
        program = queries.latest_program(session, shop)
    assert program is not None
    assert (program.earn_points, program.earn_per_minor, program.expiry_days) == (3, 100, None)
    assert [(t.name, t.threshold_minor, t.rate_num, t.rate_den) for t in program.tiers] == [
        ("Regular", 10_000, 5, 4),
        ("Insider", 30_050, 3, 2),
    ]
    with transaction(other_shop.id) as session:
        assert queries.latest_program(session, other_shop) is None


def test_a_row_that_was_removed_leaves_no_gap(person: Person) -> None:
    typed = {name.replace("tiers-1", "tiers-7"): text for name, text in TYPED.items()}
    assert 'name="tiers-1-name" value="Insider"' in person.save("/loyalty", **typed)


def test_saving_again_adds_a_version_and_keeps_the_first(person: Person) -> None:
    person.save("/loyalty", **TYPED)
    page = person.save("/loyalty", **{**TYPED, "earn_points": "5"})
    assert "5 / €1.00" in page and "3 / €1.00" in page
    assert page.count("In force") == 1


@pytest.mark.parametrize(
    ("field", "typed", "complaint"),
    [
        ("name", "", "This is needed"),
        ("earn_points", "three", "Write a whole number"),
        ("earn_points", "-1", "At least 0"),
        ("earn_per_minor", "0", "At least 1"),
        ("earn_per_minor", "1.234", "Write an amount"),
        ("return_days", "400", "At most 365"),
        ("tiers-0-name", "", "This is needed"),
        ("tiers-0-rate", "fast", "Write a number"),
        ("tiers-1-rate", "0", "above 0"),
        ("tiers-1-threshold_minor", "100", "no other tier"),
        ("earn_points", "9" * 30, "At most"),
    ],
)
def test_an_error_stands_at_its_field_and_typed_text_stays(
    person: Person, field: str, typed: str, complaint: str
) -> None:
    response = person.send("/loyalty", **{**TYPED, field: typed})
    assert response.status_code == 422
    slot = re.search(rf'data-error-for="{field}">(.*?)</p>', response.text, flags=re.S)
    assert slot is not None and complaint in slot[1]
    assert f'name="{field}" value="{typed}"' in response.text
    assert 'name="tiers-1-name" value="Insider"' in response.text


def test_the_examples_are_the_arithmetic_of_the_ledger(person: Person) -> None:
    page = person.send("/loyalty/example", **TYPED).text
    assert "An order of €42.50 gives 127 beans: €42.50 ÷ €1.00 × 3 = 127.5, rounded down." in page
    assert "With Insider it gives 191" in page
    assert "Fill in the fields" in person.send("/loyalty/example", **{**TYPED, "earn_points": "x"}).text


def test_a_change_of_tiers_shows_whom_it_moves_before_it_is_saved(person: Person, shop: Shop) -> None:
    with transaction(shop.id) as session:
        shopfloor.customer(session, shop, 1, "Olga", "Petrenko")
        shopfloor.order(session, shop, 7, 1, 20_000)
        shopfloor.launch(session, shop)
    assert "moves nobody" in person.send("/loyalty/moves", **{**TYPED, "tiers-1-threshold_minor": "300"}).text
    assert "1 customer moves up" in person.send("/loyalty/moves", **{**TYPED, "tiers-1-threshold_minor": "150"}).text
    assert "1 moves down" in person.send("/loyalty/moves", **{**TYPED, "tiers-0-threshold_minor": "250"}).text


def test_pausing_can_be_undone(person: Person, shop: Shop) -> None:
    person.save("/loyalty", **TYPED)
    response = person.send("/loyalty/pause")
    assert json.loads(response.headers["HX-Trigger"])["toast"]["undo"]["url"] == "/loyalty/resume"
    assert "The programme is paused" in person.open("/loyalty")
    assert "The programme is paused" not in person.save("/loyalty/resume")


def test_past_orders_are_said_to_be_counted_until_they_are(person: Person, shop: Shop) -> None:
    page = person.save("/loyalty", **TYPED)
    assert "Points of past orders are being counted" in page
    with transaction(shop.id) as session:
        while loyalty.catch_up(session, shop):
            pass
    assert "being counted" not in person.open("/loyalty")
    assert "every 3s" not in person.open("/loyalty/catching-up")
