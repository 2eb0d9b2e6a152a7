"""Tiers in the panel: the ladder and its members, the editor, who would move, and tiers given by hand."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import select

from plugin.db.engine import transaction
from plugin.loyalty import operations as loyalty
from plugin.loyalty import queries
from plugin.loyalty.models import Tier
from plugin.loyalty.tiers.models import TierGrant
from plugin.shops.models import Shop
from tests.admin_ui import shopfloor
from tests.admin_ui.conftest import Person
from tests.admin_ui.test_loyalty import TYPED

LADDER = TYPED | {
    "metrics": "spend",
    "grace_days": "30",
    "downgrade": "one_step",
    "tag_prefix": "vip: ",
    "metafield": "y",
    "mail_up": "y",
    "tiers-0-perks": "Free tea\nA card on the birthday",
    "tiers-0-reward_points": "50",
    "tiers-0-keep_spend": "80",
    "tiers-1-hidden": "y",
}


@pytest.fixture
def olga(shop: Shop, other_shop: Shop) -> None:
    for each in (shop, other_shop):
        with transaction(each.id) as session:
            shopfloor.customer(session, each, 1, "Olga", "Petrenko")
            shopfloor.order(session, each, 7, 1, 20_000)
            shopfloor.launch(session, each)
            loyalty.follow_tiers(session, each, [1])


def origin(shop: Shop, name: str) -> int:
    with transaction(shop.id) as session:
        found = session.scalars(select(Tier).where(Tier.name == name)).first()
        assert found
        return found.origin or found.id


def test_the_typed_ladder_is_kept_and_shown_again(person: Person, shop: Shop, olga: None) -> None:
    page = person.save("/loyalty", **LADDER)
    assert "A card on the birthday" in page and 'value="vip: "' in page
    with transaction(shop.id) as session:
        program = queries.latest_program(session, shop)
    assert program is not None
    ladder, (regular, insider) = program.document.tiers, program.tiers
    assert (ladder.grace_days, ladder.downgrade, ladder.tag_prefix) == (30, "one_step", "vip: ")
    assert (ladder.metafield, ladder.mail_up, ladder.mail_risk) == (True, True, False)
    assert regular.terms.perks == ("Free tea", "A card on the birthday")
    assert (regular.terms.reward_points, regular.terms.keep, insider.terms.hidden) == (50, {"spend": 80_00}, True)


@pytest.mark.parametrize(
    ("typed", "words", "field"),
    [
        ({"tiers-1-threshold_minor": "50"}, "asks for less than the one before", "tiers-1-threshold_minor"),
        ({"tiers-1-threshold_minor": "100"}, "that no other tier has", "tiers-1-threshold_minor"),
        ({"tiers-1-threshold_minor": ""}, "Enter an amount", "tiers-1-threshold_minor"),
        ({"tiers-0-keep_spend": "900"}, "cannot ask for more than entering", "tiers-0-keep_spend"),
        ({"tiers-1-name": "Regular"}, "Another tier has this name", "tiers-1-name"),
        ({"grace_days": ""}, "needs days of grace", "grace_days"),
        ({"tag_prefix": "a, b"}, "no comma", "tag_prefix"),
    ],
)
def test_what_is_wrong_with_a_ladder_stands_at_its_field(
    person: Person, typed: dict[str, str], words: str, field: str
) -> None:
    response = person.send("/loyalty", **(LADDER | typed))
    assert response.status_code == 422
    at = response.text.index(f'data-error-for="{field}"')
    assert words in response.text[at : at + 900], response.text[at : at + 900]


def test_the_ladder_leads_to_the_members(person: Person, shop: Shop, olga: None) -> None:
    page = person.open("/loyalty/tiers")
    name = "Regular"
    assert name in page and "look back as far as orders are imported" in page
    assert "Olga Petrenko" in person.open(f"/loyalty/tiers/{origin(shop, name)}")


def test_who_would_move_is_named_with_their_figures_and_what_it_costs(person: Person, olga: None) -> None:
    typed = LADDER | {"tiers-1-threshold_minor": "150", "tiers-1-reward_points": "70", "downgrade": "at_once"}
    told = person.send("/loyalty/moves", **typed).text
    assert "1 customer moves up" in told and "For entering tiers: 70" in told
    people = person.send("/loyalty/tiers/preview", **typed).text
    assert "Olga Petrenko" in people and "Regular → Insider" in people and "€200.00" in people
    assert "moves nobody" in person.send("/loyalty/tiers/preview", **(typed | {"after_customer": "1"})).text
    renamed = {"tiers-0-name": "Friends", "tiers-0-origin": ""}
    assert "Regular → Friends" in person.send("/loyalty/tiers/preview", **(LADDER | renamed)).text


def test_a_tier_is_given_with_a_reason_and_taken_back(person: Person, shop: Shop, olga: None) -> None:
    insider = origin(shop, "Insider")
    refused = person.send("/customers/1/tier", origin=insider, reason="", ends_on="2001-01-01")
    assert refused.status_code == 422
    response = person.send("/customers/1/tier", origin=insider, reason="A late parcel", ends_on="2099-12-31")
    undo = json.loads(response.headers["HX-Trigger"])["toast"]["undo"]["url"]
    page = person.open("/customers/1")
    assert "A late parcel" in page and "Given by hand" in page and "until the end of Dec 31, 2099" in page
    assert "A late parcel" not in person.save(undo)
    assert person.send(undo).status_code == 404
    with transaction(shop.id) as session:
        given = session.scalars(select(TierGrant)).one()
        assert given.ended_by and given.ends_at is not None
