"""Nobody whom row-level security does not bind may run the product."""

from __future__ import annotations

import tempfile
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine, make_url

from plugin.db.engine import engine, make_engine
from plugin.db.guard import refuse_privileged
from plugin.errors import Refused, Unavailable
from plugin.local import postgres


def test_the_app_role_may_start(services: None) -> None:
    refuse_privileged(engine())


def test_the_owner_may_not(owner: Engine) -> None:
    with pytest.raises(Refused, match="regulars_owner owns the tables"):
        refuse_privileged(owner)


def test_a_database_that_is_away_is_no_permission(services: None) -> None:
    with pytest.raises(Unavailable):
        refuse_privileged(make_engine("postgresql://regulars_app:x@127.0.0.1:9/regulars"))


def test_neither_may_a_superuser_nor_who_bypasses_row_level_security() -> None:
    home = Path(tempfile.mkdtemp(prefix="regulars-guard-"))
    with postgres.running(home) as server:
        with psycopg.connect(server.admin_url, autocommit=True) as connection:
            connection.execute("CREATE ROLE bypasser LOGIN BYPASSRLS PASSWORD 'x'")
            connection.execute("GRANT CONNECT ON DATABASE regulars TO bypasser")
        with pytest.raises(Refused, match="is a superuser"):
            refuse_privileged(make_engine(server.admin_url))
        bypasser = make_url(server.url).set(username="bypasser", password="x").render_as_string(hide_password=False)
        with pytest.raises(Refused, match="may bypass row-level security"):
            refuse_privileged(make_engine(bypasser))
