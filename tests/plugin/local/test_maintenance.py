"""Commands that look after an installation: which settings they take, and what `inbox replay` says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from plugin.local import cli, running
from plugin.local.errors import LocalError
from plugin.shops.models import Shop

DEMO = {
    "urls": {"app": "http://127.0.0.1:9755"},
    "database_url": "postgresql://app@127.0.0.1:9758/regulars",
    "admin_database_url": "postgresql://owner@127.0.0.1:9758/regulars",
    "redis_url": "redis://127.0.0.1:9759/0",
}
SECRETS = {"client_id": "id", "client_secret": "secret", "encryption_key": "key"}
BODY = b'{"id": 1}'


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder in which a demo says that it runs."""
    (tmp_path / "demo.json").write_text(json.dumps(DEMO))
    (tmp_path / "secrets.json").write_text(json.dumps(SECRETS))
    return tmp_path


def test_settings_that_are_there_stand(home: Path) -> None:
    settings = {"DATABASE_URL": "postgresql://elsewhere", "REGULARS_HOME": str(home)}
    running.settle(settings)
    assert settings == {"DATABASE_URL": "postgresql://elsewhere", "REGULARS_HOME": str(home)}


def test_without_settings_those_of_the_running_demo_are_taken(home: Path) -> None:
    settings = {"REGULARS_HOME": str(home)}
    running.settle(settings)
    assert settings["DATABASE_URL"] == DEMO["database_url"] and settings["REDIS_URL"] == DEMO["redis_url"]
    assert (settings["ENCRYPTION_KEYS"], settings["SHOPIFY_API_SECRET"]) == ("key", "secret")
    assert settings["REGULARS_SANDBOX"] == "1" and settings["PLATFORM_STORE_URL"] == "http://127.0.0.1:9756"


def test_without_settings_and_without_a_demo_one_sentence_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match=r"DATABASE_URL is not set and no demo runs in .*REGULARS_HOME"):
        running.settle({"REGULARS_HOME": str(tmp_path)})


def put(database: Engine, shop: Shop, number: int, state: str, body: bytes = BODY) -> None:
    row = """
        INSERT INTO inbox (shop_id, webhook_id, id, topic, state, error, attempts, body, done_at)
        VALUES (:shop, :name, :id, 'orders/paid', :state, 'no', 8, :body, clock_timestamp())
    """
    with database.begin() as connection:
        name = f"w{number}"
        connection.execute(text(row), {"shop": shop.id, "name": name, "id": number, "state": state, "body": body})


def rows(database: Engine) -> list[tuple[int, int, str, int]]:
    with database.connect() as connection:
        query = "SELECT shop_id, id, state, attempts FROM inbox ORDER BY shop_id, id"
        return [(shop, id, state, attempts) for shop, id, state, attempts in connection.execute(text(query))]


@pytest.mark.parametrize("state", ["done", "ignored", "failed", "quarantined", "new"])
def test_a_webhook_is_put_in_line_again_whatever_became_of_it(
    shop: Shop, other_shop: Shop, database: Engine, state: str, capsys: pytest.CaptureFixture[str]
) -> None:
    put(database, shop, 41, state)
    put(database, other_shop, 42, "done")
    assert cli.run(["inbox", "replay", "41"]) == 0
    assert f"orders/paid of {shop.domain} was {state} and is in line again" in capsys.readouterr().out
    assert rows(database) == [(shop.id, 41, "new", 0), (other_shop.id, 42, "done", 8)]


def test_a_number_that_nobody_has_is_told(shop: Shop, database: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["inbox", "replay", "7"]) == 1
    assert capsys.readouterr().err == "There is no webhook with the number 7.\n"


def test_a_number_of_two_shops_needs_the_shop(
    shop: Shop, other_shop: Shop, database: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    for each in (shop, other_shop):
        put(database, each, 41, "done")
    assert cli.run(["inbox", "replay", "41"]) == 1
    assert "--shop" in capsys.readouterr().err
    assert cli.run(["inbox", "replay", "41", "--shop", other_shop.domain]) == 0
    assert rows(database) == [(shop.id, 41, "done", 8), (other_shop.id, 41, "new", 0)]


def test_a_body_that_is_gone_is_not_applied(shop: Shop, database: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    put(database, shop, 41, "done", body=b"")
    assert cli.run(["inbox", "replay", "41"]) == 1
    assert f"regulars shop reconcile {shop.domain}" in capsys.readouterr().err
    assert rows(database) == [(shop.id, 41, "done", 8)]


def test_keys_rotate_says_what_it_did(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["keys", "rotate"]) == 0
    assert capsys.readouterr().out.startswith("Encrypted anew:")
