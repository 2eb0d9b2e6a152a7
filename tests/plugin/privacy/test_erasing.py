"""Erasing a person: nothing that names them is left anywhere, nothing brings them back, and the sums stay."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import Engine, text

from plugin import clock
from plugin.campaigns import operations as campaigns
from plugin.db import engine as db
from plugin.errors import Invalid
from plugin.loyalty import operations as loyalty
from plugin.messages import operations as messages
from plugin.messages import sending
from plugin.privacy import completing
from plugin.shops.models import Shop
from plugin.subscriptions import operations as subscriptions
from plugin.sync.drain import drain
from tests import payloads
from tests.conftest import forget_settings
from tests.plugin.loyalty.ledgers import program, reward
from tests.plugin.mailbox import Sink
from tests.plugin.privacy.canaries import Canary, in_redis, in_tables
from tests.plugin.sync.deliveries import deliver, one, rows

ADA = Canary()
FIELD = {"label": "New filter coffees", "match_kind": "type", "match_value": "filter coffee"}
FIELD |= {"consent_text": "Tell me.", "subject": "New"}


def told(owner: Engine, shop: Shop, *news: tuple[str, Any], at: str = "2026-11-20T12:00:00Z") -> None:
    for topic, body in news:
        # The very same bytes under another shop's name would be a replay, and set aside.
        mine = body | {"told_to": shop.id} if isinstance(body, dict) else body
        deliver(owner, shop, topic, mine, at=at)
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


def fetched_customer(person: Canary) -> dict[str, Any]:
    """The store's answer to a question that was on its way."""
    address = {"city": f"{person.mark}city", "countryCodeV2": "DE"}
    return {
        "id": f"gid://shopify/Customer/{person.id}",
        "firstName": f"{person.mark}first",
        "lastName": f"{person.mark}last",
        "defaultEmailAddress": {"emailAddress": person.email, "marketingState": "SUBSCRIBED"},
        "defaultPhoneNumber": {"phoneNumber": person.phone},
        "locale": "de",
        "tags": [f"{person.mark}tag"],
        "state": "ENABLED",
        "defaultAddress": address,
        "createdAt": person.created_at,
        "updatedAt": payloads.at(23, 29),
    }


def late_news(person: Canary) -> list[tuple[str, Any]]:
    """Everything the store may still say about somebody, newer than what was erased."""
    later = payloads.at(23, 29)
    consent = {"state": "subscribed", "consent_updated_at": later}
    return [
        ("customers/update", person.customer(updated_at=later)),
        ("customers/create", person.customer(updated_at=later)),
        ("customer.tags_added", {"customerId": f"gid://shopify/Customer/{person.id}", "tags": [f"{person.mark}tag"]}),
        (
            "customers_email_marketing_consent/update",
            {"customer_id": person.id, "email_address": person.email, "email_marketing_consent": consent},
        ),
        ("orders/updated", person.order(updated_at=later)),
        ("orders/create", person.order(person.order_id + 1, created_at=later, updated_at=later)),
        ("orders/create", person.order(person.order_id + 2, guest=True)),
        ("fulfillments/update", person.fulfillment(updated_at=later)),
        ("fulfillments/create", person.fulfillment(3002, person.order_id + 1)),
        ("checkouts/update", person.checkout(updated_at=later)),
        ("checkouts/create", person.checkout("another", created_at=later, updated_at=later)),
        ("checkouts/create", person.checkout("a-guests", guest=True)),
        ("fetched/customers", fetched_customer(person)),
    ]


@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "one by one"])
def test_late_news_bring_nobody_back_and_their_amounts_count(
    database: Engine, shop: Shop, other_shop: Shop, together: bool
) -> None:
    live(database, shop)
    live(database, other_shop)
    redact(database, shop)
    if together:
        told(database, shop, *late_news(ADA), at=payloads.at(23, 29))
    else:
        for news in late_news(ADA):
            told(database, shop, news, at=payloads.at(23, 29))
    assert left_in(database, shop) == {}
    assert [row["state"] for row in rows(database, "inbox", shop) if row["state"] != "done"] == ["ignored"]
    orders = {row["id"]: row for row in rows(database, "orders", shop)}
    assert orders.keys() == {ADA.order_id, ADA.order_id + 1, ADA.order_id + 2}
    assert {row["current_total_minor"] for row in orders.values()} == {2990}
    assert [row["customer_id"] for row in orders.values()] == [ADA.id, ADA.id, None]
    earned = [row["points"] for row in rows(database, "point_entries", shop) if row["kind"] == "earn"]
    assert len(earned) == 2
    fetches = [row["key"] for row in rows(database, "outbox", shop) if row["state"] == "pending"]
    assert f"customers:{ADA.id}" not in fetches or not rows(database, "customers", shop)[0]["email"]
    assert {"customers", "orders", "inbox"} <= left_in(database, other_shop).keys()


def test_who_comes_back_under_a_new_id_is_a_new_person_whose_no_still_counts(
    database: Engine, shop: Shop, sink: Sink
) -> None:
    live(database, shop)
    redact(database, shop)
    later = clock.machine_now().isoformat()
    again = ADA.customer(id=42, created_at=later, updated_at=later, email_marketing_consent=None)
    cart = ADA.checkout("new-cart", created_at=later, updated_at=later, customer={"id": 42, "email": ADA.email})
    told(database, shop, ("customers/create", again), ("checkouts/create", cart), at=later)
    new = next(row for row in rows(database, "customers", shop) if row["id"] == 42)
    assert (new["email"], new["first_name"], new["deleted_at"]) == (ADA.email, "zqcanaryfirst", None)
    assert next(row for row in rows(database, "checkouts", shop) if row["token"] == "new-cart")["email"] == ADA.email
    with db.transaction(shop.id) as session:
        mail = {"kind": "test", "email": ADA.email, "customer_id": 42, "template": "reward", "context": {}}
        messages.queue(session, shop, key="marketing", marketing=True, **mail)
    sending.send_batch(shop.id)
    skipped = next(row for row in rows(database, "messages", shop) if row["key"] == "marketing")
    assert (skipped["state"], skipped["reason"]) == ("skipped", "unsubscribed") and not sink.mails
    with db.transaction(shop.id) as session:
        messages.grant(session, shop, ADA.email, "all", words="Yes again.", source="storefront", customer_id=42)
    assert rows(database, "suppressions", shop) == []

    redact(database, shop)  # the old id's request once more: the new person is somebody else
    assert next(row for row in rows(database, "customers", shop) if row["id"] == 42)["email"] == ADA.email


def test_without_the_key_of_the_addresses_ids_stay_erased(
    database: Engine, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    live(database, shop)
    redact(database, shop)
    monkeypatch.setenv("ENCRYPTION_KEYS", Fernet.generate_key().decode())
    forget_settings()
    told(database, shop, ("customers/update", ADA.customer(updated_at=payloads.at(23, 29))))
    assert left_in(database, shop) == {}
    redact(database, shop, customer={"id": 7}, orders_to_redact=[])
    assert {row["state"] for row in rows(database, "privacy_requests", shop)} == {"done"}
    monkeypatch.undo()
    forget_settings()


def test_a_wish_under_an_erased_id_is_a_strangers(database: Engine, shop: Shop) -> None:
    live(database, shop)
    redact(database, shop)
    with db.transaction(shop.id) as session:
        field = subscriptions.create_field(session, shop, **FIELD)
        wish = {"customer_id": ADA.id, "words": "Tell me.", "source": "storefront"}
        with pytest.raises(Invalid):
            subscriptions.subscribe(session, shop, field.id, **wish)
        subscriptions.subscribe(session, shop, field.id, email="new@example.com", **wish)
    assert [row["customer_id"] for row in rows(database, "subscriptions", shop)] == [ADA.id, None]


def test_somebody_without_a_record_is_erased_by_address(database: Engine, shop: Shop) -> None:
    told(
        database,
        shop,
        ("orders/create", ADA.order(guest=True)),
        ("checkouts/create", ADA.checkout(guest=True)),
        ("customers/create", payloads.customer()),
    )
    redact(database, shop, customer={"email": ADA.email.upper(), "phone": ADA.phone}, orders_to_redact=[])
    assert left_in(database, shop) == {}
    assert one(database, "customers", shop)["email"] == "person501@example.com"
    told(database, shop, ("orders/updated", ADA.order(guest=True, updated_at=payloads.at(23, 29))))
    assert left_in(database, shop) == {} and one(database, "orders", shop)["current_total_minor"] == 2990


@pytest.mark.parametrize(
    "body",
    [
        b'{"id": 1, "email": "ZQcanary.mail@example.com", "line_items": 7}',
        b'{"id": "nonsense", "contact": "zqcanary.mail\\u0040example.com"}',
        b'{"id": null, "customer": {"id": 7700000501, "first_name": "Zqcanaryfirst"}}',
    ],
    ids=["by address", "by an address in escapes", "by number"],
)
def test_what_cannot_be_read_is_not_kept_either(database: Engine, shop: Shop, body: bytes) -> None:
    told(database, shop, ("customers/create", ADA.customer()))
    redact(database, shop)
    told(database, shop, ("orders/create", body), ("orders/create", b'{"id": "somebody else\'s"}'))
    assert {row["state"] for row in rows(database, "inbox", shop)} == {"done", "ignored", "failed"}
    assert left_in(database, shop) == {}


def test_a_mail_that_is_being_sent_ends_and_leaves_nothing(database: Engine, shop: Shop) -> None:
    live(database, shop)
    with database.begin() as connection:
        connection.execute(text("UPDATE messages SET state = 'sending', lease = gen_random_uuid(), html = email"))
    redact(database, shop)
    assert {(row["state"], row["reason"], row["lease"]) for row in rows(database, "messages", shop)} == {
        ("unknown", "erased", None)
    }
    assert left_in(database, shop) == {}


def test_what_waits_in_the_inbox_is_applied_first_and_emptied_then(database: Engine, shop: Shop) -> None:
    told(database, shop, ("customers/create", ADA.customer()))
    held = deliver(database, shop, "orders/create", ADA.order())
    put_off = "UPDATE inbox SET next_attempt_at = clock_timestamp() + interval '1 hour' WHERE webhook_id = :id"
    with database.begin() as connection:
        connection.execute(text(put_off), {"id": held})
    redact(database, shop)
    assert one(database, "privacy_requests", shop)["state"] == "reading"
    with database.begin() as connection:
        connection.execute(text("UPDATE inbox SET next_attempt_at = NULL"))
    drain(shop.id)
    completing.complete_due()
    assert one(database, "privacy_requests", shop)["state"] == "done" and left_in(database, shop) == {}
    assert one(database, "orders", shop)["current_total_minor"] == 2990


def test_a_worker_that_dies_between_two_steps_is_followed_by_another(
    database: Engine, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    from plugin.privacy import erasing

    live(database, shop)
    monkeypatch.setattr("plugin.sync.erasing.CHUNK_ROWS", 2)
    steps = {"left": 2}
    whole = erasing._empty_bodies

    def dying(*arguments: int) -> tuple[bool, bool]:
        steps["left"] -= 1
        if steps["left"] < 0:
            raise KeyboardInterrupt
        return whole(*arguments)

    monkeypatch.setattr(erasing, "_empty_bodies", dying)
    with pytest.raises(KeyboardInterrupt):
        redact(database, shop)
    [request] = rows(database, "privacy_requests", shop)
    assert request["state"] == "reading" and request["read_to"]
    monkeypatch.setattr(erasing, "_empty_bodies", whole)
    completing.complete(shop.id)
    assert left_in(database, shop) == {} and one(database, "privacy_requests", shop)["state"] == "done"
    before = one(database, "privacy_requests", shop)
    completing.complete(shop.id)
    assert one(database, "privacy_requests", shop) == before


def test_a_merge_that_is_told_late_erases_who_was_merged(database: Engine, shop: Shop) -> None:
    live(database, shop)
    former = Canary("zqformer", 7800)
    live(database, shop, former)
    redact(database, shop)
    merge = {
        "admin_graphql_api_customer_kept_id": f"gid://shopify/Customer/{ADA.id}",
        "admin_graphql_api_customer_deleted_id": f"gid://shopify/Customer/{former.id}",
        "status": "completed",
    }
    told(database, shop, ("customers/merge", merge))
    completing.complete(shop.id)
    assert left_in(database, shop) == {} and left_in(database, shop, former) == {}
