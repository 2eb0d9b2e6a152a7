"""The door for events: who may, what is refused and how it is said, and that replays count once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from redis import Redis
from sqlalchemy import Engine, text
from werkzeug.test import TestResponse

from plugin.config import config
from plugin.db import engine as db
from plugin.loyalty.acting import tokens
from plugin.loyalty.acting.terms import Way
from plugin.loyalty.tasks import settle_due
from plugin.shops import queries as shops
from plugin.shops.models import Shop
from plugin.storefront.events import A_MINUTE, api
from tests.plugin.loyalty.acting.deeds import launch, person
from tests.plugin.loyalty.ledgers import account

REVIEW = {"customer": "ann@example.com", "event": "review", "id": "r-1"}


@pytest.fixture
def app() -> Flask:
    Redis.from_url(config().redis_url).flushdb()
    app = Flask(__name__)
    app.register_blueprint(api)
    return app


def opened(shop: Shop) -> str:
    with db.transaction(shop.id) as session:
        mine = shops.shop(session)
        launch(session, mine, Way(1, "event", 50, name="review", most_times=3))
        person(session, mine, 7, email="ann@example.com")
        return tokens.make(session, mine, "staff:1")


@pytest.fixture
def token(shop: Shop) -> Iterator[str]:
    yield opened(shop)


def send(app: Flask, token: str, body: Any = REVIEW, **how: Any) -> TestResponse:
    sent = how or {"json": body}
    return app.test_client().post("/api/v1/events", headers={"Authorization": f"Bearer {token}"}, **sent)


def balance(shop: Shop) -> int:
    settle_due()
    with db.transaction(shop.id) as session:
        return account(session, shops.shop(session), 7)[0]


def test_an_event_gives_points_once_however_often_it_is_sent(app: Flask, shop: Shop, token: str) -> None:
    for body in (REVIEW, REVIEW, REVIEW | {"customer": 7}, REVIEW | {"customer": "gid://shopify/Customer/7"}):
        answer = send(app, token, body)
        assert (answer.status_code, answer.json) == (202, {"id": "r-1", "status": "accepted"})
    assert balance(shop) == 50


def test_at_once_from_many_sides_the_cap_holds(app: Flask, shop: Shop, token: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: send(app, token, REVIEW | {"id": f"r-{n % 12}"}), range(24)))
        list(pool.map(lambda _: settle_due(), range(4)))
    assert balance(shop) == 150


def test_the_answer_does_not_tell_whether_somebody_exists(app: Flask, shop: Shop, token: str) -> None:
    known, unknown = (send(app, token, REVIEW | {"customer": who}) for who in ("ann@example.com", "nobody@example.com"))
    assert (known.status_code, known.data) == (unknown.status_code, unknown.data)
    assert send(app, token, REVIEW | {"customer": 404, "id": "r-2"}).status_code == 202


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "customer"),
        (REVIEW | {"customer": True}, "customer"),
        (REVIEW | {"customer": "ann"}, "customer"),
        (REVIEW | {"customer": 2**63}, "customer"),
        (REVIEW | {"event": "Review!"}, "event"),
        (REVIEW | {"event": "survey"}, "event"),
        (REVIEW | {"id": "a:b"}, "id"),
        (REVIEW | {"id": 5}, "id"),
        (REVIEW | {"occurred_at": "yesterday"}, "occurred_at"),
        (REVIEW | {"occurred_at": "2026-03-02T12:00:00"}, "occurred_at"),
        (REVIEW | {"occurred_at": "2999-03-02T12:00:00Z"}, "occurred_at"),
        (REVIEW | {"points": 9000}, "points"),
        ([], ""),
    ],
)
def test_a_wrong_body_is_told_at_its_field(app: Flask, shop: Shop, token: str, body: Any, field: str) -> None:
    answer = send(app, token, body)
    assert answer.status_code == 422
    assert answer.json["error"]["field"] == field and answer.json["error"]["reason"].endswith(".")
    assert balance(shop) == 0


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"[" * 9_000, b" " * 10_001])
def test_what_is_no_json_is_told(app: Flask, token: str, data: bytes) -> None:
    assert send(app, token, data=data, content_type="application/json").status_code == 422


def test_nobody_else_s_token_opens(app: Flask, shop: Shop, other_shop: Shop, token: str) -> None:
    theirs = opened(other_shop)
    forged = token.replace(f"rgl_{shop.id}_", f"rgl_{other_shop.id}_")
    nowhere = token.replace(f"rgl_{shop.id}_", "rgl_999999_")
    for wrong in ("", "x", forged, nowhere, token[:-1] + ("A" if token[-1] != "A" else "B")):
        answer = send(app, wrong)
        assert (answer.status_code, answer.json["error"]["field"]) == (401, "Authorization")
    assert send(app, theirs).status_code == 202
    assert (balance(shop), balance(other_shop)) == (0, 50)


def test_a_new_token_leaves_the_former_a_day(app: Flask, shop: Shop, token: str, database: Engine) -> None:
    with db.transaction(shop.id) as session:
        new = tokens.make(session, shops.shop(session), "staff:1")
    assert [send(app, each).status_code for each in (token, new)] == [202, 202]
    with database.begin() as connection:
        connection.execute(text("UPDATE api_tokens SET ends_at = now() WHERE ends_at IS NOT NULL"))
        kept = connection.execute(text("SELECT string_agg(t::text, '') FROM api_tokens t")).scalar_one()
    assert new not in kept and token not in kept
    assert [send(app, each).status_code for each in (token, new)] == [401, 202]
    with db.transaction(shop.id) as session:
        tokens.end(session, shops.shop(session), "staff:1")
    assert send(app, new).status_code == 401


def test_a_flood_is_asked_to_wait(app: Flask, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plugin.storefront.events.A_MINUTE", 3)
    assert A_MINUTE == 600
    answers = [send(app, token, REVIEW | {"id": f"r-{number}"}) for number in range(5)]
    assert [answer.status_code for answer in answers] == [202] * 3 + [429] * 2
    assert answers[-1].headers["Retry-After"] == "60"
