"""The link in every marketing mail: GET only asks, POST ends, nobody can forge it, and a changed mind is respected."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_babel import Babel
from sqlalchemy import select

from plugin.crypto import secrets
from plugin.db import engine as db
from plugin.effects.models import Effect
from plugin.messages import leaving, letters
from plugin.messages import operations as messages
from plugin.messages.models import Consent, Message, Suppression
from plugin.messages.suppressing import suppress
from plugin.messages.views import masked, unsubscribing
from plugin.shops.models import Shop
from plugin.subscriptions import operations as subscriptions
from plugin.subscriptions.models import Subscription
from tests.plugin.people import customer

ANNA = "anna@example.com"
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def client() -> Iterator[FlaskClient]:
    app = Flask("public")
    Babel(app)
    app.register_blueprint(unsubscribing)
    leaving.use(subscriptions.unsubscribe, subscriptions.come_back)
    yield app.test_client()
    leaving.use(messages.withdraw, messages.grant)


def sent(shop: Shop, scope: str = "all") -> str:
    """The link of a mail to Anna, as a path."""
    with db.transaction(shop.id) as session:
        message_id = messages.queue(
            session,
            shop,
            kind="test",
            key=f"k:{scope}",
            marketing=True,
            email=ANNA,
            customer_id=None,
            template="announcement",
            context={"field": {"label": "Tell me <b>"}},
            scope=scope,
        )
        assert message_id
        return letters.unsubscribe_url(shop, message_id).removeprefix("https://regulars.example")


def wished(shop: Shop) -> str:
    """Anna's wish; its scope."""
    with db.transaction(shop.id) as session:
        customer(session, shop, 7, ANNA)
        texts = {"label": "Tell me", "match_kind": "tag", "match_value": "x", "consent_text": "c", "subject": "s"}
        field = subscriptions.create_field(session, shop, **texts)
        subscriptions.subscribe(session, shop, field.id, email=ANNA, words="Send me", source="storefront")
        return f"field:{field.id}"


def listed(shop: Shop) -> list[str]:
    with db.transaction(shop.id) as session:
        return list(session.scalars(select(Suppression.scope)))


def standing(shop: Shop) -> bool:
    with db.transaction(shop.id) as session:
        return session.scalars(select(Subscription)).one().ended_at is None


def test_getting_the_page_changes_nothing(client: FlaskClient, shop: Shop) -> None:
    link = sent(shop)
    for _ in range(3):
        page = client.get(link)
        assert page.status_code == 200
    client.head(link)
    assert listed(shop) == []
    assert "a…a@example.com" in page.text and ANNA not in page.text
    assert "Set-Cookie" not in page.headers


def test_one_click_ends_without_cookies_or_redirect_and_again_is_fine(client: FlaskClient, shop: Shop) -> None:
    link = sent(shop)
    for _ in range(3):
        answer = client.post(link, data=ONE_CLICK)
        assert answer.status_code == 200
    assert listed(shop) == ["all"]
    with db.transaction(shop.id) as session:
        consent = session.scalars(select(Consent)).one()
        assert (consent.granted, consent.source, consent.words) == (False, "one_click", "List-Unsubscribe=One-Click")
        assert session.scalars(select(Message)).one().state == "skipped"


def test_a_bare_post_ends_too(client: FlaskClient, shop: Shop) -> None:
    assert client.post(sent(shop)).status_code == 200
    assert listed(shop) == ["all"]


def test_the_store_is_told_once_when_everything_ended(client: FlaskClient, shop: Shop) -> None:
    with db.transaction(shop.id) as session:
        customer(session, shop, 7, ANNA)
    link = sent(shop)
    client.post(link, data=ONE_CLICK)
    client.post(link, data=ONE_CLICK)
    with db.transaction(shop.id) as session:
        effect = session.scalars(select(Effect).where(Effect.kind == "email_consent")).one()
        assert (effect.payload["customer_id"], effect.payload["state"]) == (7, "UNSUBSCRIBED")


def test_a_fields_mail_ends_that_field_alone(client: FlaskClient, shop: Shop) -> None:
    scope = wished(shop)
    assert client.post(sent(shop, scope), data=ONE_CLICK).status_code == 200
    assert listed(shop) == [scope]
    assert not standing(shop)
    with db.transaction(shop.id) as session:
        assert session.scalars(select(Effect).where(Effect.kind == "email_consent")).all() == []


def test_a_fields_page_offers_to_end_everything(client: FlaskClient, shop: Shop) -> None:
    link = sent(shop, wished(shop))
    assert 'value="all"' in client.get(link).text
    client.post(link, data={"scope": "all"})
    assert listed(shop) == ["all"]
    assert not standing(shop)


def test_a_link_ends_nothing_it_is_not_about(client: FlaskClient, shop: Shop) -> None:
    client.post(sent(shop, wished(shop)), data={"scope": "field:999"})
    assert "field:999" not in listed(shop)


def test_a_changed_mind_brings_back_what_was_ended_and_no_more(client: FlaskClient, shop: Shop) -> None:
    scope = wished(shop)
    link = sent(shop, scope)
    client.post(link, data={"scope": "all"})
    client.post(link, data={"scope": scope})
    page = client.post(link, data={"again": "1", "scope": scope})
    assert page.status_code == 200
    assert listed(shop) == ["all"]
    client.post(link, data={"again": "1", "scope": "all"})
    assert listed(shop) == []
    assert standing(shop)
    with db.transaction(shop.id) as session:
        last = session.scalars(select(Consent).order_by(Consent.id.desc())).first()
        assert last and last.granted and last.source == "unsubscribe_page" and "again" in last.words


def test_coming_back_is_only_for_who_left(client: FlaskClient, shop: Shop) -> None:
    client.post(sent(shop), data={"again": "1", "scope": "all"})
    with db.transaction(shop.id) as session:
        assert session.scalars(select(Consent)).all() == []
        suppress(session, shop, ANNA, "all", "bounced")
    client.post(sent(shop, "field:1"), data={"again": "1", "scope": "all"})
    assert listed(shop) == ["all"]


def test_forged_and_foreign_links_look_like_nothing(client: FlaskClient, shop: Shop, other_shop: Shop) -> None:
    link = sent(shop)
    token = link.removeprefix("/u/")
    message_id = int(secrets.verify("unsubscribe", token)[1])
    forged = [
        token[:-1] + ("A" if token[-1] != "A" else "B"),
        token.rpartition(".")[0],
        "x",
        "a.b.c",
        "%00",
        "é",
        secrets.sign("other purpose", shop.id, message_id),
        secrets.sign("unsubscribe", other_shop.id, message_id),
        secrets.sign("unsubscribe", 999_999, message_id),
        secrets.sign("unsubscribe", shop.id, "1 OR 1=1"),
        secrets.sign("unsubscribe", shop.id),
    ]
    answers = {_body(client, f"/u/{each}", method) for each in forged for method in ("GET", "POST")}
    assert len(answers) == 1 and answers.pop()[0] == 404
    assert listed(shop) == [] and listed(other_shop) == []


def _body(client: FlaskClient, path: str, method: str) -> tuple[int, str]:
    answer = client.open(path, method=method)
    return answer.status_code, re.sub(r'nonce="[^"]*"', "", answer.text)


def test_the_page_is_sealed_and_escapes_what_it_shows(client: FlaskClient, shop: Shop) -> None:
    page = client.get(sent(shop, "field:3"))
    assert "Tell me &lt;b&gt;" in page.text
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe-inline" not in policy
    assert page.headers["Referrer-Policy"] == "no-referrer" and page.headers["Cache-Control"] == "no-store"


def test_a_huge_body_is_refused(client: FlaskClient, shop: Shop) -> None:
    assert client.post(sent(shop), data={"scope": "x" * 100_000}).status_code in (200, 413)


@pytest.mark.parametrize(("email", "shown"), [("anna@x.de", "a…a@x.de"), ("a@x.de", "a…a@x.de"), ("", "")])
def test_an_address_is_masked(email: str, shown: str) -> None:
    assert masked(email) == shown
