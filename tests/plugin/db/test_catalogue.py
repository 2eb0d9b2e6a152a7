"""The catalogue says that one shop cannot see another: read from PostgreSQL, not from our code."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from plugin.db import engine as db
from plugin.db.policies import APP, APPEND_ONLY, OWNER, SWEEP, SWEPT, SYSTEM, TURNS
from plugin.migrations.tables import metadata
from plugin.shops.models import Shop

TENANT = """
    SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity, pg_get_userbyid(c.relowner) AS owner
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND c.relname <> 'alembic_version'
"""
KEYS = """
    SELECT t.relname, k.conname, k.contype,
           (SELECT attname FROM pg_attribute WHERE attrelid = k.conrelid AND attnum = k.conkey[1]) AS first
    FROM pg_constraint k JOIN pg_class t ON t.oid = k.conrelid
    WHERE k.connamespace = 'public'::regnamespace AND k.contype IN ('p', 'u', 'f') AND t.relname <> 'alembic_version'
"""

# It says whose a body was first, across shops; the app asks it for digests it holds and gets no row of theirs.
OF_NO_SHOP = {"body_digests"}


@pytest.fixture
def tables(owner: Engine) -> dict[str, tuple[bool, bool, str]]:
    with owner.connect() as connection:
        return {name: (on, forced, by) for name, on, forced, by in connection.execute(text(TENANT))}


def test_the_migration_makes_exactly_the_tables_of_the_models(tables: dict) -> None:
    assert set(tables) == set(metadata.tables)


def test_every_tenant_table_has_row_level_security_forced(tables: dict) -> None:
    assert {name for name, (on, forced, _) in tables.items() if not (on and forced)} == set(SYSTEM)
    assert {by for _, _, by in tables.values()} == {OWNER}


def test_every_table_without_a_tenant_column_is_a_known_system_table(owner: Engine, tables: dict) -> None:
    with owner.connect() as connection:
        query = "SELECT table_name FROM information_schema.columns"
        query += " WHERE table_schema = 'public' AND column_name = 'shop_id'"
        with_shop = set(connection.execute(text(query)).scalars())
    assert set(tables) - with_shop | OF_NO_SHOP == {"shops", *SYSTEM}


def test_every_key_of_a_tenant_table_starts_with_the_shop(owner: Engine) -> None:
    with owner.connect() as connection:
        keys = list(connection.execute(text(KEYS)))
    wrong = [(table, name) for table, name, _, first in keys if table not in ("shops", *SYSTEM) and first != "shop_id"]
    assert keys and wrong == []


def test_unique_indexes_outside_constraints_start_with_the_shop_too(owner: Engine) -> None:
    query = """
        SELECT t.relname, i.relname, (SELECT attname FROM pg_attribute WHERE attrelid = t.oid AND attnum = x.indkey[0])
        FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
        WHERE x.indisunique AND t.relnamespace = 'public'::regnamespace AND t.relname <> 'alembic_version'
    """
    with owner.connect() as connection:
        rows = list(connection.execute(text(query)))
    assert [r for r in rows if r[0] not in ("shops", *SYSTEM) and r[2] != "shop_id"] == []


def test_the_policies_are_one_comparison_for_the_app_and_open_for_owner_and_sweep(owner: Engine, tables: dict) -> None:
    with owner.connect() as connection:
        rows = list(connection.execute(text("SELECT tablename, roles, qual, with_check FROM pg_policies")))
    of_shops = set(tables) - set(SYSTEM)
    for role, expected in ((APP, of_shops), (OWNER, of_shops), (SWEEP, {*SWEPT, *TURNS})):
        assert {table for table, roles, _, _ in rows if roles == [role]} == expected
    for table, roles, qual, check in rows:
        assert qual is not None and (check is None) == (roles == [SWEEP] and table in TURNS), table
        if roles == [APP]:
            assert " OR " not in qual.upper() and "app.shop_id" in qual and qual == check


def test_the_app_role_is_nobody_special(owner: Engine) -> None:
    with owner.connect() as connection:
        special = connection.execute(
            text(
                "SELECT rolname FROM pg_roles WHERE rolname LIKE 'regulars%'"
                " AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb)"
            )
        ).all()
    assert special == []


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize("verb", ["UPDATE {} SET shop_id = shop_id", "DELETE FROM {}"])
def test_the_app_cannot_change_history(session: Session, table: str, verb: str) -> None:
    with pytest.raises(DBAPIError, match="permission denied"):
        session.execute(text(verb.format(table)))


def test_a_statement_without_a_scope_raises(services: None, shop: Shop) -> None:
    with Session(db.engine()) as session, pytest.raises(DBAPIError):
        session.execute(text("SELECT count(*) FROM customers"))


def test_a_shop_sees_and_writes_only_itself(shop: Shop, other_shop: Shop) -> None:
    insert = text("INSERT INTO customers (shop_id, id) VALUES (:shop, 1)")
    with db.transaction(other_shop.id) as session:
        session.execute(insert, {"shop": other_shop.id})
    with db.transaction(shop.id) as session:
        assert session.execute(text("SELECT count(*) FROM customers")).scalar_one() == 0
        assert session.execute(text("SELECT domain FROM shops")).scalars().all() == [shop.domain]
    with pytest.raises(DBAPIError, match="row-level security"), db.transaction(shop.id) as session:
        session.execute(insert, {"shop": other_shop.id})


def test_a_scope_does_not_outlive_its_transaction(shop: Shop) -> None:
    with db.transaction(shop.id) as session:
        session.execute(text("SELECT 1"))
    with Session(db.engine()) as session, pytest.raises(DBAPIError):
        session.execute(text("SELECT count(*) FROM orders"))


def test_the_sweep_role_sees_five_tables_and_of_two_more_whose_turn_it_is(shop: Shop, other_shop: Shop) -> None:
    with db.system_transaction() as session:
        assert session.execute(text("SELECT count(*) FROM shops")).scalar_one() == 2
        for table in SWEPT:
            session.execute(text(f"SELECT count(*) FROM {table}"))
        for table, columns in TURNS.items():
            session.execute(text(f"SELECT {', '.join(columns)} FROM {table}"))
    for hidden in ("SELECT count(*) FROM customers", "SELECT error FROM sync_runs", "SELECT * FROM drift_checks"):
        with pytest.raises(DBAPIError, match="permission denied"), db.system_transaction() as session:
            session.execute(text(hidden))
