"""Subscription fields: add, change, pause, and which products they are about."""

from __future__ import annotations

import pytest

from plugin.db.engine import transaction
from plugin.shops.models import Shop
from plugin.subscriptions import operations
from tests.admin_ui import shopfloor
from tests.admin_ui.conftest import Person

TYPED = {
    "label": "Tell me about new filter coffees",
    "match_kind": "type",
    "match_value": "Filter coffee",
    "consent_text": "Write to me when a new filter coffee arrives.",
    "subject": "New: {{ product.title }}",
}


def test_the_empty_page_says_what_fields_are_for(person: Person) -> None:
    assert "Let shoppers say what they want to hear about" in person.open("/subscriptions")


def test_a_field_is_added_changed_paused_and_shown_again(person: Person, other_shop: Shop) -> None:
    with transaction(other_shop.id) as session:
        operations.create_field(session, other_shop, **{**TYPED, "label": "A stranger's field"})
    page = person.save("/subscriptions/new", **TYPED)
    assert 'value="Filter coffee"' in page
    listed = person.open("/subscriptions")
    assert TYPED["label"] in listed and "A stranger" not in listed
    assert "Ask me" in person.save("/subscriptions/2", **{**TYPED, "label": "Ask me"})
    assert "This field is paused" in person.save("/subscriptions/2/pause")
    assert "This field is paused" not in person.save("/subscriptions/2/resume")


@pytest.mark.parametrize("name", ["label", "match_value", "consent_text", "subject"])
@pytest.mark.parametrize(("typed", "complaint"), [("  ", "This is needed"), ("x" * 300, "Too long")])
def test_an_error_stands_at_its_field(person: Person, name: str, typed: str, complaint: str) -> None:
    response = person.send("/subscriptions/new", **{**TYPED, name: typed})
    assert response.status_code == 422
    assert complaint in response.text.split(f'data-error-for="{name}"')[1].split("</p>")[0]


def test_the_form_says_which_products_match(person: Person, shop: Shop, other_shop: Shop) -> None:
    for tenant, title in ((shop, "Kenya Nyeri"), (other_shop, "Stranger's blend")):
        with transaction(tenant.id) as session:
            shopfloor.product(session, tenant, 5, title, tags=["New Arrival"])
    found = person.send("/subscriptions/matches", match_kind="type", match_value=" filter COFFEE ").text
    assert "Kenya Nyeri" in found and "Stranger" not in found
    assert "Kenya Nyeri" in person.send("/subscriptions/matches", match_kind="tag", match_value="new arrival").text
    assert "No product matches" in person.send("/subscriptions/matches", match_kind="tag", match_value="New").text


def test_a_field_of_another_shop_is_not_found(person: Person, other_shop: Shop) -> None:
    with transaction(other_shop.id) as session:
        operations.create_field(session, other_shop, **TYPED)
    assert person.send("/subscriptions/1", **TYPED).status_code == 404
    assert person.send("/subscriptions/1/pause").status_code == 404
