"""The app proxy believes the signature and nothing else."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from sqlalchemy import Engine, text

from plugin.shops.models import Shop
from tests.conftest import OTHER_DOMAIN
from tests.plugin.storefront.conftest import Query, Shopper, signature

PATHS = ("/loyalty", "/program", "/subscriptions?product_id=1", "/points", "/loyalty/redemptions/1")


def status(shopper: Shopper, query: Query) -> int:
    return shopper.client.get(shopper.address("/loyalty", query)).status_code


def forged(shopper: Shopper, query: Query, given: Query) -> int:
    """A request with the signature of `query` and the parameters of `given`."""
    address = f"/proxy/loyalty?{urlencode([*given, ('signature', signature(query))])}"
    return shopper.client.get(address).status_code


def changed(query: Query, **to: str) -> Query:
    return list((dict(query) | to).items())


def test_a_signed_request_is_answered_and_never_kept(alice: Shopper, reward_id: int) -> None:
    answer = alice.get("/loyalty")
    assert answer.status_code == 200 and answer.headers["Cache-Control"] == "no-store"
    assert answer.get_json()["customer"]["available"] == 200


def test_parameters_may_come_in_any_order_and_repeat(alice: Shopper) -> None:
    query = [*reversed(alice.query()), ("extra", "1"), ("extra", "2")]
    assert status(alice, query) == 200


@pytest.mark.parametrize(
    "to",
    [
        {"logged_in_customer_id": "8"},
        {"logged_in_customer_id": ""},
        {"shop": OTHER_DOMAIN},
        {"timestamp": "1"},
        {"path_prefix": "/apps/other"},
        {"added": "1"},
    ],
)
def test_whoever_changes_a_signed_word_gets_401(
    alice: Shopper, reward_id: int, other_shop: Shop, to: dict[str, str]
) -> None:
    query = alice.query()
    assert forged(alice, query, changed(query, **to)) == 401


@pytest.mark.parametrize("name", ["shop", "timestamp", "logged_in_customer_id", "path_prefix"])
def test_a_missing_or_repeated_word_gets_401(alice: Shopper, name: str) -> None:
    query = alice.query()
    without = [pair for pair in query if pair[0] != name]
    assert forged(alice, query, without) == 401
    assert forged(alice, query, [*query, (name, "7")]) == 401
    assert status(alice, [*query, (name, dict(query)[name])]) == 401


@pytest.mark.parametrize("wrong", ["", "0" * 64, "ünicode", "a"])
def test_a_wrong_signature_gets_401(alice: Shopper, wrong: str) -> None:
    assert alice.client.get(f"/proxy/loyalty?{urlencode([*alice.query(), ('signature', wrong)])}").status_code == 401
    assert alice.client.get("/proxy/loyalty").status_code == 401


def test_a_signature_of_another_secret_gets_401(alice: Shopper) -> None:
    query = alice.query()
    made = signature(query, "another-secret")
    assert alice.client.get(f"/proxy/loyalty?{urlencode([*query, ('signature', made)])}").status_code == 401


@pytest.mark.parametrize(("seconds", "expected"), [(-80, 200), (-100, 401), (80, 200), (100, 401)])
def test_a_signature_lives_ninety_seconds(alice: Shopper, seconds: int, expected: int) -> None:
    query = alice.query()
    stamp = str(int(dict(query)["timestamp"]) + seconds)
    assert status(alice, changed(query, timestamp=stamp)) == expected


@pytest.mark.parametrize("wrong", ["soon", "１２３", "-1", "9" * 30])
def test_a_time_that_is_none_gets_401(alice: Shopper, wrong: str) -> None:
    assert status(alice, changed(alice.query(), timestamp=wrong)) == 401


@pytest.mark.parametrize("wrong", ["0", "-7", "7 ", "1e3", "x", "9" * 25])
def test_a_signed_customer_that_is_none_gets_401(alice: Shopper, wrong: str) -> None:
    assert status(alice, changed(alice.query(), logged_in_customer_id=wrong)) == 401


@pytest.mark.parametrize("path", PATHS)
def test_a_store_without_the_app_gets_401_everywhere(database: Engine, alice: Shopper, shop: Shop, path: str) -> None:
    with database.begin() as connection:
        connection.execute(text("UPDATE shops SET uninstalled_at = clock_timestamp()"))
    assert alice.get(path.partition("?")[0]).status_code == 401
    assert Shopper(alice.client, 7, "unknown.myshopify.com").get(path.partition("?")[0]).status_code == 401
    assert Shopper(alice.client, 7, "evil.example.com").get(path.partition("?")[0]).status_code == 401


def test_the_same_customer_id_in_another_shop_is_somebody_else(
    alice: Shopper, reward_id: int, other_shop: Shop
) -> None:
    theirs = Shopper(alice.client, 7, OTHER_DOMAIN).get("/loyalty").get_json()
    assert theirs["program"] is None and theirs["rewards"] == [] and theirs["customer"]["available"] == 0


def test_the_public_side_of_the_program_may_be_kept_for_a_minute(nobody: Shopper, reward_id: int) -> None:
    answer = nobody.get("/program")
    assert answer.headers["Cache-Control"] == "public, max-age=60"
    assert answer.get_json()["program"]["earn"] == [3, 100]


def test_an_unknown_address_says_so_in_the_same_shape(nobody: Shopper) -> None:
    assert nobody.get("/nothing").status_code == 404
