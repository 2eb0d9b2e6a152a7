"""Imports of points, expiry and limits in the panel, with a look-alike shop beside."""

from __future__ import annotations

import io
import json
import re

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from plugin.db.engine import transaction
from plugin.loyalty import queries
from plugin.loyalty.expiry import changing
from plugin.loyalty.importing import applying
from plugin.shops.models import Shop
from tests.admin_ui import shopfloor
from tests.admin_ui.conftest import Person
from tests.admin_ui.tokens import bearer

FILE = "customer,points\n1,120\nnobody@example.com,5\n"


@pytest.fixture
def floor(shop: Shop, other_shop: Shop) -> None:
    for tenant in (other_shop, shop):
        with transaction(tenant.id) as session:
            shopfloor.launch(session, tenant)
            shopfloor.customer(session, tenant, 1, "Olga", "Li")


def upload(client: FlaskClient, body: str, **fields: str) -> TestResponse:
    data = {"undated": "never", **fields, "file": (io.BytesIO(body.encode()), "old programme.csv")}
    return client.post("/loyalty/imports", data=data, headers={**bearer(), "HX-Request": "true"})


def work(shop: Shop) -> None:
    for step in (applying.step, changing.step):
        more = True
        while more:
            with transaction(shop.id) as session:
                more = step(session, shop)


def points(shop: Shop) -> int:
    with transaction(shop.id) as session:
        found = queries.entries(session, shop, 1)
        return sum(entry.points for entry in found)


def test_a_file_is_looked_at_imported_and_taken_back(
    client: FlaskClient, person: Person, floor: None, shop: Shop, other_shop: Shop
) -> None:
    path = json.loads(upload(client, FILE).headers["HX-Location"])["path"]
    page = person.open(path)
    assert "Not imported yet" in page and "There is no customer nobody@example.com in your store." in page
    assert points(shop) == 0
    assert "nobody@example.com" in client.get(f"{path}/problems.csv", headers=bearer()).text
    assert "Being imported" in person.save(f"{path}/start")
    work(shop)
    assert points(shop) == 120 and "Take the import back" in person.open(path)
    person.save(f"{path}/take-back")
    work(shop)
    assert points(shop) == 0 and "Taken back" in person.open("/loyalty/imports") and points(other_shop) == 0


def test_a_file_that_was_only_looked_at_is_forgotten(client: FlaskClient, person: Person, floor: None) -> None:
    path = json.loads(upload(client, FILE).headers["HX-Location"])["path"]
    assert "old programme.csv" not in person.save(f"{path}/discard")


@pytest.mark.parametrize(
    ("body", "sentence"), [("a,b\n1,2\n", "is not known"), ("", "This file is empty"), ("points\n5\n", "is missing")]
)
def test_a_wrong_file_is_told_at_its_field(client: FlaskClient, floor: None, body: str, sentence: str) -> None:
    answer = upload(client, body)
    assert answer.status_code == 422
    assert re.search(rf'id="file-error"[^>]*>.*?{sentence}', answer.text, re.S), answer.text[-3000:]


def test_nothing_chosen_is_told_too(person: Person, floor: None) -> None:
    answer = person.send("/loyalty/imports", undated="never")
    assert answer.status_code == 422 and "Choose a file." in answer.text


def test_expiry_is_changed_given_more_time_and_undone(person: Person, floor: None, shop: Shop) -> None:
    page = person.save("/loyalty/expiry", by="inactivity", expiry_days="90", warn_days="30, 7")
    assert 'value="30, 7"' in page and 'value="90"' in page
    page = person.save("/loyalty/expiry/extend", days="10", reason="sorry", customer="1")
    assert "10 days more" in page and "Olga Li" in page
    person.save("/loyalty/expiry/reinstate", days="10", within="5", reason="back again", customer="")
    work(shop)
    undo = re.search(r'hx-post="(/loyalty/expiry/\d+/undo)"', person.open("/loyalty/expiry"))
    assert undo
    person.save(undo[1])
    work(shop)
    assert "Undone" in person.open("/loyalty/expiry")


@pytest.mark.parametrize(
    ("path", "fields", "sentence"),
    [
        ("", {"by": "inactivity", "expiry_days": ""}, "Enter after how many days"),
        ("", {"by": "date", "expiry_days": "9", "warn_days": "soon"}, "numbers of days, like 30, 7"),
        ("/extend", {"days": "0", "reason": "x"}, "Enter between 1 and 3,650 days."),
        ("/extend", {"days": "", "reason": ""}, "field-error"),
        ("/reinstate", {"days": "5", "within": "", "reason": "x"}, "Enter between 1 and 3,650 days."),
        ("/limits", {"most": "5", "daily": "1"}, "Enter at least what one change may move"),
    ],
)
def test_what_cannot_be_is_told_where_it_was_typed(
    person: Person, floor: None, path: str, fields: dict[str, str], sentence: str
) -> None:
    answer = person.send(f"/loyalty/expiry{path}", **fields)
    assert answer.status_code == 422 and sentence in answer.text


def test_limits_are_kept(person: Person, floor: None) -> None:
    assert 'value="500"' in person.save("/loyalty/expiry/limits", most="500", daily="")
    answer = person.send("/customers/1/points", points="501", reason="too much", key="key-000001")
    assert answer.status_code == 422 and "at most 500" in answer.text
