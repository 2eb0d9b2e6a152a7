"""Rewards in the panel: a form for each kind, errors at their fields, history with a way back, redeeming for others."""

from __future__ import annotations

import json
import re

import pytest

from plugin.commerce.models import Product, Variant
from plugin.db.engine import transaction
from plugin.effects import performing
from plugin.loyalty import operations as loyalty
from plugin.loyalty import queries, rewards
from plugin.loyalty.rewards import RewardDraft
from plugin.loyalty.terms import KINDS, Chosen, Terms
from plugin.shops import queries as shops
from plugin.shops.models import Shop
from tests.admin_ui import shopfloor
from tests.admin_ui.conftest import Person

TYPED = {"name": "5 off", "cost_points": "250", "value_minor": "5", "minimum_minor": "", "valid_days": "90"}


@pytest.fixture(autouse=True)
def nobody_performs() -> None:
    """Whoever built the whole app before may have left its performers here; this shop has no store to call."""
    performing.use({}, shops.shop)


@pytest.fixture
def guji(shop: Shop) -> None:
    with transaction(shop.id) as session:
        session.add(Product(shop_id=shop.id, id=3, title="Guji"))
        session.flush()
        session.add(Variant(shop_id=shop.id, product_id=3, id=31, title="250 g", price_minor=14_50))


def fields_of(page: str) -> dict[str, str]:
    """What a browser would send of the reward's form as it stands."""
    form = page[page.index('id="reward"') : page.index("</form>", page.index('id="reward"'))]
    fields = dict(re.findall(r'<input type="(?:text|hidden|date)"[^>]* name="([^"]+)" value="([^"]*)"', form))
    fields |= dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form))
    fields |= dict.fromkeys(re.findall(r'<input type="checkbox"[^>]* name="([^"]+)" value="y" checked', form), "y")
    fields |= dict(
        re.findall(r'<select id="[^"]+" name="([^"]+)".*?<option value="([^"]+)" selected', form, flags=re.S)
    )
    return fields


def kept(shop: Shop, reward_id: int = 1) -> RewardDraft:
    with transaction(shop.id) as session:
        return rewards.draft_of(queries.reward(session, shop, reward_id))


@pytest.mark.parametrize("kind", KINDS)
def test_the_suggested_reward_of_each_kind_can_be_saved_with_a_name(
    person: Person, shop: Shop, guji: None, kind: str
) -> None:
    assert f"kind={kind}" in person.open("/loyalty/rewards/new")
    typed = fields_of(person.open(f"/loyalty/rewards/new?kind={kind}"))
    page = person.save("/loyalty/rewards/new", **{**typed, "name": "Mine", "variant_id": "3/31"})
    assert "Mine" in page and "Active" in page
    assert kept(shop).kind == kind
    again = fields_of(person.open("/loyalty/rewards/1"))
    assert json.loads(person.send("/loyalty/rewards/1", **again).headers["HX-Trigger"])["toast"]["message"]
    with transaction(shop.id) as session:
        assert queries.reward(session, shop, 1).version == 1, "what is shown and saved unchanged is no change"


def test_every_term_is_kept(person: Person, shop: Shop, guji: None) -> None:
    limits = {"per_customer": "2", "per_period": "month", "stock": "50", "budget_minor": "90,50"}
    window = {"starts_on": "2026-03-01", "ends_on": "2026-03-31"}
    chosen = {"least": "100", "most": "1 000", "products": "3", "with_order": "y", "comes_back": "y"}
    person.save("/loyalty/rewards/new", **TYPED, **limits, **window, **chosen)
    said = kept(shop).terms
    assert (said.per_customer, said.per_period, said.stock, said.budget_minor) == (2, "month", 50, 90_50)
    assert (said.chosen, said.products, said.combines) == (Chosen(100, 1000), (3,), ("order",))
    assert said.comes_back and said.keep
    assert said.starts_at and said.starts_at.isoformat() == "2026-02-28T23:00:00+00:00"
    assert said.ends_at and said.ends_at.isoformat() == "2026-03-31T22:00:00+00:00"
    shown = fields_of(person.open("/loyalty/rewards/1"))
    assert (shown["starts_on"], shown["ends_on"], shown["budget_minor"]) == ("2026-03-01", "2026-03-31", "90.50")


@pytest.mark.parametrize(
    ("kind", "field", "typed", "complaint"),
    [
        ("amount_off", "cost_points", "0", "At least 1"),
        ("amount_off", "cost_points", "9" * 30, "At most"),
        ("amount_off", "value_minor", "free", "Write an amount"),
        ("amount_off", "valid_days", "9999", "At most 730"),
        ("amount_off", "most", "5", "not below the fewest"),
        ("amount_off", "ends_on", "2020-01-01", "after the start"),
        ("percent_off", "percent_bp", "120", "at most 100"),
        ("percent_off", "percent_bp", "ten", "Write a percentage"),
        ("free_product", "variant_id", "99/99", "not for sale"),
        ("free_shipping", "budget_minor", "-1", "At least 1"),
    ],
)
def test_an_error_stands_at_its_field_and_typed_text_stays(
    person: Person, kind: str, field: str, typed: str, complaint: str
) -> None:
    said = {**TYPED, "kind": kind, "percent_bp": "10", "least": "50" if field == "most" else "", "most": ""}
    said |= {"starts_on": "2026-01-01" if field == "ends_on" else "", field: typed}
    response = person.send("/loyalty/rewards/new", **said)
    assert response.status_code == 422
    slot = re.search(rf'data-error-for="{field}">(.*?)</p>', response.text, flags=re.S)
    assert slot is not None and complaint in slot[1]
    assert field == "variant_id" or f'value="{typed}"' in response.text


def test_the_example_tells_what_it_costs(person: Person, shop: Shop, guji: None) -> None:
    said = person.send("/loyalty/rewards/example", **TYPED, budget_minor="52").text
    assert "250 points cost you €5.00." in said and "100 points are worth €2.00." in said
    assert "pays for 10 a month" in said
    product = {**TYPED, "kind": "free_product", "variant_id": "3/31"}
    assert "cost you €14.50" in person.send("/loyalty/rewards/example", **product).text
    assert "Fill in the fields" in person.send("/loyalty/rewards/example", **{**TYPED, "value_minor": "x"}).text


def test_a_change_can_be_undone_and_history_tells_who(person: Person, shop: Shop) -> None:
    person.save("/loyalty/rewards/new", **TYPED, active="y")
    answer = person.send("/loyalty/rewards/1", **{**TYPED, "value_minor": "7,50"})
    undo = json.loads(answer.headers["HX-Trigger"])["toast"]["undo"]["url"]
    assert (kept(shop).value_minor, kept(shop).active) == (7_50, False)
    page = person.save(undo)
    assert (kept(shop).value_minor, kept(shop).active) == (5_00, True)
    assert page.count("Go back to this") == 2 and "Now" in page


def test_an_archived_reward_stands_apart_and_comes_back(person: Person, shop: Shop) -> None:
    person.save("/loyalty/rewards/new", **{**TYPED, "name": "Mug"}, active="y")
    assert "Mug" not in person.save("/loyalty/rewards/1/archive")
    assert "Mug" in person.open("/loyalty/rewards?view=archived")
    assert "Restore" in person.open("/loyalty/rewards/1")
    assert "Mug" in person.save("/loyalty/rewards/1/restore")


def test_the_list_shows_cost_against_the_budget_and_how_each_stands(person: Person, shop: Shop) -> None:
    with transaction(shop.id) as session:
        shopfloor.launch(session, shop)
        shopfloor.customer(session, shop, 1, "Olga", "Petrenko")
        loyalty.adjust(session, shop, 1, 500, "test", "staff:1", "start")
        said = Terms(budget_minor=8_00)
        made = loyalty.add_reward(session, shop, "staff:1", RewardDraft("Budgeted", 100, 5_00, terms=said))
        loyalty.redeem(session, shop, 1, made.id, "click-0001")
    page = person.open("/loyalty/rewards")
    assert "€5.00 of €8.00" in page and "Budget reached" in page and "All rewards together cost €5.00" in page


def test_a_reward_of_another_shop_is_not_found(person: Person, shop: Shop, other_shop: Shop) -> None:
    with transaction(other_shop.id) as session:
        shopfloor.launch(session, other_shop)
    for path in ("", "/archive", "/restore", "/versions/1"):
        assert person.send(f"/loyalty/rewards/1{path}", **TYPED).status_code == 404
    assert "No rewards yet" in person.open("/loyalty/rewards")


def test_staff_redeem_for_a_customer_and_take_it_back(person: Person, shop: Shop) -> None:
    with transaction(shop.id) as session:
        shopfloor.launch(session, shop)
        shopfloor.customer(session, shop, 1, "Olga", "Petrenko")
        loyalty.adjust(session, shop, 1, 300, "test", "staff:1", "start")
        said = Terms(chosen=Chosen(50, 400))
        made = loyalty.add_reward(session, shop, "staff:1", RewardDraft("As you like", 100, 5_00, terms=said)).id
    page = person.open("/customers/1/rewards")
    assert "300" in page and "As you like" in page
    refused = person.send("/customers/1/rewards", reward_id=made, key="click-0001", points="301")
    assert refused.status_code == 422 and "300 to spend" in refused.text
    assert "As you like" in person.save("/customers/1/rewards", reward_id=made, key="click-0001", points="200")
    person.save("/customers/1/rewards", reward_id=made, key="click-0001", points="200")
    with transaction(shop.id) as session:
        (bought,) = queries.redemptions(session, shop, 1)
        assert queries.account(session, shop, 1, bought.created_at).available == 100
        assert queries.entries(session, shop, 1)[0].actor.startswith("staff:")
    assert "Being taken back" in person.save(f"/customers/1/rewards/{bought.id}/take-back")
    assert person.send(f"/customers/2/rewards/{bought.id}/take-back").status_code == 404
