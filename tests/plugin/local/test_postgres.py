"""The embedded database has the roles of production and keeps its data and passwords."""

import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from plugin.local import postgres


@pytest.fixture(scope="module")
def directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="regulars-postgres-") as name:
        yield Path(name)


@pytest.fixture(scope="module")
def server(directory: Path) -> Iterator[postgres.Postgres]:
    with postgres.running(directory) as running:
        yield running


def ask(url: str, query: str) -> tuple[object, ...]:
    with psycopg.connect(url) as connection:
        row = connection.execute(query.encode()).fetchone()
        assert row is not None
        return row


def test_the_app_is_neither_owner_nor_above_row_level_security(server: postgres.Postgres) -> None:
    query = "SELECT rolname, rolsuper, rolbypassrls, rolcreaterole FROM pg_roles WHERE rolname = current_user"
    assert ask(server.url, query) == ("regulars_app", False, False, False)


def test_the_sweep_role_is_entered_and_never_inherited(server: postgres.Postgres) -> None:
    query = """SELECT pg_has_role('regulars_sweep', 'SET'), pg_has_role('regulars_sweep', 'USAGE'),
        (SELECT rolcanlogin FROM pg_roles WHERE rolname = 'regulars_sweep')"""
    assert ask(server.url, query) == (True, False, False)


def test_only_the_owner_creates_tables(server: postgres.Postgres) -> None:
    with psycopg.connect(server.owner_url) as connection:
        connection.execute("CREATE TABLE kept (id bigint)")
    with psycopg.connect(server.url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("CREATE TABLE refused (id bigint)")


def test_a_wrong_password_is_refused(server: postgres.Postgres) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(server.url.replace(":" + server.passwords["regulars_app"], ":wrong"))


def test_it_listens_on_loopback_alone(server: postgres.Postgres) -> None:
    assert ask(server.admin_url, "SELECT current_setting('listen_addresses')") == ("127.0.0.1",)


def test_passwords_are_private(server: postgres.Postgres, directory: Path) -> None:
    assert stat.S_IMODE(os.stat(directory / "passwords.json").st_mode) == 0o600


def test_a_second_start_keeps_data_and_urls_and_is_durable_when_asked() -> None:
    with tempfile.TemporaryDirectory(prefix="regulars-postgres-") as name:
        with postgres.running(Path(name)) as first, psycopg.connect(first.owner_url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
        with postgres.running(Path(name), port=first.port, durable=True) as second:
            assert second.url == first.url
            assert ask(second.owner_url, "SELECT number, current_setting('fsync') FROM kept") == (7, "on")
