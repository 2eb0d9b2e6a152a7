"""The page of referrals: figures, list, queue, one of them with its reasons, and the terms."""

from __future__ import annotations

import re

import pytest

from plugin.db.engine import transaction
from plugin.loyalty import queries
from plugin.loyalty.referring.models import Referral
from plugin.loyalty.referring.terms import Referrals
from plugin.shops.models import Shop
from tests.admin_ui import shopfloor
from tests.admin_ui.conftest import Person

SETTINGS = "/loyalty/referrals/settings"
TYPED = {
    "enabled": "y", "points": "500", "friend_kind": "amount", "friend_amount": "5.00", "friend_percent": "10",
    "minimum_minor": "25", "claim_days": "30", "hold_days": "14", "monthly_cap": "10", "daily_claims": "5",
    "household": "once", "version": "1",
}  # fmt: skip
DOUBT = [{"name": "same_address", "weight": 60, "facts": {"before": 1}}]


@pytest.fixture
def floor(shop: Shop, other_shop: Shop) -> dict[str, int]:
    """A programme; Ola invited a friend who waits and one who should be looked at. The other shop has the same."""
    for each, name in ((other_shop, "Zebra"), (shop, "Ola")):
        with transaction(each.id) as session:
            shopfloor.launch(session, each)
            shopfloor.customer(session, each, 1, name, "Finch")
            waiting = shopfloor.referral(session, each, 1, "waits@example.com")
            doubted = {"state": "in_review", "reason": "same_address", "signals": DOUBT}
            odd = shopfloor.referral(session, each, 1, "odd@example.com", **doubted)
            ids = {"waiting": waiting.id, "odd": odd.id}
    return ids


def one(shop: Shop, id: int) -> Referral:
    with transaction(shop.id) as session:
        found = session.get_one(Referral, (shop.id, id))
        session.expunge(found)
    return found


def test_the_list_shows_its_own_and_can_be_narrowed(person: Person, floor: dict[str, int]) -> None:
    page = person.open("/loyalty/referrals")
    assert "2 referrals" in page and "Ola Finch" in page and "Zebra" not in page
    assert "1 wait for your word" in page and "Same address 1" in page
    page = person.open("/loyalty/referrals?state=in_review")
    assert "odd@example.com" in page and "waits@example.com" not in page
    assert "2 referrals" in person.open("/loyalty/referrals?q=ola+fin")
    assert "1 referrals" in person.open("/loyalty/referrals?q=odd@example.com")
    assert "Nothing found" in person.open("/loyalty/referrals?q=zebra")


def test_the_export_holds_the_narrowed_list(person: Person, floor: dict[str, int]) -> None:
    file = person.open("/loyalty/referrals/export.csv?state=in_review")
    assert "odd@example.com" in file and "waits@" not in file and "Zebra" not in file


def test_one_says_why_in_words(person: Person, floor: dict[str, int]) -> None:
    page = person.open(f"/loyalty/referrals/{floor['odd']}")
    assert "Both have goods sent, or bills, to the same address. Referrals there before: 1." in page
    assert "To look at" in page


def test_a_word_of_staff_stands_and_can_be_taken_back(person: Person, shop: Shop, floor: dict[str, int]) -> None:
    path = f"/loyalty/referrals/{floor['odd']}"
    page = person.save(f"{path}/decide", verdict="accepted", note="They are flatmates")
    assert "Accepted on" in page and "They are flatmates" in page
    told = one(shop, floor["odd"])
    assert (told.verdict, told.state, told.code_state) == ("accepted", "claimed", "asked")
    page = person.save(f"/loyalty/referrals/undo?ids={floor['odd']}")
    assert "Taken back" not in page and one(shop, floor["odd"]).verdict is None


def test_many_are_decided_at_once(person: Person, shop: Shop, floor: dict[str, int]) -> None:
    page = person.save("/loyalty/referrals/decide", verdict="rejected", id=[floor["odd"], floor["waiting"]])
    assert "Nothing to look at" in page
    assert {one(shop, id).state for id in floor.values()} == {"rejected"}
    assert person.send("/loyalty/referrals/decide", verdict="rejected").status_code == 409


def test_the_terms_are_kept_exactly_as_a_new_version(person: Person, shop: Shop, floor: dict[str, int]) -> None:
    page = person.save(SETTINGS, **TYPED)
    assert 'name="version" type="hidden" value="2"' in page
    with transaction(shop.id) as session:
        program = queries.latest_program(session, shop)
    assert program is not None and len(program.tiers) == 2
    assert program.document.referrals == Referrals(enabled=True, minimum_minor=2500)
    assert "points_one" not in page and "earn" not in re.findall(r'name="(\w+)"', page)


def test_two_tabs_do_not_overwrite_each_other(person: Person, floor: dict[str, int]) -> None:
    person.save(SETTINGS, **TYPED)
    late = person.send(SETTINGS, **{**TYPED, "points": "9"})
    assert late.status_code == 409 and "saved elsewhere" in late.headers["HX-Trigger"]


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("points", "-1", "points"),
        ("points", "many", "points"),
        ("friend_amount", "0", "friend_amount"),
        ("friend_amount", "", "friend_amount"),
        ("minimum_minor", "2", "minimum_minor"),
        ("claim_days", "0", "claim_days"),
        ("hold_days", "366", "hold_days"),
        ("monthly_cap", "0", "monthly_cap"),
        ("daily_claims", "99999999999", "daily_claims"),
        ("household", "nobody", "household"),
    ],
)
def test_what_cannot_be_used_is_told_at_its_field(
    person: Person, shop: Shop, floor: dict[str, int], field: str, typed: str, said: str
) -> None:
    answer = person.send(SETTINGS, **{**TYPED, field: typed})
    assert answer.status_code == 422
    assert re.search(rf'has-error" data-field="{said}"|data-error-for="{said}">.+?</p>', answer.text)
    with transaction(shop.id) as session:
        program = queries.latest_program(session, shop)
    assert program is not None and program.version == 1


def test_without_a_programme_the_pages_say_what_to_do(person: Person) -> None:
    assert "Launch the programme first" in person.open(SETTINGS)
    assert "No referrals yet" in person.open("/loyalty/referrals")
