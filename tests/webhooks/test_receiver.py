"""What is answered and what is kept. Signatures and bad input have a battery each."""

from __future__ import annotations

import base64
import hashlib
import threading
from typing import Any

import pytest
from sqlalchemy import Engine, text

from plugin.config import config
from plugin.db import engine as db
from plugin.shops.models import Shop
from tests.conftest import OTHER_DOMAIN, SECRET
from tests.webhooks.posting import call, headers, post, signature
from webhooks import receiver as receiving
from webhooks.receiver import BODY_BYTES, Webhooks, is_signed

BODY = b'{"id": 1}'


def rows(owner: Engine, table: str = "inbox") -> list[dict[str, Any]]:
    with owner.connect() as connection:
        return [dict(row) for row in connection.execute(text(f"SELECT * FROM {table} ORDER BY id")).mappings()]


def test_a_signed_webhook_is_a_row_before_it_is_answered(receiver: Webhooks, database: Engine, shop: Shop) -> None:
    assert post(receiver, BODY, "orders/create", id="w-1") == 200
    [row] = rows(database)
    assert (row["shop_id"], row["webhook_id"], row["topic"], row["state"]) == (shop.id, "w-1", "orders/create", "new")
    assert (row["body"], row["event_id"], row["api_version"]) == (BODY, "event-1", "2026-10")
    assert row["triggered_at"].isoformat() == "2026-11-20T10:00:00.123456+00:00"


WRONG = {
    "missing": None,
    "empty": "",
    "of another body": signature(b'{"id": 2}'),
    "of another secret": signature(BODY, "not-the-secret"),
    "cut short": signature(BODY)[:-4],
    "hex instead of base64": hashlib.sha256(BODY).hexdigest(),
    "with junk inside": signature(BODY)[:5] + "\n!" + signature(BODY)[5:],
    "not ASCII": "Ünterschrift=",
    "twice": signature(BODY) * 2,
    "of nothing": base64.b64encode(b"").decode(),
}


@pytest.mark.parametrize("given", WRONG.values(), ids=WRONG)
def test_a_wrong_signature_is_refused_and_leaves_no_row(
    receiver: Webhooks, database: Engine, shop: Shop, given: str | None
) -> None:
    assert post(receiver, BODY, hmac=given) == 401
    assert rows(database) == [] and rows(database, "inbox_strays") == []


def test_the_previous_secret_is_good_during_a_rotation_and_no_longer() -> None:
    signed = signature(BODY, "the-old-one")
    assert is_signed(BODY, signed, [SECRET.encode(), b"the-old-one"])
    assert not is_signed(BODY, signed, [SECRET.encode()])
    assert not is_signed(BODY, signed, [])


def test_only_posts_are_taken_and_the_body_is_read_all_the_same(receiver: Webhooks, shop: Shop) -> None:
    for method in ("GET", "PUT", "DELETE", "HEAD"):
        assert call(receiver, BODY, headers(BODY, "orders/create"), method) == 405


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_over_five_mebibytes_is_too_long_even_when_signed(
    receiver: Webhooks, database: Engine, shop: Shop, chunked: bool
) -> None:
    fits, long = b" " * BODY_BYTES, b" " * (BODY_BYTES + 1)
    assert call(receiver, long, headers(long, "orders/create"), chunked=chunked) == 413
    assert rows(database) == []
    assert call(receiver, fits, headers(fits, "orders/create"), chunked=chunked) == 200


def test_the_same_webhook_thirty_times_at_once_is_one_row(receiver: Webhooks, database: Engine, shop: Shop) -> None:
    answers: list[int] = []
    threads = [threading.Thread(target=lambda: answers.append(post(receiver, BODY, id="again"))) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 30
    assert len(rows(database)) == 1


def test_without_an_id_the_same_news_is_one_row_and_other_topics_are_others(
    receiver: Webhooks, database: Engine, shop: Shop
) -> None:
    for topic in ("orders/create", "orders/create", "orders/paid"):
        assert post(receiver, BODY, topic, id=None) == 200
    assert [row["topic"] for row in rows(database)] == ["orders/create", "orders/paid"]
    assert hashlib.sha256(BODY).hexdigest() in rows(database)[0]["webhook_id"]


def test_the_same_id_of_two_shops_is_two_rows(
    receiver: Webhooks, database: Engine, shop: Shop, other_shop: Shop
) -> None:
    assert post(receiver, BODY, id="w-1") == post(receiver, BODY, id="w-1", shop=OTHER_DOMAIN) == 200
    assert {row["shop_id"] for row in rows(database)} == {shop.id, other_shop.id}


def test_an_unknown_shop_is_kept_as_a_stray(receiver: Webhooks, database: Engine, shop: Shop) -> None:
    assert post(receiver, BODY, id="w-1", shop="Nobody-yet.myshopify.com") == 200
    assert rows(database) == []
    [stray] = rows(database, "inbox_strays")
    assert (stray["domain"], stray["webhook_id"], stray["body"]) == ("nobody-yet.myshopify.com", "w-1", BODY)


@pytest.mark.parametrize("domain", [None, "", "evil-myshopify.com.attacker.tld", "a.myshopify.com\n", "myshopify.com"])
def test_a_shop_that_is_no_shop_is_refused(
    receiver: Webhooks, database: Engine, shop: Shop, domain: str | None
) -> None:
    assert post(receiver, BODY, shop=domain) == 401
    assert rows(database) == [] and rows(database, "inbox_strays") == []


def test_an_unknown_topic_is_kept_and_ignored(receiver: Webhooks, database: Engine, shop: Shop) -> None:
    sent = headers(BODY, "themes/publish", id="a")
    assert call(receiver, BODY, sent) == 200
    without = {name: value for name, value in sent.items() if name != "X-Shopify-Topic"} | {"X-Shopify-Webhook-Id": "b"}
    assert call(receiver, BODY, without) == 200
    # A topic of our own making must not come in from outside.
    assert post(receiver, BODY, "fetched/orders", id="c") == 200
    assert [row["state"] for row in rows(database)] == ["ignored"] * 3


def test_headers_of_any_size_and_alphabet_are_no_trouble(receiver: Webhooks, database: Engine, shop: Shop) -> None:
    assert post(receiver, BODY, "x" * 9000, id="é" * 9000, event="\x80", at="yesterday") == 200
    [row] = rows(database)
    assert (len(row["topic"]), len(row["webhook_id"]), row["triggered_at"]) == (200, 200, None)


def test_bytes_are_kept_as_they_came(receiver: Webhooks, database: Engine, shop: Shop) -> None:
    bodies = [b"", b"\x00\xff not json", b'{"note": "\\u0000"}', bytes(range(256)) * 50]
    for number, body in enumerate(bodies):
        assert post(receiver, body, id=str(number)) == 200
    assert [row["body"] for row in rows(database)] == bodies


def test_without_a_database_the_store_is_asked_to_retry(services: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    config.cache_clear()
    try:
        assert post(Webhooks(lambda *_: []), BODY) == 503
    finally:
        monkeypatch.undo()
        config.cache_clear()


def test_a_writer_that_takes_too_long_means_retry(
    receiver: Webhooks, database: Engine, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert post(receiver, BODY, id="first") == 200
    monkeypatch.setattr(receiving, "WAIT_SECONDS", 0.2)
    with database.begin() as blocking:
        blocking.execute(text("LOCK TABLE inbox IN ACCESS EXCLUSIVE MODE"))
        assert post(receiver, BODY, id="second") == 503
    monkeypatch.undo()
    assert post(receiver, BODY, id="second") == 200


def test_a_connection_cut_while_idle_is_made_anew(receiver: Webhooks, database: Engine, shop: Shop) -> None:
    assert post(receiver, BODY, id="before") == 200
    with db.engine().connect() as connection:
        connection.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'webhooks'")
        )
    assert post(receiver, BODY, id="after") == 200
    assert {row["webhook_id"] for row in rows(database)} == {"before", "after"}


def test_everything_else_goes_to_the_app_behind(receiver: Webhooks) -> None:
    seen: list[str] = []
    list(receiver({"PATH_INFO": "/healthz"}, lambda status, _: seen.append(status)))
    assert seen == ["404 Not Found"]
