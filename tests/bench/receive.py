"""receive: signed 5 KB order webhooks a second, durable, 32 connections, next to an empty Flask route."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable

from plugin.shops.models import Shop
from tests.bench import bodies, load
from tests.bench.figures import Figure, of_rounds
from tests.bench.house import SECRET, House, make_shop
from tests.bench.processes import web

CONNECTIONS = 32
ROUNDS = 5
SECONDS = 3.0
GOAL = 0.7


def run(house: House) -> Figure:
    shop = make_shop(house, 1)
    body = bodies.order(1, 1)
    answered = 0
    with web("tests.bench.apps:empty") as (empty, _), web("app:wsgi") as (ours, _):
        for port in (empty, ours):
            load.run(port, requests(body, shop, "warm"), CONNECTIONS, 1.0)
        rounds, times = [], []
        for number in range(ROUNDS):
            baseline, _ = load.run(empty, requests(body, shop, "base"), CONNECTIONS, SECONDS)
            rate, told = load.run(ours, requests(body, shop, f"round {number} "), CONNECTIONS, SECONDS)
            assert set(told.statuses) == {b"200"}, told.statuses
            rounds.append((rate, baseline))
            answered += told.statuses[b"200"]
            times += told.times
    with house.owner() as owner:
        kept = owner.execute("SELECT count(*) FROM inbox WHERE webhook_id LIKE 'round%'").fetchone()
        assert kept and kept[0] == answered, f"{answered} were answered 200, {kept} rows are there"
        owner.execute("TRUNCATE inbox")
    detail = {
        "unit": "webhooks/s",
        "bytes": len(body),
        "p99_ms": round(sorted(times)[int(len(times) * 0.99)] * 1000, 1),
    }
    return of_rounds("receive", rounds, GOAL, detail=detail | {"rows_equal_answers": answered})


def requests(body: bytes, shop: Shop, prefix: str) -> Callable[[int], bytes]:
    """The n-th request: everything but its webhook id is made beforehand."""
    signed = base64.b64encode(hmac.digest(SECRET.encode(), body, hashlib.sha256)).decode()
    head = (
        "POST /webhooks HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"X-Shopify-Topic: orders/create\r\nX-Shopify-Shop-Domain: {shop.domain}\r\n"
        f"X-Shopify-Hmac-Sha256: {signed}\r\nX-Shopify-API-Version: 2026-10\r\nX-Shopify-Event-Id: e\r\n"
        f"X-Shopify-Triggered-At: 2026-11-20T10:00:00.123456789Z\r\nContent-Length: {len(body)}\r\n"
        f"X-Shopify-Webhook-Id: {prefix}"
    ).encode()
    rest = b"\r\n\r\n" + body
    return lambda number: head + b"%d" % number + rest
