"""Deliveries: signed, retried, and as unreliable as the switches want them."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest

from plugin.sandbox import customers
from plugin.sandbox.app_records import Faults
from plugin.sandbox.runtime import Sandbox, start, stop
from plugin.sandbox.wire.signing import webhook_signature
from tests.plugin.sandbox.conftest import SECRET, Listener, buy, customer, fill, install, make_settings, make_store


def tag(store: Sandbox, *tags: str) -> None:
    """Two webhooks: customer.tags_added and customers/update."""
    customers.add_tags(store.world, customer(store.world).id, list(tags))


def switch(store: Sandbox, faults: Faults) -> None:
    with store.world.change():
        store.world.faults_records.keep(faults)


def settle(store: Sandbox) -> None:
    """Wait until nothing is queued; retries included."""
    until = time.monotonic() + 30
    while store.courier.waiting() and time.monotonic() < until:
        time.sleep(0.01)


def test_a_delivery_has_the_documented_headers(live: Sandbox, listener: Listener) -> None:
    tag(live, "gold")
    assert live.courier.flush() == 0
    first, second = listener.received
    headers = first.headers
    assert first.path == "/webhooks"
    assert headers["X-Shopify-Hmac-Sha256"] == webhook_signature(first.body, SECRET)
    assert headers["X-Shopify-Shop-Domain"] == "regulars-roasters.myshopify.com"
    assert headers["X-Shopify-API-Version"] == live.declaration.api_version
    assert headers["X-Shopify-Triggered-At"].endswith("Z")
    assert headers["X-Shopify-Event-Id"] == second.headers["X-Shopify-Event-Id"]
    assert headers["X-Shopify-Webhook-Id"] != second.headers["X-Shopify-Webhook-Id"]
    assert sorted(listener.topics()) == ["customer.tags_added", "customers/update"]


def test_bodies_are_utf8_and_stamped_with_business_time(live: Sandbox, listener: Listener) -> None:
    live.world.advance(86_400 * 30)
    customers.save_customer(live.world, customer(live.world).id, first_name="Zoë")
    live.courier.flush()
    body = listener.bodies("customers/update")[0]
    assert "Zoë".encode() in body
    assert json.loads(body)["updated_at"][:10] == live.world.now().date().isoformat()


def test_failures_are_tried_again_with_the_same_id_and_body(live: Sandbox, listener: Listener) -> None:
    listener.answers = [lambda: 500, lambda: 302, lambda: 404, lambda: 503]
    tag(live, "gold")
    settle(live)
    assert len(listener.received) == 6
    ids = {(one.headers["X-Shopify-Webhook-Id"], one.body) for one in listener.received}
    assert len(ids) == 2
    assert {one.state for one in live.world.deliveries} == {"delivered"}


def test_after_eight_more_tries_a_delivery_is_given_up(live: Sandbox, listener: Listener) -> None:
    listener.answers = [lambda: 500] * 40
    tag(live, "gold")
    settle(live)
    assert [(one.state, len(one.attempts)) for one in live.world.deliveries] == [("failed", 9)] * 2


def test_an_answer_that_takes_too_long_is_a_failure(tmp_path: Path, listener: Listener) -> None:
    gate = threading.Event()
    listener.answers = [lambda: gate.wait(30) and 200]
    hasty = make_store(make_settings(tmp_path, app_url=listener.url, answer_seconds=0.2, retry_seconds=(0.1,) * 8))
    fill(hasty.world)
    install(hasty)
    start(hasty)
    tag(hasty, "gold")
    settle(hasty)
    gate.set()
    attempts = [attempt for one in hasty.world.deliveries for attempt in one.attempts]
    assert ("ReadTimeout", 0) in {(attempt.error, attempt.status) for attempt in attempts}
    assert {one.state for one in hasty.world.deliveries} == {"delivered"}
    stop(hasty)


def test_an_app_that_is_away_gets_everything_when_it_is_back(tmp_path: Path, listener: Listener) -> None:
    away = make_store(make_settings(tmp_path, retry_seconds=(60.0,) * 8))
    fill(away.world)
    install(away)
    start(away)
    tag(away, "gold")
    stop(away)
    back = make_store(make_settings(tmp_path, app_url=listener.url))
    start(back)
    settle(back)
    assert len(listener.received) == 2
    stop(back)


def test_flush_does_not_wait_for_pauses_between_tries(live: Sandbox, listener: Listener) -> None:
    switch(live, Faults(delay_seconds=600))
    tag(live, "gold")
    assert listener.received == []
    assert live.courier.flush() == 0
    assert len(listener.received) == 2


def test_dropped_webhooks_never_arrive_and_are_listed(live: Sandbox, listener: Listener) -> None:
    switch(live, Faults(drop=1.0))
    tag(live, "gold")
    assert live.courier.flush() == 0
    assert listener.received == []
    assert {one.state for one in live.world.deliveries} == {"dropped"}


def test_duplicates_have_the_same_id(live: Sandbox, listener: Listener) -> None:
    switch(live, Faults(duplicate=1.0))
    tag(live, "gold")
    live.courier.flush()
    ids = [one.headers["X-Shopify-Webhook-Id"] for one in listener.received]
    assert (len(ids), len(set(ids))) == (4, 2)


def test_shuffled_webhooks_arrive_in_another_order(live: Sandbox, listener: Listener) -> None:
    switch(live, Faults(shuffle=True))
    for number in range(8):
        tag(live, f"tag {number}")
    settle(live)
    triggered = [one.headers["X-Shopify-Triggered-At"] for one in listener.received]
    assert len(triggered) == 16
    assert triggered != sorted(triggered)


def test_sending_does_not_hold_up_the_shop(live: Sandbox, listener: Listener) -> None:
    gate = threading.Event()
    listener.answers = [lambda: gate.wait(5) and 200] * 6
    buy(live.world, 1)
    assert {one.state for one in live.world.deliveries} == {"pending"}
    gate.set()
    settle(live)
    assert {one.state for one in live.world.deliveries} == {"delivered"}


@pytest.mark.parametrize("topic", ["orders/create", "orders/updated", "refunds/create"])
def test_every_queued_topic_is_declared(store: Sandbox, topic: str) -> None:
    assert topic in store.world.subscriptions
