"""Profile fields: a value gives once, goes when taken back, and moves with a merge."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from plugin.commerce.models import CustomerMerge
from plugin.errors import Invalid
from plugin.loyalty import erasing
from plugin.loyalty.acting import merging, profiles
from plugin.loyalty.acting.terms import Way
from plugin.shops.models import Shop
from plugin.shops.people import Person
from tests.plugin.loyalty.acting.deeds import LAUNCH, decisions, launch, person, settle
from tests.plugin.loyalty.ledgers import account, at


@pytest.fixture(autouse=True)
def noon(session: Session) -> None:
    at(session, LAUNCH)


def ask(session: Session, shop: Shop, kind: str = "text", *choices: str) -> int:
    return profiles.save_field(session, shop, "staff:1", "Favourite roast", kind, choices).id


def test_an_answer_gives_once_however_often_it_changes(session: Session, shop: Shop) -> None:
    field = ask(session, shop, "choice", "light", "dark")
    launch(session, shop, Way(1, "profile_field", 25, field=field))
    person(session, shop, 7)
    for value in ("light", "dark", "", "light"):
        profiles.answer(session, shop, 7, {field: value})
        settle(session, shop)
    assert account(session, shop, 7)[0] == 25
    assert profiles.values(session, shop, 7) == {field: "light"}


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("choice", "medium"),
        ("birthday", "02-30"),
        ("birthday", "13-01"),
        ("birthday", "1980-05-01"),
        ("text", "x" * 201),
    ],
)
def test_what_is_no_answer_is_told_at_its_field(session: Session, shop: Shop, kind: str, value: str) -> None:
    field = ask(session, shop, kind, "light", "dark")
    person(session, shop, 7)
    with pytest.raises(Invalid) as said:
        profiles.answer(session, shop, 7, {field: value})
    assert said.value.field == f"field-{field}"
    assert profiles.values(session, shop, 7) == {}


def test_there_is_one_birthday(session: Session, shop: Shop) -> None:
    first = ask(session, shop, "birthday")
    with pytest.raises(Invalid):
        ask(session, shop, "birthday")
    profiles.archive_field(session, shop, "staff:1", first)
    assert ask(session, shop, "birthday") != first


def test_what_merged_people_said_and_did_goes_over(session: Session, shop: Shop) -> None:
    field, other = ask(session, shop), ask(session, shop)
    launch(session, shop, Way(1, "profile_field", 25, field=field))
    for id, answers in ((7, {field: "old", other: "mine"}), (8, {other: "kept"})):
        person(session, shop, id)
        profiles.answer(session, shop, id, answers)
    settle(session, shop)
    session.add(CustomerMerge(shop_id=shop.id, from_id=7, into_id=8, kept_id=8, merged_at=LAUNCH))
    session.flush()
    for _ in range(2):
        merging.follow_merges(session, shop, {7})
    assert profiles.values(session, shop, 8) == {field: "old", other: "kept"}
    assert profiles.values(session, shop, 7) == {}
    profiles.answer(session, shop, 8, {field: "new"})
    settle(session, shop)
    assert decisions(session, shop, 8) == {f"profile:{field}:7": (25, "given"), f"profile:{field}:8": (0, "once")}


def test_a_person_s_answers_are_exported_and_erased(session: Session, shop: Shop) -> None:
    field = ask(session, shop)
    for id in (7, 8):
        person(session, shop, id)
        profiles.answer(session, shop, id, {field: f"of {id}"})
    one = Person(customer_ids=frozenset({7}))
    exported = erasing.export_customer(session, shop, one)["profile_values"]
    assert [(row["label"], row["value"]) for row in exported] == [("Favourite roast", "of 7")]
    assert erasing.erase_customer(session, shop, one)["profile_values"] == 1
    assert (profiles.values(session, shop, 7), profiles.values(session, shop, 8)) == ({}, {field: "of 8"})
