"""Theme blocks of an app, rendered from a small extension of the test's own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from plugin.sandbox.runtime import Sandbox
from plugin.sandbox.storefront.liquid_filters import translated
from tests.plugin.sandbox.stores import install, pages, small_store

BLOCK = """
{%- liquid
  assign points = product.selected_or_first_available_variant.price | divided_by: 100
-%}
<p class="earn">{{ 'earn.points' | t: count: points }}|{{ product.price | money }}|{{ block.settings.heading }}</p>
<p class="who">{% if customer %}{{ customer.first_name | escape }} {{ customer.id }}{% else %}nobody{% endif %}</p>
<p class="place">{{ shop.permanent_domain }} {{ request.locale.iso_code }} {{ template.name }}
{{ routes.account_login_url }}</p>
{% render 'star', size: 3 %}
<script type="application/json">{{ product.title | json }}</script>
<img src="{{ 'star.svg' | asset_url }}" alt="">
{% stylesheet %} p { color: red } {% endstylesheet %}
{% schema %}
{"name": "Earn", "target": "section", "enabled_on": {"templates": ["product"]}, "stylesheet": "earn.css",
 "settings": [{"type": "text", "id": "heading", "label": "Heading", "default": "Beans <for> you"}]}
{% endschema %}
"""
EMBED = """<div class="launcher">{{ cart.item_count }}</div>
{% schema %}{"name": "Launcher", "target": "body", "javascript": "launcher.js", "settings": []}{% endschema %}"""
LOCKED = """<p>locked</p>{% schema %}{"name": "Locked", "target": "section",
"available_if": "{{ app.metafields.plan.pro }}",
"settings": []}{% endschema %}"""
BROKEN = (
    """{{ 1 | no_such_filter }}{% schema %}{"name": "Broken", "target": "section", "settings": []}{% endschema %}"""
)


@pytest.fixture
def extension(tmp_path: Path) -> Path:
    folder = tmp_path / "extension"
    files: dict[str, Any] = {
        "blocks/earn.liquid": BLOCK,
        "blocks/launcher.liquid": EMBED,
        "blocks/locked.liquid": LOCKED,
        "snippets/star.liquid": "<i>star {{ size }}</i>",
        "assets/earn.css": "p {}",
        "assets/launcher.js": "0",
        "assets/star.svg": "<svg xmlns='http://www.w3.org/2000/svg'/>",
        "locales/en.default.json": {
            "earn": {"points": {"one": "Earn {{ count }} bean", "other": "Earn {{ count }} beans"}}
        },
        "locales/uk.json": {"earn": {"points": {"few": "{{ count }} боби", "many": "{{ count }} бобів", "other": "?"}}},
    }
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Sandbox]:
    store = small_store(tmp_path / "store")
    install(store)
    yield store
    store.world.close()


@pytest.fixture
def shopper(store: Sandbox, extension: Path) -> FlaskClient:
    return pages(store, extension).test_client()


PRODUCT = "/products/kenya-gatugi-aa"


def test_a_block_stands_on_product_pages_with_its_objects_and_filters(shopper: FlaskClient) -> None:
    page = shopper.get(PRODUCT).text
    assert '<p class="earn">Earn 16 beans|€16.90|Beans <for> you</p>' in page
    assert '<p class="who">nobody</p>' in page
    assert "regulars-roasters.myshopify.com en product\n/account/login" in page
    assert "<i>star 3</i>" in page
    assert '"Kenya Gatugi AA"' in page
    assert "color: red" not in page
    assert "shopify-app-block" in page


def test_a_block_stays_off_the_pages_it_is_not_made_for(shopper: FlaskClient) -> None:
    assert "earn" not in shopper.get("/cart").text


def test_an_embed_stands_on_every_page_but_the_checkout(store: Sandbox, shopper: FlaskClient) -> None:
    shopper.post("/cart/add", data={"id": store.world.products.first("handle", "everyday-mug").variants[0].id})  # type: ignore[union-attr]
    assert '<div class="launcher">1</div>' in shopper.get("/").text
    checkout = shopper.get("/checkout").location
    assert "launcher" not in shopper.get(checkout).text


def test_the_customer_is_there_only_when_signed_in(store: Sandbox, shopper: FlaskClient) -> None:
    person = next(person for person in store.world.customers if person.first_name == "Zoë")
    shopper.post("/account/login", data={"customer_id": person.id})
    assert f'<p class="who">Zoë {person.id}</p>' in shopper.get(PRODUCT).text


def test_files_named_by_the_schema_load_once(shopper: FlaskClient) -> None:
    page = shopper.get(PRODUCT).text
    assert page.count("/assets/earn.css") == 1
    assert page.count("/assets/launcher.js") == 1


def test_assets_are_served_and_nothing_else_is(shopper: FlaskClient) -> None:
    assert shopper.get("/extensions/regulars/assets/star.svg").mimetype == "image/svg+xml"
    for name in ("nope.js", "..%2Fblocks%2Fearn.liquid", "../blocks/earn.liquid"):
        assert shopper.get(f"/extensions/regulars/assets/{name}").status_code == 404


def test_available_if_is_asked(store: Sandbox, shopper: FlaskClient) -> None:
    assert "locked" not in shopper.get(PRODUCT).text


def test_the_visitor_s_language_chooses_words_and_plurals(shopper: FlaskClient) -> None:
    answer = shopper.post("/localization", data={"locale_code": "uk", "return_to": PRODUCT})
    assert answer.location == PRODUCT
    page = shopper.get(PRODUCT).text
    assert "16 бобів" in page
    assert '<html lang="uk"' in page


def test_a_language_nobody_speaks_is_not_kept(shopper: FlaskClient) -> None:
    shopper.post("/localization", data={"locale_code": "xx"})
    assert '<html lang="en"' in shopper.get("/").text


def test_a_broken_block_says_so_in_its_place(shopper: FlaskClient, extension: Path) -> None:
    (extension / "blocks" / "broken.liquid").write_text(BROKEN)
    page = shopper.get(PRODUCT).text
    assert "Liquid error in broken" in page
    assert "Earn 16 beans" in page


def test_a_block_that_changes_is_read_again(shopper: FlaskClient, extension: Path) -> None:
    shopper.get("/")
    (extension / "blocks" / "launcher.liquid").write_text(EMBED.replace('launcher"', 'changed"'))
    assert 'class="changed"' in shopper.get("/").text


def test_without_the_app_or_its_folder_the_pages_work(store: Sandbox, extension: Path, tmp_path: Path) -> None:
    bare = pages(store, tmp_path / "missing").test_client()
    assert bare.get(PRODUCT).status_code == 200
    store.world.installations.drop("app")
    assert "earn" not in pages(store, extension).test_client().get(PRODUCT).text


@pytest.mark.parametrize(
    ("key", "values", "expected"),
    [
        ("hello", {"name": "<Ada>"}, "Hi &lt;Ada&gt;, {{ missing }}"),
        ("link_html", {"url": "<a>"}, "go <a>"),
        ("deep.none", {}, "translation missing: deep.none"),
        ("count", {"count": 1}, "one"),
        ("count", {"count": "many"}, "other"),
    ],
)
def test_translations_fill_in_values(key: str, values: dict[str, Any], expected: str) -> None:
    texts = {
        "hello": "Hi {{ name }}, {{ missing }}",
        "link_html": "go {{ url }}",
        "count": {"one": "one", "other": "other"},
        "deep": {},
    }
    assert translated(texts, key, values, "en") == expected


def test_the_theme_editor_switches_blocks_and_changes_their_settings(shopper: FlaskClient) -> None:
    assert "Beans &lt;for&gt; you" in shopper.get("/admin/themes/current/editor?context=apps").text
    shopper.post("/admin/themes/current/blocks/earn", data={"on": "1", "setting-heading": "Your beans"})
    assert "|Your beans</p>" in shopper.get(PRODUCT).text
    shopper.post("/admin/themes/current/blocks/earn", data={"setting-heading": "Your beans"})
    assert "Earn 16 beans" not in shopper.get(PRODUCT).text
    assert shopper.post("/admin/themes/current/blocks/nope").status_code == 404


def test_app_bridge_hears_which_blocks_are_on(shopper: FlaskClient) -> None:
    shopper.post("/admin/themes/current/blocks/launcher", data={})
    activations = shopper.get("/admin/apps/regulars/facts").json["extensions"][0]["activations"]
    assert {block["handle"]: block["status"] for block in activations} == {
        "earn": "active",
        "launcher": "available",
        "locked": "active",
    }
