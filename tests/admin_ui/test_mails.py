"""Mails of the programme: switched, rewritten, looked at and tried, and never another shop's."""

from __future__ import annotations

import html
import re

from flask.testing import FlaskClient
from sqlalchemy import select

from admin_ui.campaigns.previews import ticket
from plugin.db.engine import transaction
from plugin.loyalty.mails import keeping
from plugin.loyalty.mails.kinds import KINDS
from plugin.messages.models import Message
from plugin.shops.models import Shop
from tests.admin_ui import shopfloor
from tests.admin_ui.conftest import Person
from tests.admin_ui.shopfloor import BEANS


def typed(person: Person, kind: str) -> dict[str, str]:
    """What a browser would send of a mail's form as it stands."""
    page = person.open(f"/loyalty/mails/{kind}")
    form = page[page.index('id="mail"') :].split("</form>")[0]
    fields = dict(re.findall(r'<input[^>]* name="([^"]+)" value="([^"]*)"', form))
    fields.update(re.findall(r'<textarea[^>]* name="([^"]+)"[^>]*>\n(.*?)</textarea>', form, flags=re.S))
    return {name: html.unescape(value).replace("\n", "\r\n") for name, value in fields.items()}


def active(shop: Shop, kind: str) -> bool:
    with transaction(shop.id) as session:
        return keeping.setting(session, shop, kind).active


def test_every_mail_is_listed_and_opens(person: Person) -> None:
    page = person.open("/loyalty/mails")
    for kind in KINDS:
        assert f'href="/loyalty/mails/{kind}"' in page
    assert "Points earned" in person.open("/loyalty/mails/points_earned")


def test_a_mail_is_switched_off_with_a_way_back(person: Person, shop: Shop, other_shop: Shop) -> None:
    person.save("/loyalty/mails/tier_up/off")
    assert (active(shop, "tier_up"), active(other_shop, "tier_up")) == (False, True)
    person.save("/loyalty/mails/tier_up/on")
    assert active(shop, "tier_up")


def test_saved_unchanged_a_mail_stays_the_built_in_one(person: Person, shop: Shop) -> None:
    person.save("/loyalty/mails/tier_up", **typed(person, "tier_up"))
    with transaction(shop.id) as session:
        assert keeping.setting(session, shop, "tier_up").digest is None


def test_other_words_are_kept_shown_and_given_up(person: Person, shop: Shop) -> None:
    person.save("/loyalty/mails/tier_up", **typed(person, "tier_up") | {"subject": "Hooray, {{ tier }}"})
    assert "Hooray" in person.open("/loyalty/mails/tier_up") and "Your words" in person.open("/loyalty/mails")
    person.save("/loyalty/mails/tier_up/again")
    assert "Hooray" not in person.open("/loyalty/mails/tier_up")


def test_what_is_wrong_is_told_at_its_part(person: Person, shop: Shop) -> None:
    form = typed(person, "tier_up")
    for broken in ({"text": "Hello"}, {"subject": "{% if %}"}, {"mjml": "<mjml>"}):
        answer = person.send("/loyalty/mails/tier_up", **form | broken)
        assert answer.status_code == 422 and 'aria-invalid="true"' in answer.text, broken
    with transaction(shop.id) as session:
        assert keeping.setting(session, shop, "tier_up").digest is None


def test_the_preview_shows_what_is_typed(client: FlaskClient, person: Person, shop: Shop) -> None:
    with transaction(shop.id) as session:
        shopfloor.launch(session, shop, BEANS, "5 off")
    form = typed(person, "points_taken") | {"ticket": ticket(shop.id)}
    shown = client.post("/loyalty/mails/points_taken/preview", data=form)
    assert "something of it was refunded" in shown.text and "sandbox" in shown.headers["Content-Security-Policy"]
    assert client.post("/loyalty/mails/points_taken/preview", data=form | {"ticket": "x"}).status_code == 401


def test_a_test_mail_goes_to_the_typed_address(person: Person, shop: Shop) -> None:
    assert person.send("/loyalty/mails/points_earned/test", email="me@example.com").status_code == 204
    with transaction(shop.id) as session:
        mail = session.scalars(select(Message)).one()
        assert (mail.kind, mail.email, mail.template) == ("test", "me@example.com", {"name": "points_earned"})
