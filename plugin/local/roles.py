"""The three database roles, in every installation from the first start on.

regulars_owner owns and migrates; regulars_app is what web and worker are; regulars_sweep sees every shop's rows of a
few tables and is entered by the app for one transaction at a time, never inherited.
"""

import psycopg
from psycopg import sql

from plugin.db.policies import APP, OWNER, SWEEP

DATABASE = "regulars"


def ensure_roles(admin_url: str, passwords: dict[str, str]) -> None:
    """Creates the roles that are missing and sets the passwords of owner and app. Repeatable; needs a superuser."""
    with psycopg.connect(admin_url, autocommit=True) as connection:
        for role in (OWNER, APP):
            _ensure_role(connection, role)
            _log_in_with(connection, role, passwords[role])
        _ensure_role(connection, SWEEP)
        connection.execute(f"GRANT {SWEEP} TO {APP} WITH INHERIT FALSE, SET TRUE")


def ensure_database(admin_url: str, name: str = DATABASE) -> None:
    """Creates the database if it is missing, owned by the owner and open to the app alone. Repeatable."""
    with psycopg.connect(admin_url, autocommit=True) as connection:
        if not _exists(connection, "SELECT 1 FROM pg_database WHERE datname = %s", name):
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(*_names(name, OWNER)))
        connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(*_names(name)))
        connection.execute(sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {} TO {}").format(*_names(name, APP)))


def _ensure_role(connection: psycopg.Connection, role: str) -> None:
    if not _exists(connection, "SELECT 1 FROM pg_roles WHERE rolname = %s", role):
        connection.execute(sql.SQL("CREATE ROLE {} NOSUPERUSER NOBYPASSRLS NOCREATEROLE").format(*_names(role)))


def _log_in_with(connection: psycopg.Connection, role: str, password: str) -> None:
    statement = sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}")
    connection.execute(statement.format(sql.Identifier(role), sql.Literal(password)))


def _exists(connection: psycopg.Connection, query: str, name: str) -> bool:
    return connection.execute(query.encode(), (name,)).fetchone() is not None


def _names(*names: str) -> list[sql.Identifier]:
    return [sql.Identifier(name) for name in names]
