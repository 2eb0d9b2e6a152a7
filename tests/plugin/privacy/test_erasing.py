"""Erasing a person: nothing that names them is left anywhere, nothing brings them back, and the sums stay."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine, text

from plugin import clock
from plugin.campaigns import operations as campaigns
from plugin.db import engine as db
from plugin.loyalty import operations as loyalty
from plugin.messages import operations as messages
from plugin.messages import sending
from plugin.privacy import completing
from plugin.shops.models import Shop
from plugin.subscriptions import operations as subscriptions
from plugin.sync.drain import drain
from tests import payloads
from tests.plugin.loyalty.ledgers import program, reward
from tests.plugin.mailbox import Sink
from tests.plugin.privacy.canaries import Canary, in_redis, in_tables
from tests.plugin.sync.deliveries import deliver, one, rows

ADA = Canary()
FIELD = {"label": "New filter coffees", "match_kind": "type", "match_value": "filter coffee"}
FIELD |= {"consent_text": "Tell me.", "subject": "New"}


def told(owner: Engine, shop: Shop, *news: tuple[str, Any], at: str = "2026-11-20T12:00:00Z") -> None:
    for topic, body in news:
        deliver(owner, shop, topic, body, at=at)
    drain(shop.id)


def live(owner: Engine, shop: Shop, person: Canary = ADA) -> None:
    """Somebody's whole life in the shop, through every door that keeps something."""
    consent = {"customer_id": person.id, "email_address": person.email}
    consent |= {"email_marketing_consent": {"state": "subscribed", "consent_updated_at": payloads.at(9)}}
    with db.transaction(shop.id) as session:
        if not rows(owner, "programs", shop):
            program(session, shop)
            reward(session, shop)
        automation = campaigns.ensure_default(session, shop)
        campaigns.turn_on(session, shop, automation.id)
    now = clock.machine_now().isoformat()
    told(
        owner,
        shop,
        ("customers/create", person.customer()),
        ("customers_email_marketing_consent/update", consent),
        ("orders/paid", person.order()),
        ("fulfillments/create", person.fulfillment()),
        ("refunds/create", payloads.refund(person.number, person.order_id, note=f"{person.mark} was unhappy")),
        ("checkouts/create", person.checkout(created_at=now, updated_at=now)),
        ("orders/create", b'{"id": "' + person.mark.encode() + b'", "email": "' + person.email.encode() + b'"}'),
    )
    with db.transaction(shop.id) as session:
        field = subscriptions.create_field(session, shop, **FIELD)
        subscriptions.subscribe(session, shop, field.id, customer_id=person.id, words="Tell me.", source="storefront")
        subscriptions.unsubscribe(session, shop, person.email, "all", words="No more.", source="one_click")
        loyalty.adjust(session, shop, person.id, 500, f"for {person.mark}'s birthday", "staff:1", f"b{person.number}")
        context = {"reward_title": person.mark, "code": "X", "points": 1, "value_minor": 100, "currency": "EUR"}
        common = {"kind": "reward", "marketing": False, "email": person.email, "customer_id": person.id}
        context |= {"expires_at": now, "url": "https://x.example", "minimum_minor": None}
        messages.queue(session, shop, key=f"reward:{person.number}", template="reward", context=context, **common)
        later = {"context": {"name": person.mark}, "template": "reward"}
        messages.queue(session, shop, key=f"reward:{person.number}:2", **common | later)


def redact(owner: Engine, shop: Shop, person: Canary = ADA, **changed: Any) -> None:
    deliver(owner, shop, "customers/redact", person.compliance(**changed), at=clock.machine_now().isoformat())
    drain(shop.id)
    completing.complete(shop.id)


def test_nothing_is_left_of_a_person_and_the_sums_stay(
    database: Engine, shop: Shop, other_shop: Shop, sink: Sink, capfd: pytest.CaptureFixture[str]
) -> None:
    live(database, shop)
    live(database, other_shop)
    sending.send_batch(shop.id)
    assert any(ADA.email in str(mail["To"]) for mail in sink.mails)
    planted = in_tables(database, ADA.words)
    assert {"inbox", "customers", "customer_terms", "orders", "fulfillments", "checkouts"} <= planted.keys()
    assert {"messages", "consents", "subscriptions", "suppressions", "enrollments", "point_notes"} <= planted.keys()
    ledger = rows(database, "point_entries", shop), rows(database, "point_accounts", shop)
    revenue = [(row["id"], row["current_total_minor"]) for row in rows(database, "orders", shop)]

    redact(database, shop)

    theirs = {table for table in planted if rows(database, table, shop, order="1")}
    assert left_in(database, shop) == {}, theirs
    assert left_in(database, other_shop) != {}
    assert (rows(database, "point_entries", shop), rows(database, "point_accounts", shop)) == ledger
    assert [(row["id"], row["current_total_minor"]) for row in rows(database, "orders", shop)] == revenue
    customer = one(database, "customers", shop)
    assert (customer["id"], customer["orders_count"], customer["spent_minor"]) == (ADA.id, 1, 2990)
    [request] = rows(database, "privacy_requests", shop)
    assert request["state"] == "done" and request["completed_at"] and len(request["manifest_sha256"]) == 32
    assert request["counts"]["inbox"] >= 7 and request["counts"]["orders"] == 1 and request["contact"] is None
    assert in_redis(ADA.words) == []
    assert [word for word in ADA.words if word in str(capfd.readouterr())] == []


def left_in(owner: Engine, shop: Shop, person: Canary = ADA) -> dict[str, int]:
    """Tables in which rows of this shop still hold the person."""
    found = {}
    for table in in_tables(owner, person.words):
        column = "id" if table == "shops" else "shop_id"
        looks = [f"%{word}%" for word in person.words] + [f"%{word.encode().hex()}%" for word in person.words]
        with owner.connect() as connection:
            query = text(f"SELECT count(*) FROM {table} t WHERE {column} = :shop AND lower(t::text) LIKE ANY (:looks)")
            if count := connection.execute(query, {"shop": shop.id, "looks": looks}).scalar_one():
                found[table] = count
    return found
