"""Access tokens: one refresh at a time, pairs stored whole, nothing lost in a crash. Real database, real sockets."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import Engine, text

from plugin.clock import machine_now
from plugin.db import engine as db
from plugin.errors import Invalid, RemoteError, Unauthorized, Unavailable
from plugin.shops import operations, queries, remote, tasks, tokens
from plugin.shops.models import Shop
from tests.conftest import forget_settings
from tests.fake_store import Answer, FakeStore, grant
from tests.plugin.shops.conftest import give_tokens


def test_a_fresh_token_is_used_without_asking_the_store(with_tokens: Shop, store: FakeStore) -> None:
    assert tokens.access_token(with_tokens.id) == "access-1"
    assert store.asked == []


def test_a_token_with_less_than_five_minutes_left_is_refreshed(with_tokens: Shop, store: FakeStore) -> None:
    give_tokens(with_tokens.id, 1, expires_in=299)
    store.will(Answer(grant(2)))
    assert tokens.access_token(with_tokens.id) == "access-2"
    asked = store.asked[0]
    assert asked.path == "/admin/oauth/access_token"
    assert (asked.body["grant_type"], asked.body["refresh_token"]) == ("refresh_token", "refresh-1")


def test_the_pair_is_replaced_together_and_encrypted(with_tokens: Shop, store: FakeStore, database: Engine) -> None:
    give_tokens(with_tokens.id, 1, expires_in=0)
    store.will(Answer(grant(2)))
    tokens.access_token(with_tokens.id)
    stored = tokens.read(with_tokens.id)
    assert (stored.access_token, stored.refresh_token) == ("access-2", "refresh-2")
    row = shop_row(database, with_tokens.id)
    assert b"access-2" not in row["access_token"] and b"refresh-2" not in row["refresh_token"]
    assert row["refreshing_until"] is None


def test_twenty_at_once_make_one_refresh(with_tokens: Shop, other_shop: Shop, store: FakeStore) -> None:
    give_tokens(with_tokens.id, 1, expires_in=0)
    store.will(Answer(grant(2), slow=0.4))
    start = threading.Barrier(20)

    def ask(_: int) -> str:
        start.wait()
        return tokens.access_token(with_tokens.id)

    with ThreadPoolExecutor(20) as pool:
        assert set(pool.map(ask, range(20))) == {"access-2"}
    assert len(store.asked) == 1
    assert tokens.read(other_shop.id).access_token == "access-900"


def test_waiters_hold_no_transaction(with_tokens: Shop, store: FakeStore, database: Engine) -> None:
    give_tokens(with_tokens.id, 1, expires_in=0)
    seen: list[int] = []

    def look(_: object) -> Answer:
        with database.connect() as connection:
            idle = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'regulars_app' AND state LIKE 'idle in%'"
            seen.append(connection.execute(text(idle)).scalar_one())
        return Answer(grant(2), slow=0.3)

    store.will(look)
    with ThreadPoolExecutor(5) as pool:
        list(pool.map(lambda _: tokens.access_token(with_tokens.id), range(5)))
    assert seen == [0]


def test_while_somebody_refreshes_a_token_that_still_lives_is_used(with_tokens: Shop, store: FakeStore) -> None:
    give_tokens(with_tokens.id, 1, expires_in=120)
    assert tokens._take_lease(with_tokens.id, tokens.read(with_tokens.id).serial)
    assert tokens.access_token(with_tokens.id) == "access-1"
    assert store.asked == []


def test_after_a_crash_between_answer_and_store_the_old_refresh_token_is_used_again(
    with_tokens: Shop, store: FakeStore, database: Engine
) -> None:
    give_tokens(with_tokens.id, 1, expires_in=0)
    serial = tokens.read(with_tokens.id).serial
    assert tokens._take_lease(with_tokens.id, serial)
    store.will(Answer(grant(2)))
    remote.refresh(with_tokens.domain, "refresh-1")  # the process that got this answer died before storing it
    with database.begin() as connection:
        connection.execute(text("UPDATE shops SET refreshing_until = clock_timestamp() - interval '1 ms'"))
    store.will(Answer(grant(3)))
    assert tokens.access_token(with_tokens.id) == "access-3"
    assert [asked.body["refresh_token"] for asked in store.asked] == ["refresh-1", "refresh-1"]


def test_a_paused_refresher_cannot_overwrite_a_newer_pair(with_tokens: Shop, store: FakeStore) -> None:
    serial = tokens.read(with_tokens.id).serial
    give_tokens(with_tokens.id, 5)
    late = remote.Grant("access-late", 3600, "refresh-late", 7776000, ())
    assert tokens.store(with_tokens.id, serial, late) is False
    assert tokens.read(with_tokens.id).access_token == "access-5"


def test_a_dead_refresh_token_needs_the_merchant(with_tokens: Shop, other_shop: Shop, store: FakeStore) -> None:
    give_tokens(with_tokens.id, 1, expires_in=0)
    store.will(Answer({"error": "invalid_grant"}, status=400))
    for _ in range(2):
        with pytest.raises(Unauthorized, match="Open Regulars"):
            tokens.access_token(with_tokens.id)
    assert len(store.asked) == 1
    assert queries.by_id(with_tokens.id).needs_reauth
    assert not queries.by_id(other_shop.id).needs_reauth


def test_our_own_wrong_credentials_do_not_mark_shops(with_tokens: Shop, store: FakeStore) -> None:
    give_tokens(with_tokens.id, 1, expires_in=0)
    store.will(Answer({"error": "invalid_client"}, status=401))
    with pytest.raises(RemoteError, match="401"):
        tokens.access_token(with_tokens.id)
    assert not queries.by_id(with_tokens.id).needs_reauth


def test_a_store_that_fails_is_left_alone_for_a_moment(with_tokens: Shop, store: FakeStore) -> None:
    give_tokens(with_tokens.id, 1, expires_in=0)
    store.will(Answer("oops", status=503))
    with pytest.raises(Unavailable):
        tokens.access_token(with_tokens.id)
    assert not tokens.read(with_tokens.id).lease_free
    store.will(Answer(grant(2)))
    assert tokens.access_token(with_tokens.id) == "access-2"


def test_a_failing_refresh_does_not_hurt_while_the_token_lives(with_tokens: Shop, store: FakeStore) -> None:
    give_tokens(with_tokens.id, 1, expires_in=100)
    store.will(Answer("oops", status=502))
    assert tokens.access_token(with_tokens.id) == "access-1"


def test_an_answer_without_an_expiring_pair_is_refused(with_tokens: Shop, store: FakeStore) -> None:
    give_tokens(with_tokens.id, 1, expires_in=0)
    store.will(Answer({"access_token": "for-ever", "scope": ""}))
    with pytest.raises(RemoteError, match="no expiring token"):
        tokens.access_token(with_tokens.id)


def test_a_redirect_is_not_followed_with_our_secret(with_tokens: Shop, store: FakeStore) -> None:
    give_tokens(with_tokens.id, 1, expires_in=0)
    store.will(Answer({}, status=307, headers={"Location": f"{store.url}/elsewhere"}))
    with pytest.raises(RemoteError, match="307"):
        tokens.access_token(with_tokens.id)
    assert len(store.asked) == 1


def test_a_rejected_token_is_replaced_once_for_all_who_held_it(with_tokens: Shop, store: FakeStore) -> None:
    store.will(Answer(grant(2)))
    assert tokens.access_token(with_tokens.id, rejected="access-1") == "access-2"
    assert tokens.access_token(with_tokens.id, rejected="access-1") == "access-2"
    assert len(store.asked) == 1


def test_keys_rotate_over_every_row(with_tokens: Shop, other_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    old, new = os.environ["ENCRYPTION_KEYS"], Fernet.generate_key().decode()
    monkeypatch.setenv("ENCRYPTION_KEYS", f"{new},{old}")
    forget_settings()
    assert tokens.rotate_keys(chunk=1) == 2
    monkeypatch.setenv("ENCRYPTION_KEYS", new)
    forget_settings()
    assert tokens.read(with_tokens.id).refresh_token == "refresh-1"
    assert tokens.read(other_shop.id).access_token == "access-900"


def test_without_its_key_a_token_is_unreadable(with_tokens: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENCRYPTION_KEYS", Fernet.generate_key().decode())
    forget_settings()
    with pytest.raises(Invalid, match="ENCRYPTION_KEYS"):
        tokens.read(with_tokens.id)


def test_a_token_copied_to_another_shop_is_worthless(with_tokens: Shop, other_shop: Shop, database: Engine) -> None:
    with database.begin() as connection:
        copy = "UPDATE shops SET access_token = (SELECT access_token FROM shops WHERE id = :a) WHERE id = :b"
        connection.execute(text(copy), {"a": with_tokens.id, "b": other_shop.id})
    with pytest.raises(Invalid, match="another shop"):
        tokens.read(other_shop.id)


def test_idle_shops_are_refreshed_before_their_pair_ends(
    with_tokens: Shop, other_shop: Shop, store: FakeStore, database: Engine
) -> None:
    with database.begin() as connection:
        idle = "UPDATE shops SET access_expires_at = clock_timestamp() - interval '31 days',"
        idle += " refresh_expires_at = clock_timestamp() + interval '59 days' WHERE id = :id"
        connection.execute(text(idle), {"id": with_tokens.id})
    store.will(Answer(grant(2)))
    tasks.refresh_idle()
    assert tokens.read(with_tokens.id).access_token == "access-2"
    assert tokens.idle(10) == []
    assert tokens.read(other_shop.id).access_token == "access-900"


def test_one_idle_shop_that_fails_does_not_stop_the_others(
    with_tokens: Shop, other_shop: Shop, store: FakeStore, database: Engine
) -> None:
    with database.begin() as connection:
        idle = "UPDATE shops SET access_expires_at = clock_timestamp(), refresh_expires_at = clock_timestamp()"
        connection.execute(text(idle + " + interval '59 days'"))
    store.will(Answer({"error": "invalid_grant"}, status=400), Answer(grant(7)))
    tasks.refresh_idle()
    assert [queries.by_id(shop.id).needs_reauth for shop in (with_tokens, other_shop)].count(True) == 1


def test_a_refresh_that_ends_after_the_uninstall_brings_nothing_back(with_tokens: Shop, store: FakeStore) -> None:
    serial = tokens.read(with_tokens.id).serial
    with db.transaction(with_tokens.id) as session:
        assert operations.uninstall(session, with_tokens, machine_now())
    assert tokens.store(with_tokens.id, serial, remote.Grant("a", 3600, "b", 7776000, ())) is False
    assert tokens.read(with_tokens.id).access_token is None


def shop_row(database: Engine, shop_id: int) -> dict:
    with database.connect() as connection:
        row = connection.execute(text("SELECT * FROM shops WHERE id = :id"), {"id": shop_id}).mappings().one()
    return dict(row)
