"""What holds for every page of the panel."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from admin_ui import listing
from admin_ui.figures import as_csv
from plugin.errors import NotFound
from tests.admin_ui.conftest import Person
from tests.admin_ui.tokens import bearer

PAGES = (
    "/",
    "/customers",
    "/loyalty",
    "/loyalty/rewards/new",
    "/subscriptions",
    "/subscriptions/new",
    "/campaigns",
    "/sync",
    "/sync/tasks",
    "/sync/tasks/waiting",
    "/sync/tasks/done",
)


@pytest.mark.parametrize("path", PAGES)
def test_an_empty_shop_has_a_whole_page_without_inline_scripts_or_styles(person: Person, path: str) -> None:
    page = person.open(path)
    assert "<script>" not in page and " style=" not in page and " onclick=" not in page
    assert page.count("<h1") == 1 and "<ui-title-bar" in page
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert sorted(ids) == sorted(set(ids))


@pytest.mark.parametrize("path", PAGES)
def test_every_field_has_a_label(person: Person, path: str) -> None:
    page = re.sub(r"<template>.*?</template>", "", person.open(path), flags=re.S)
    labelled = set(re.findall(r'<label[^>]* for="([^"]+)"', page))
    fields = re.findall(r'<(?:input|select|textarea)(?![^>]*type="hidden")[^>]* id="([^"]+)"', page)
    assert set(fields) <= labelled


def test_a_page_that_does_not_exist_is_told_as_a_toast(person: Person) -> None:
    response = person.client.get("/customers/404404", headers={"HX-Request": "true", **bearer()})
    assert response.status_code == 404 and "toast" in response.headers["HX-Trigger"]


def test_the_gallery_shows_in_the_sandbox_alone(app: Flask, sandbox: None) -> None:
    assert app.test_client().get("/_gallery").status_code == 200


def test_production_has_no_gallery(app: Flask) -> None:
    assert app.test_client().get("/_gallery").status_code == 404


def test_a_csv_runs_no_formula(app: Flask) -> None:
    with app.test_request_context():
        body = as_csv("x", ["name"], [["=HYPERLINK(1)"], ["-3"], ["Olga"], [-3]]).get_data(as_text=True)
    assert "'=HYPERLINK(1)" in body and "'-3" in body and "\nOlga" in body and "\n-3" in body


@pytest.mark.parametrize("key", [(1, 2), ("a", 2), ("2026-11-21T00:00:00+00:00", 9)])
def test_a_place_in_a_list_survives_its_url(key: tuple[object, ...]) -> None:
    assert listing.decode(listing.encode(key)) == key


def test_a_made_up_place_is_refused() -> None:
    with pytest.raises(NotFound):
        listing.decode("%%%")
