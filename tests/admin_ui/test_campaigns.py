"""The abandoned-cart campaign: on and off, its mails, its report, previews and tests."""

from __future__ import annotations

import html
import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from admin_ui.campaigns.previews import ticket
from plugin.campaigns import operations
from plugin.campaigns.models import Enrollment
from plugin.db.engine import transaction
from plugin.messages.rules import Stop
from plugin.shops.models import Shop
from tests.admin_ui import shopfloor
from tests.admin_ui.conftest import Person


def fields_of(page: str) -> dict[str, str]:
    """What a browser would send of the mails' form as it stands."""
    form = page[page.index('id="automation"') :].split("</form>")[0]
    fields = dict(re.findall(r'<input[^>]* name="([^"]+)" value="([^"]*)"', form))
    fields.update(re.findall(r'<select id="[^"]+" name="([^"]+)".*?<option value="([^"]+)" selected', form, flags=re.S))
    fields.update(re.findall(r'<textarea[^>]* name="([^"]+)"[^>]*>\n(.*?)</textarea>', form, flags=re.S))
    return {name: html.unescape(value) for name, value in fields.items()}


@pytest.fixture
def typed(person: Person) -> dict[str, str]:
    person.open("/campaigns")
    return fields_of(person.open("/campaigns/1"))


def test_the_campaign_comes_with_two_mails_and_is_off(person: Person, typed: dict[str, str]) -> None:
    assert (typed["steps-0-delay"], typed["steps-0-unit"]) == ("1", "hours")
    assert (typed["steps-1-delay"], typed["steps-1-unit"]) == ("1", "days")
    assert "Start campaign" in person.open("/campaigns")


def test_it_is_started_and_stopped(person: Person) -> None:
    person.open("/campaigns")
    assert "Stop campaign" in person.save("/campaigns/1/on")
    assert "Start campaign" in person.save("/campaigns/1/off")


def test_mails_saved_unchanged_make_no_new_version(person: Person, typed: dict[str, str], database: Engine) -> None:
    person.save("/campaigns/1", **{name: value.replace("\n", "\r\n") for name, value in typed.items()})
    person.save("/campaigns/1", **{**typed, "steps-0-subject": "Your cart waits"})
    with database.connect() as connection:
        versions = connection.execute(text("SELECT version, steps -> 0 ->> 'subject' FROM automation_versions")).all()
    assert sorted(versions) == [(1, typed["steps-0-subject"]), (2, "Your cart waits")]


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("steps-0-subject", "", "This is needed"),
        ("steps-0-delay", "soon", "Write a whole number"),
        ("steps-1-unit", "hours", "later than the one before"),
        ("steps-0-mjml", "<mjml><mj-body>{% if %}</mj-body></mjml>", ""),
        ("steps-0-mjml", "no mail at all", ""),
    ],
)
def test_an_error_stands_at_its_mail(
    person: Person, typed: dict[str, str], field: str, value: str, complaint: str
) -> None:
    response = person.send("/campaigns/1", **{**typed, field: value})
    assert response.status_code == 422
    where = field.replace("unit", "delay") if "unit" in field else field
    slot = response.text.split(f'data-error-for="{where}"')[1].split("</p>")[0]
    assert "<svg" in slot and complaint in slot
    assert html.escape(value, quote=False) in response.text.replace("&#34;", '"')


@pytest.fixture
def carts(person: Person, shop: Shop, other_shop: Shop) -> None:
    person.open("/campaigns")
    person.save("/campaigns/1/on")
    for tenant, mark in ((shop, ""), (other_shop, "stranger-")):
        with transaction(tenant.id) as session:
            automation = operations.ensure_default(session, tenant)
            operations.turn_on(session, tenant, automation.id)
            for number in range(3):
                shopfloor.checkout(session, tenant, f"token{number}", f"{mark}cart{number}@example.com")
            operations.follow_checkouts(session, tenant, {f"token{number}" for number in range(3)})


def test_the_report_counts_carts_and_says_why_not(person: Person, carts: None, shop: Shop) -> None:
    with transaction(shop.id) as session:
        first = session.query(Enrollment).order_by(Enrollment.id).first()
        assert first is not None
        operations.stop(session, shop, {first: Stop("no_consent", {"consent": "unknown"})})
        first_id = first.id
    page = person.open("/campaigns")
    assert "No permission for marketing" in page and "3 carts" in page and "stranger" not in page
    assert "cart0@" in person.open("/campaigns?state=stopped") and "cart1@" not in person.open(
        "/campaigns?state=stopped"
    )
    assert "consent: unknown" in person.open(f"/campaigns/carts/{first_id}")


def test_a_preview_needs_its_ticket_and_is_sealed(client: FlaskClient, typed: dict[str, str], shop: Shop) -> None:
    with client.application.app_context():
        good = ticket(shop.id)
    response = client.post("/previews/cart/0", data={**typed, "ticket": good, "steps-0-subject": "Hello"})
    assert response.status_code == 200 and "Vector Roasters" in response.text
    policy = response.headers["Content-Security-Policy"]
    assert (
        "default-src 'none'" in policy
        and "sandbox" in policy
        and f"frame-ancestors 'self' https://{shop.domain}" in policy
    )
    for bad in ("", "x", good[:-2], good + "x"):
        refused = client.post("/previews/cart/0", data={**typed, "ticket": bad})
        assert refused.status_code == 401 and "Vector" not in refused.text


def test_a_test_mail_is_queued_once_to_the_typed_address(
    person: Person, typed: dict[str, str], database: Engine
) -> None:
    sent = person.send("/campaigns/1/test/0", **{"test-0-email": "me@example.com"})
    assert sent.status_code == 204 and "me@example.com" in sent.headers["HX-Trigger"]
    with database.connect() as connection:
        queued = connection.execute(text("SELECT email, kind, marketing FROM messages")).all()
    assert queued == [("me@example.com", "test", False)]
    refused = person.send("/campaigns/1/test/1", **{"test-1-email": "nobody"})
    assert refused.status_code == 422 and "name@example.com" in refused.text
