"""The engine of this process and the transactions on it.

`transaction(shop_id)` is the everyday door: one session, one transaction, one shop. The database refuses rows of any
other shop (row-level security), and a statement without a scope raises. `system_transaction()` is for the few jobs that
look across shops; an import contract lists who may use it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import Session

from plugin.config import config

SWEEP_ROLE = "regulars_sweep"


@cache
def engine() -> Engine:
    """The connection pool of this process, as the role regulars_app."""
    return make_engine(config().database_url)


def make_engine(url: str, **options: object) -> Engine:
    """An engine on a `postgresql://` URL through psycopg 3, with the house's time-outs."""
    settings = "-c statement_timeout=60s -c lock_timeout=10s -c idle_in_transaction_session_timeout=60s -c timezone=UTC"
    return create_engine(
        url.replace("postgresql://", "postgresql+psycopg://", 1),
        pool_size=8,
        max_overflow=16,
        pool_pre_ping=False,
        pool_recycle=600,
        hide_parameters=True,  # an error that is logged must not quote a row
        connect_args={"options": settings, "connect_timeout": 5, "prepare_threshold": 5},
        **options,
    )


def forget_connections() -> None:
    """After a fork: drop the parent's sockets without closing them (a shared socket leaks rows across processes)."""
    if engine.cache_info().currsize:
        engine().dispose(close=False)


@contextmanager
def transaction(shop_id: int) -> Iterator[Session]:
    """One transaction in one shop's scope; commits at the end, rolls back on any error."""
    with Session(engine(), expire_on_commit=False) as session, session.begin():
        enter_shop(session, shop_id)
        yield session


@contextmanager
def snapshot(shop_id: int) -> Iterator[Session]:
    """One transaction in one shop's scope that sees one moment throughout. For reading."""
    with Session(engine(), expire_on_commit=False) as session, session.begin():
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        enter_shop(session, shop_id)
        yield session


@contextmanager
def system_transaction() -> Iterator[Session]:
    """One transaction across shops, over the tables the sweep role may see."""
    with Session(engine(), expire_on_commit=False) as session, session.begin(), system_scope(session):
        yield session


def enter_shop(session: Session, shop_id: int) -> None:
    """Bind the rest of this transaction to one shop."""
    driver = session.connection().connection.driver_connection
    assert driver is not None
    driver.execute("SELECT set_config('app.shop_id', %s, true)", [str(shop_id)])  # every transaction begins with it
    session.info["shop_id"] = shop_id


@contextmanager
def shop_scope(session: Session, shop_id: int) -> Iterator[Session]:
    """A stretch of a transaction in one shop's scope, left again at the end."""
    enter_shop(session, shop_id)
    yield session
    session.flush()
    session.execute(text("SELECT set_config('app.shop_id', '', true)"))
    session.info.pop("shop_id", None)


@contextmanager
def system_scope(session: Session) -> Iterator[Session]:
    """A stretch of a transaction as the sweep role."""
    session.execute(text(f"SET LOCAL ROLE {SWEEP_ROLE}"))
    yield session
    session.flush()
    session.execute(text("RESET ROLE"))
