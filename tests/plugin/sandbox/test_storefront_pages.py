"""Browsing the pretend store: shelves, products, search, pictures, cart, account."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from flask.testing import FlaskClient

from plugin.sandbox import products
from plugin.sandbox.records import Customer, Product
from plugin.sandbox.runtime import Sandbox
from plugin.sandbox.storefront.theme import local_path
from tests.plugin.sandbox.stores import pages, small_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Sandbox]:
    store = small_store(tmp_path)
    yield store
    store.world.close()


@pytest.fixture
def shopper(store: Sandbox) -> FlaskClient:
    return pages(store).test_client()


def product_of(store: Sandbox, handle: str) -> Product:
    found = store.world.products.first("handle", handle)
    assert found is not None
    return found


def somebody(store: Sandbox) -> Customer:
    return next(
        person for person in store.world.customers if person.email and store.world.orders.by("customer", person.id)
    )


def text(shopper: FlaskClient, path: str, status: int = 200) -> str:
    answer = shopper.get(path)
    assert answer.status_code == status, path
    return answer.text


def test_every_collection_opens_and_shows_its_products(shopper: FlaskClient) -> None:
    for handle in ("filter-coffee", "espresso", "decaf", "brewing-gear", "merchandise", "single-origins", "all"):
        assert "/products/" in text(shopper, f"/collections/{handle}")


def test_a_collection_sorts_by_price(shopper: FlaskClient) -> None:
    shelf = text(shopper, "/collections/filter-coffee?sort_by=price-ascending")
    handles = re.findall(r'<a href="/products/([\w-]+)"', shelf)
    assert handles[0] == "morning-post-blend"
    assert handles[-1] == "panama-finca-alta-geisha"


def test_a_product_offers_its_variants_and_selects_the_one_asked_for(store: Sandbox, shopper: FlaskClient) -> None:
    product = product_of(store, "kenya-gatugi-aa")
    page = text(shopper, f"/products/kenya-gatugi-aa?variant={product.variants[2].id}")
    assert "€60.00" in page
    assert all(variant.title in page for variant in product.variants)


def test_what_is_missing_or_a_draft_is_a_page_of_the_theme(store: Sandbox, shopper: FlaskClient) -> None:
    products.save_product(store.world, product_of(store, "everyday-mug").id, status="draft")
    for path in ("/products/nope", "/collections/nope", "/products/everyday-mug"):
        assert "not on the shelf" in text(shopper, path, 404)


def test_search_needs_every_word(shopper: FlaskClient) -> None:
    assert "Kenya Gatugi AA" in text(shopper, "/search?q=kenya+FILTER")
    assert "Nothing found" in text(shopper, "/search?q=kenya+espresso")


def test_every_product_has_a_drawing_that_is_sound_svg(store: Sandbox, shopper: FlaskClient) -> None:
    for product in store.world.products:
        ElementTree.fromstring(text(shopper, f"/images/{product.handle}.svg"))


def test_a_product_added_later_has_a_drawing_too(store: Sandbox, shopper: FlaskClient) -> None:
    added = products.add_product(
        store.world, title="Yemen <Haraaz> & friends", product_type="Filter coffee", price_minor=2100
    )
    assert "REGULARS" in text(shopper, f"/images/{added.handle}.svg")
    assert "Yemen" in text(shopper, f"/products/{added.handle}")


def test_names_of_products_are_escaped(store: Sandbox, shopper: FlaskClient) -> None:
    added = products.add_product(store.world, title="<script>alert(1)</script>", product_type="Espresso")
    for path in ("/collections/espresso", f"/products/{added.handle}", f"/images/{added.handle}.svg"):
        assert "<script>alert" not in text(shopper, path)


def test_a_cart_collects_changes_and_empties(store: Sandbox, shopper: FlaskClient) -> None:
    variant = product_of(store, "everyday-mug").variants[0]
    shopper.post("/cart/add", data={"id": variant.id, "quantity": 2})
    shopper.post("/cart/add", data={"id": variant.id})
    assert shopper.get("/cart.js").json["item_count"] == 3
    shopper.post("/cart/change", data={"line": 1, "quantity": 1})
    assert shopper.get("/cart.js").json["total_price"] == 1690
    shopper.post("/cart/change", data={"line": 1, "quantity": 0})
    assert "Your cart is empty" in text(shopper, "/cart")


def test_a_cart_can_be_filled_by_script(store: Sandbox, shopper: FlaskClient) -> None:
    variant = product_of(store, "everyday-mug").variants[0]
    answer = shopper.post("/cart/add.js", json={"id": variant.id, "quantity": 2})
    assert [item["quantity"] for item in answer.json["items"]] == [2]


def test_two_shoppers_have_two_carts(store: Sandbox) -> None:
    app = pages(store)
    variant = product_of(store, "everyday-mug").variants[0]
    app.test_client().post("/cart/add", data={"id": variant.id})
    assert app.test_client().get("/cart.js").json["item_count"] == 0


def test_a_discount_link_remembers_the_code_and_leads_on(store: Sandbox, shopper: FlaskClient) -> None:
    shopper.post("/cart/add", data={"id": product_of(store, "hand-grinder").variants[0].id})
    answer = shopper.get("/discount/FREUNDE5?redirect=/cart")
    assert answer.location == "/cart"
    assert "Code FREUNDE5" in text(shopper, "/cart")


@pytest.mark.parametrize("target", ["https://evil.example", "//evil.example", "/\\evil.example", "", None])
def test_no_redirect_leaves_the_store(target: str | None) -> None:
    assert local_path(target, "/here") == "/here"


def test_anybody_can_be_found_and_become(store: Sandbox, shopper: FlaskClient) -> None:
    person = somebody(store)
    assert str(person.id) in text(shopper, f"/account/login?q={person.email}")
    answer = shopper.post("/account/login", data={"customer_id": person.id, "return_to": "/products/everyday-mug"})
    assert answer.location == "/products/everyday-mug"
    page = text(shopper, "/account")
    assert all(order.name in page for order in store.world.orders.by("customer", person.id))
    shopper.post("/account/logout")
    assert "Choose whom to be" in text(shopper, "/account")


def test_orders_of_other_people_do_not_exist(store: Sandbox, shopper: FlaskClient) -> None:
    person = somebody(store)
    foreign = next(order for order in store.world.orders if order.customer_id not in (person.id, None))
    own = store.world.orders.by("customer", person.id)[0]
    shopper.post("/account/login", data={"customer_id": person.id})
    text(shopper, f"/account/orders/{own.token}")
    text(shopper, f"/account/orders/{foreign.token}", 404)


def test_curious_names_do_not_break_the_list_of_people(shopper: FlaskClient) -> None:
    page = text(shopper, "/account")
    assert "O&#39;Neill-D&#39;Arcy &lt;&amp; Sons&gt;" in page
    assert "Schwarzenberg-Hohenstein" in page


@pytest.mark.parametrize("form", [{}, {"id": "abc"}, {"id": "1"}, {"id": "9" * 40, "quantity": "-1"}, {"id": "²"}])
def test_what_is_no_variant_does_not_get_into_the_cart(shopper: FlaskClient, form: dict[str, str]) -> None:
    assert shopper.post("/cart/add", data=form).status_code == 404
    assert shopper.post("/account/login", data={"customer_id": "abc"}).status_code == 404
    assert shopper.post("/cart/change", data={"line": "x"}).status_code == 302
