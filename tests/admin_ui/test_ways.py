"""Ways to earn in the panel: added, read back in words, switched, ordered; fields, the token, and decisions."""

from __future__ import annotations

import re
from html import unescape

import pytest

from plugin import clock
from plugin.db.engine import transaction
from plugin.loyalty import operations as loyalty
from plugin.loyalty import queries
from plugin.loyalty.acting import profiles
from plugin.loyalty.acting.terms import Way
from plugin.shops import queries as shops
from plugin.shops.models import Shop
from tests.admin_ui import shopfloor
from tests.admin_ui.conftest import Person

EVENT = {"name": "review", "points": "50", "most_times": "2", "period": "month", "cooldown_days": "7", "active": "y"}


@pytest.fixture(autouse=True)
def floor(shop: Shop, other_shop: Shop) -> None:
    for each, name in ((other_shop, "Zebra"), (shop, "Ola")):
        with transaction(each.id) as session:
            shopfloor.launch(session, each)
            shopfloor.customer(session, each, 1, name, "Finch")


def ways(shop: Shop) -> tuple[Way, ...]:
    with transaction(shop.id) as session:
        program = queries.latest_program(session, shops.shop(session))
    return program.document.actions.ways if program else ()


def version(shop: Shop) -> str:
    with transaction(shop.id) as session:
        program = queries.latest_program(session, shops.shop(session))
    return str(program.version if program else 0)


def add(person: Person, shop: Shop, kind: str, **form: str) -> int:
    return person.send(f"/loyalty/ways/new/{kind}", **{"version": version(shop), **form}).status_code


def test_a_way_is_added_read_back_and_changed(person: Person, shop: Shop, other_shop: Shop) -> None:
    assert add(person, shop, "event", **EVENT) == 200
    assert ways(shop) == (Way(1, "event", 50, name="review", most_times=2, period="month", cooldown_days=7),)
    assert ways(other_shop) == ()
    assert "Event: review" in person.open("/loyalty/ways")
    assert 'value="review"' in person.open("/loyalty/ways/1")
    changed = person.send("/loyalty/ways/1", **{**EVENT, "points": "80", "version": version(shop)})
    assert changed.status_code == 200 and ways(shop)[0].points == 80


def test_every_kind_has_a_form_and_says_what_it_does(person: Person, shop: Shop) -> None:
    with transaction(shop.id) as session:
        field = profiles.save_field(session, shop, "staff:1", "Favourite roast", "text", []).id
    typed = {
        "signup": ("Who signs up today", {}),
        "birthday": ("on every birthday", {"notice_days": "30"}),
        "newsletter": ("Leaving until", {"keep_days": "30"}),
        "profile_field": ("Favourite roast", {"field": str(field)}),
        "event": ("At most 2 times a month.", EVENT),
        "anniversary": ("every later year", {"since": "first_order", "period": "ever"}),
    }
    for kind, (said, form) in typed.items():
        assert person.open(f"/loyalty/ways/new/{kind}")
        whole = {"period": "ever", "points": "50", "active": "y", **form}
        assert said in unescape(person.send(f"/loyalty/ways/example/{kind}", **whole).text), kind
        assert add(person, shop, kind, **whole) == 200, kind
    assert [way.kind for way in ways(shop)] == list(typed)


def test_what_cannot_be_is_told_at_its_field_and_nothing_is_saved(person: Person, shop: Shop) -> None:
    wrong = {**EVENT, "name": "My review", "points": "0", "cooldown_days": "-1"}
    answer = person.send("/loyalty/ways/new/event", **{**wrong, "version": version(shop)})
    assert answer.status_code == 422 and ways(shop) == ()
    for field in ("points", "cooldown_days"):
        assert re.search(f'id="{field}-error"[^>]*>.+?At least', answer.text, re.S), field
    named = person.send("/loyalty/ways/new/event", **{**EVENT, "name": "My review", "version": version(shop)})
    assert named.status_code == 422 and "Begin with a letter" in named.text


def test_two_tabs_cannot_overwrite_each_other(person: Person, shop: Shop) -> None:
    seen = version(shop)
    assert add(person, shop, "signup", points="5", active="y") == 200
    late = person.send("/loyalty/ways/new/signup", points="9", version=seen)
    assert late.status_code == 409 and len(ways(shop)) == 1


def test_they_are_switched_ordered_and_removed(person: Person, shop: Shop) -> None:
    for points in ("5", "9"):
        add(person, shop, "signup", points=points, active="y")
    assert person.send("/loyalty/ways/2/up").status_code == 200
    assert person.send("/loyalty/ways/1/off").status_code == 200
    assert [(way.id, way.active) for way in ways(shop)] == [(2, True), (1, False)]
    assert person.send("/loyalty/ways/2/remove").status_code == 200
    assert [way.id for way in ways(shop)] == [1]
    assert person.send("/loyalty/ways/2/up").status_code == 404


def test_the_token_is_shown_once(person: Person) -> None:
    found = re.search(r"rgl_\d+_[\w-]{43}", person.send("/loyalty/ways/token").text)
    again = person.open("/loyalty/ways/token")
    assert found and found[0] not in again and f"…{found[0][-4:]}" in again
    assert person.send("/loyalty/ways/token/end").status_code == 200
    assert "No token yet" in person.open("/loyalty/ways/token")


def test_a_field_is_asked_changed_and_asked_no_more(person: Person, shop: Shop) -> None:
    new = {"label": "Roast", "kind": "choice", "choices": "light\ndark"}
    assert person.send("/loyalty/ways/fields", **{**new, "choices": "light"}).status_code == 422
    assert person.send("/loyalty/ways/fields", **new).status_code == 200
    assert person.send("/loyalty/ways/fields/1", **{**new, "label": "Your roast"}).status_code == 200
    assert "Your roast" in person.open("/loyalty/ways/fields")
    assert person.send("/loyalty/ways/fields/1/archive").status_code == 200
    assert "Your roast" not in person.open("/loyalty/ways/fields")
    assert person.send("/loyalty/ways/fields/1/restore").status_code == 200


def test_what_a_customer_did_and_what_it_gave_can_be_looked_at(person: Person, shop: Shop) -> None:
    with transaction(shop.id) as session:
        field = profiles.save_field(session, shop, "staff:1", "Roast", "text", []).id
    add(person, shop, "profile_field", points="25", active="y", field=str(field))
    with transaction(shop.id) as session:
        session.info["now"] = clock.machine_now()
        profiles.answer(session, shops.shop(session), 1, {field: "dark"})
        while loyalty.catch_up(session, shops.shop(session)):
            pass
    log = person.open("/loyalty/ways/log?customer=1")
    assert "Profile: Roast" in log and "Given" in log and "Zebra" not in log
    assert "Profile field filled in" in person.open("/customers/1")
