"""shop/redact: everything of the shop goes, only the proof stays, and the other shop notices nothing."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from sqlalchemy import Engine, text

from plugin.db import engine as db
from plugin.errors import Invalid
from plugin.local import cli
from plugin.local.privacy import BEGINNING
from plugin.migrations.tables import metadata, tables_of_shops
from plugin.privacy import completing, proofs, replaying, shop_erasing
from plugin.privacy.models import ShopErasure
from plugin.shops.models import Shop
from plugin.sync.drain import drain_waiting
from tests.conftest import DOMAIN, make_shop
from tests.plugin.privacy.canaries import in_tables
from tests.plugin.privacy.test_erasing import ADA, live, redact, told
from tests.plugin.sync.deliveries import deliver, one, rows

ASKED = {"shop_id": 548380009, "shop_domain": DOMAIN}
LATER = "2030-01-01T12:00:00Z"


def leave(owner: Engine, shop: Shop, at: str = LATER) -> None:
    with owner.begin() as connection:
        gone = text("UPDATE shops SET uninstalled_at = clock_timestamp(), access_token = 'x' WHERE id = :shop")
        connection.execute(gone, {"shop": shop.id})
    told(owner, shop, ("shop/redact", ASKED), at=at)


def left(owner: Engine, shop: Shop) -> dict[str, int]:
    """Rows of this shop, by table."""
    found = {}
    with owner.connect() as connection:
        for table in metadata.sorted_tables:
            column = "id" if table.name == "shops" else "shop_id"
            if column in table.columns and (table.name == "shops" or column == "shop_id"):
                query = text(f"SELECT count(*) FROM {table.name} WHERE {column} = :shop")
                if count := connection.execute(query, {"shop": shop.id}).scalar_one():
                    found[table.name] = count
    return found


def everything(owner: Engine, shop: Shop) -> dict[str, Any]:
    return {table: rows(owner, table, shop, order="1, 2") for table in left(owner, shop) if table != "shops"}


def test_everything_of_a_shop_goes_and_the_proof_stays(database: Engine, shop: Shop, other_shop: Shop) -> None:
    live(database, shop)
    live(database, other_shop)
    before, mine = everything(database, other_shop), left(database, shop)
    leave(database, shop)
    completing.complete(shop.id)
    assert one(database, "privacy_requests", shop)["state"] == "open"

    assert cli.run(["privacy", "erase-shops"]) == 0

    assert left(database, shop) == {} and everything(database, other_shop) == before
    [proof] = rows(database, "shop_erasures")
    assert proof["domain_sha256"] == hashlib.sha256(DOMAIN.encode()).digest() and proof["erased_shop_id"] == shop.id
    assert {table: proof["counts"][table] for table in ("point_entries", "customers", "orders")} == {
        table: mine[table] for table in ("point_entries", "customers", "orders")
    }
    assert proof["completed_at"] and "example.com" not in str(proof)
    assert proof["manifest_sha256"] == proofs.manifest(shop_erasing.facts(ShopErasure(**proof)))
    assert shop_erasing.erase_due(database, tables_of_shops()) == 0  # again: nothing more to do
    assert len(rows(database, "shop_erasures")) == 1


def test_news_that_come_after_the_end_go_too(database: Engine, shop: Shop, other_shop: Shop) -> None:
    leave(database, shop)
    shop_erasing.erase_due(database, tables_of_shops())
    stray = text("INSERT INTO inbox_strays (domain, webhook_id, topic, body) VALUES (:domain, :id, :topic, 'zqcanary')")
    with database.begin() as connection:
        for domain, id, topic in (
            (DOMAIN, "a", "orders/create"),
            ("never-here.myshopify.com", "b", "orders/create"),
            ("never-here.myshopify.com", "c", "customers/redact"),
            ("somebody-else.myshopify.com", "d", "orders/create"),
        ):
            connection.execute(stray, {"domain": domain, "id": id, "topic": topic})
    deliver(database, shop, "orders/create", ADA.order())  # the receiver still knew the domain
    shop_erasing.erase_due(database, tables_of_shops())
    assert left(database, shop) == {}
    assert [row["webhook_id"] for row in rows(database, "inbox_strays")] == ["d"]


def test_news_that_the_receiver_took_for_the_old_shop_s_are_the_new_one_s(database: Engine, shop: Shop) -> None:
    leave(database, shop)
    shop_erasing.erase_due(database, tables_of_shops())
    fresh = make_shop(database, DOMAIN, store_id=548380009)
    deliver(database, shop, "customers/create", ADA.customer())
    assert drain_waiting() == 0  # and does not stumble over a shop that is none
    shop_erasing.erase_due(database, tables_of_shops())
    assert drain_waiting() == 1
    assert one(database, "customers", fresh)["email"] == ADA.email and left(database, shop) == {}


def test_a_shop_that_came_back_is_held(database: Engine, shop: Shop) -> None:
    live(database, shop)
    asked_at = "2026-01-01T12:00:00Z"
    told(database, shop, ("shop/redact", ASKED), at=asked_at)
    held = left(database, shop)
    assert shop_erasing.erase_due(database, tables_of_shops()) == 0
    assert one(database, "privacy_requests", shop)["state"] == "held" and left(database, shop) == held
    leave(database, shop, asked_at)  # a duplicate of what was held
    assert one(database, "privacy_requests", shop)["state"] == "held"
    told(database, shop, ("shop/redact", ASKED), at=LATER)
    assert shop_erasing.erase_due(database, tables_of_shops()) == 1 and left(database, shop) == {}


def test_who_installs_again_while_it_is_erased_begins_afresh(
    database: Engine, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    live(database, shop)
    leave(database, shop)
    monkeypatch.setattr(shop_erasing, "STRETCH", 2)
    whole, steps = shop_erasing._delete_stretch, {"left": 9}

    def dying(*arguments: Any) -> int:
        steps["left"] -= 1
        if steps["left"] < 0:
            raise KeyboardInterrupt
        return whole(*arguments)

    monkeypatch.setattr(shop_erasing, "_delete_stretch", dying)
    with pytest.raises(KeyboardInterrupt):
        shop_erasing.erase_due(database, tables_of_shops())
    fresh = make_shop(database, DOMAIN, store_id=548380009)
    told(database, fresh, ("customers/create", ADA.customer()))
    monkeypatch.setattr(shop_erasing, "_delete_stretch", whole)
    shop_erasing.erase_due(database, tables_of_shops())
    assert left(database, shop) == {}
    assert one(database, "customers", fresh)["email"] == ADA.email
    [proof] = rows(database, "shop_erasures")
    assert proof["completed_at"] and proof["counts"]["point_entries"] >= 2


def test_web_and_worker_cannot_do_it(database: Engine, shop: Shop) -> None:
    live(database, shop)
    with pytest.raises(Exception, match="permission denied"), db.transaction(shop.id) as session:
        session.execute(text("DELETE FROM point_entries"))
    with pytest.raises(Exception, match="permission denied"), db.transaction(shop.id) as session:
        session.execute(text("SELECT * FROM shop_erasures"))


def test_after_a_restore_the_list_erases_again_whom_it_names(
    database: Engine, shop: Shop, other_shop: Shop, tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    live(database, shop)
    live(database, other_shop)
    redact(database, shop)
    capsys.readouterr()
    assert cli.run(["privacy", "list", "--since", "2026-01-01"]) == 0
    listed = capsys.readouterr().out
    assert f"customer:{ADA.id}" in listed and not any(word in listed for word in ADA.words)

    forget(database, shop)  # as a backup of yesterday has it: the person is there, and nothing says they were erased
    told(database, shop, ("customers/create", ADA.customer()), ("orders/create", ADA.order()))
    told(database, shop, ("checkouts/create", ADA.checkout()))
    assert one(database, "customers", shop)["email"] == ADA.email

    kept = tmp_path / "erased.jsonl"
    kept.write_text(listed)
    assert cli.run(["privacy", "replay", str(kept)]) == 0
    assert one(database, "customers", shop)["email"] is None and one(database, "orders", shop)["email"] is None
    assert in_tables(database, ADA.words).keys() == in_tables_of_the_other(database, other_shop)


def test_after_a_restore_a_shop_that_was_erased_is_erased_again(
    database: Engine, shop: Shop, other_shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    leave(database, shop)
    shop_erasing.erase_due(database, tables_of_shops())
    listed = list(replaying.erased_since(database, BEGINNING))
    restored = text("INSERT INTO shops (id, domain, installed_at) VALUES (:id, :domain, clock_timestamp())")
    with database.begin() as connection:
        connection.execute(restored, {"id": shop.id, "domain": DOMAIN})
    assert replaying.replay(database, listed) == 1
    assert shop_erasing.erase_due(database, tables_of_shops()) == 1
    assert left(database, shop) == {} and "shops" in left(database, other_shop)


def test_a_list_that_is_none_is_refused(database: Engine) -> None:
    with pytest.raises(Invalid, match="Line 2"):
        replaying.replay(database, ['{"shop": "a", "key": "customer:1"}', "nonsense"])


def forget(owner: Engine, shop: Shop) -> None:
    with owner.begin() as connection:
        connection.execute(text("UPDATE shops SET veil_key = NULL"))
        for table in ("drift_findings", *tables_of_shops()):
            connection.execute(text(f"DELETE FROM {table} WHERE shop_id = :shop"), {"shop": shop.id})


def in_tables_of_the_other(owner: Engine, other: Shop) -> set[str]:
    return {table for table in in_tables(owner, ADA.words) if rows(owner, table, other, order="1")}
