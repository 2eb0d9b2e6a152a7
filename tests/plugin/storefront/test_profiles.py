"""What shoppers tell about themselves: as data and as a page, their own alone, and only from the store's pages."""

from __future__ import annotations

import pytest

from plugin.db import engine as db
from plugin.loyalty.acting import profiles
from plugin.shops import queries as shops
from plugin.shops.models import Shop
from tests.plugin.loyalty.ledgers import customer
from tests.plugin.storefront.conftest import Shopper

PAGE = "text/html"


@pytest.fixture
def fields(alice: Shopper, shop: Shop, other_shop: Shop) -> list[int]:
    ids = []
    for each in (other_shop, shop):
        with db.transaction(each.id) as session:
            mine = shops.shop(session)
            customer(session, mine, 7)
            asked = (("Zebra day", "birthday"), ("Zebra roast", "text")) if each is other_shop else (
                ("Your birthday", "birthday"), ("Favourite roast", "text"),
            )  # fmt: skip
            ids = [profiles.save_field(session, mine, "staff:1", label, kind, []).id for label, kind in asked]
    return ids


def told(shop: Shop, customer_id: int = 7) -> dict[int, str]:
    with db.transaction(shop.id) as session:
        return profiles.values(session, shops.shop(session), customer_id)


def test_answers_are_kept_and_told_back(alice: Shopper, shop: Shop, fields: list[int]) -> None:
    birthday, roast = fields
    seen = alice.get("/profile").get_json()
    assert [field["label"] for field in seen["fields"]] == ["Your birthday", "Favourite roast"]
    answer = {f"field-{birthday}": "06-14", f"field-{roast}": " dark  roast ", "token": seen["token"]}
    saved = alice.post("/profile", answer).get_json()
    assert [field["value"] for field in saved["fields"]] == ["06-14", "dark roast"]
    alice.post("/profile", {f"field-{roast}": "", "token": seen["token"]})
    assert told(shop) == {birthday: "06-14"}


def test_the_page_needs_no_script(alice: Shopper, shop: Shop, fields: list[int]) -> None:
    birthday = fields[0]
    token = alice.get("/profile").get_json()["token"]
    form = {f"field-{birthday}-month": "06", f"field-{birthday}-day": "14", "token": token}
    page = alice.post("/profile", form, PAGE).text
    assert "Saved. Thank you." in page and '<option value="14" selected>' in page and "Zebra" not in page
    wrong = alice.post("/profile", form | {f"field-{birthday}-day": "31"}, PAGE)
    assert wrong.status_code == 422 and "Choose a month and a day that there is." in wrong.text
    assert told(shop) == {birthday: "06-14"}


def test_nobody_writes_without_signing_in_or_from_elsewhere(
    alice: Shopper, nobody: Shopper, shop: Shop, fields: list[int]
) -> None:
    typed = {f"field-{fields[1]}": "dark"}
    assert nobody.get("/profile").status_code == nobody.post("/profile", typed).status_code == 401
    assert alice.post("/profile", typed).status_code == 409
    assert told(shop) == {}


def test_a_field_of_another_shop_is_not_there(alice: Shopper, shop: Shop, other_shop: Shop, fields: list[int]) -> None:
    theirs = fields[0] - 2
    token = alice.get("/profile").get_json()["token"]
    assert alice.post("/profile", {f"field-{theirs}": "06-14", "token": token}).status_code == 200
    assert told(shop) == told(other_shop) == {}
