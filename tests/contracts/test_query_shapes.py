"""Whatever shape a query has, the database answers with one shop's rows: row-level security, not our filters.

Two shops with the same ids and other names. None of the queries below names its shop, or it names the wrong one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, delete, exists, func, insert, literal, select, text, union_all, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, aliased
from sqlalchemy.orm.exc import StaleDataError

from plugin.commerce.models import Customer, Order
from plugin.db import engine as db
from plugin.shops.models import Shop
from plugin.sync import tasks
from tests import payloads
from tests.admin_ui import shopfloor
from tests.plugin.sync.deliveries import deliver, rows

Read = Callable[[Session, int], Any]
UNSET = r"app\.shop_id|invalid input syntax for type bigint"  # the policy has nothing to compare with
customers = Customer.__table__
WHOLE = "SELECT * FROM customers"


def by_cursor(session: Session, other: int) -> list[Any]:
    with session.connection().connection.cursor() as cursor:
        return list(cursor.execute(WHOLE).fetchall())


def by_copy(session: Session, other: int) -> str:
    with session.connection().connection.cursor() as cursor, cursor.copy("COPY customers TO STDOUT") as copied:
        return b"".join(bytes(chunk) for chunk in copied).decode()


def by_temporary_table(session: Session, other: int) -> list[Any]:
    session.execute(text("CREATE TEMPORARY TABLE seen ON COMMIT DROP AS SELECT first_name FROM customers"))
    return list(session.execute(text("SELECT * FROM seen")))


def joined(session: Session, other: int) -> list[Any]:
    return list(session.execute(select(Customer.first_name, Order.name).join(Order, Order.customer_id == Customer.id)))


def by_subquery(session: Session, other: int) -> list[Any]:
    inner = select(Order.customer_id).where(Order.current_total_minor > 0).subquery()
    return list(session.execute(select(Customer.first_name).where(Customer.id.in_(select(inner.c.customer_id)))))


def with_itself(session: Session, other: int) -> list[Any]:
    twin = aliased(Customer)
    return list(session.execute(select(Customer.first_name, twin.first_name).join(twin, twin.id == Customer.id)))


READS: dict[str, Read] = {
    "an entity": lambda s, other: [row.first_name for row in s.scalars(select(Customer))],
    "by primary key": lambda s, other: s.get(Customer, (other, 1)),
    "the table": lambda s, other: list(s.execute(select(customers))),
    "text": lambda s, other: list(s.execute(text(WHOLE))),
    "the session's connection": lambda s, other: list(s.connection().execute(text(WHOLE))),
    "entities from text": lambda s, other: [
        row.first_name for row in s.scalars(select(Customer).from_statement(text(WHOLE)))
    ],
    "a join": joined,
    "a join with itself": with_itself,
    "a subquery": by_subquery,
    "a common table": lambda s, other: list(s.execute(text(f"WITH c AS ({WHOLE}) SELECT first_name FROM c"))),
    "a union": lambda s, other: list(s.execute(union_all(select(customers.c.first_name), select(Order.name)))),
    "another shop by name": lambda s, other: list(s.execute(select(customers).where(customers.c.shop_id == other))),
    "locked rows": lambda s, other: [row.first_name for row in s.scalars(select(Customer).with_for_update())],
    "a server's cursor": lambda s, other: [
        row for part in s.execute(select(customers).execution_options(yield_per=1)).partitions() for row in part
    ],
    "a driver's cursor": by_cursor,
    "a copy": by_copy,
    "a temporary table": by_temporary_table,
    "an aggregate": lambda s, other: s.scalar(select(func.string_agg(customers.c.first_name, literal(",")))),
}
COUNTS: dict[str, Read] = {
    "a count": lambda s, other: s.scalar(select(func.count()).select_from(customers)),
    "whether there is any of the other": lambda s, other: (
        2 - s.scalar(select(exists().where(customers.c.shop_id == other)))
    ),
}
CHANGE = {"first_name": "stolen"}
WRITES: dict[str, Callable[[Session, int], Any]] = {
    "update": lambda s, other: s.execute(update(customers).values(CHANGE)),
    "update of the other": lambda s, other: s.execute(
        update(customers).where(customers.c.shop_id == other).values(CHANGE)
    ),
    "update by primary key": lambda s, other: s.execute(update(Customer), [{"shop_id": other, "id": 1, **CHANGE}]),
    "update that moves a row": lambda s, other: s.execute(update(customers).values(shop_id=other, id=99)),
    "delete": lambda s, other: s.execute(delete(Order.__table__).where(Order.shop_id == other)),
    "insert": lambda s, other: s.execute(insert(customers).values(shop_id=other, id=99, **CHANGE)),
    "upsert": lambda s, other: s.execute(
        upsert(customers)
        .values(shop_id=other, id=1, **CHANGE)
        .on_conflict_do_update(index_elements=["shop_id", "id"], set_=CHANGE)
    ),
    "merge": lambda s, other: (s.merge(Customer(shop_id=other, id=1, **CHANGE)), s.flush()),
    "text": lambda s, other: s.execute(text("UPDATE customers SET first_name = 'stolen' WHERE true")),
    "a reference": lambda s, other: s.execute(insert(Order.__table__).values(shop_id=other, id=99, customer_id=1)),
}


@pytest.fixture
def look_alikes(database: Engine, shop: Shop, other_shop: Shop) -> None:
    for tenant, mark in ((shop, "ours"), (other_shop, "theirs")):
        with db.transaction(tenant.id) as session:
            for id in (1, 2):
                shopfloor.customer(session, tenant, id, f"{mark}-{id}", "Finch")
            _order(session, tenant, mark)


def _order(session: Session, shop: Shop, mark: str) -> None:
    shopfloor.order(session, shop, 77, 1, 4250).name = f"{mark}-order"
    session.flush()


def fresh(owner: Engine, other: Shop) -> None:
    """Nothing happened before."""


def after_an_error(owner: Engine, other: Shop) -> None:
    """The connection comes back into the pool from another shop's failed transaction."""
    with pytest.raises(DBAPIError), db.transaction(other.id) as session:
        session.execute(text("SELECT 1 / 0"))


def after_another_shop(owner: Engine, other: Shop) -> None:
    """The connection has served the other shop, also for a job over all shops."""
    with db.transaction(other.id) as session:
        assert len(session.scalars(select(Customer)).all()) == 2
    with db.system_transaction() as session:
        session.execute(text("SELECT count(*) FROM inbox"))


def after_a_task(owner: Engine, other: Shop) -> None:
    """This process has just done a task for the other shop."""
    deliver(owner, other, "customers/update", payloads.customer(7, first_name="theirs-7"))
    tasks.drain(other.id)
    assert len(rows(owner, "customers", other)) == 3


BEFORE = {"at once": fresh, "after an error": after_an_error, "after another shop": after_another_shop} | {
    "after another shop's task": after_a_task
}


@pytest.fixture(params=BEFORE.values(), ids=BEFORE)
def scoped(
    request: pytest.FixtureRequest, database: Engine, look_alikes: None, shop: Shop, other_shop: Shop
) -> Iterator[Session]:
    """A session as the shop, on a connection that was used before."""
    db.engine().dispose()
    request.param(database, other_shop)
    with Session(db.engine()) as session:
        session.begin()
        db.enter_shop(session, shop.id)
        yield session
        session.rollback()


def test_reads_of_any_shape_see_one_shop(scoped: Session, other_shop: Shop) -> None:
    for shape, read in READS.items():
        seen = str(read(scoped, other_shop.id))
        assert "theirs" not in seen, shape
        if shape not in ("by primary key", "another shop by name"):
            assert "ours" in seen, shape
    for shape, count in COUNTS.items():
        assert count(scoped, other_shop.id) == 2, shape


@pytest.mark.parametrize("shape", WRITES)
def test_writes_of_any_shape_reach_one_shop(database: Engine, scoped: Session, other_shop: Shop, shape: str) -> None:
    before = [rows(database, table, other_shop) for table in ("customers", "orders")]
    try:
        WRITES[shape](scoped, other_shop.id)
        scoped.commit()
    except (DBAPIError, StaleDataError):
        scoped.rollback()
    assert [rows(database, table, other_shop) for table in ("customers", "orders")] == before


@pytest.mark.parametrize("shape", [*READS, *COUNTS])
def test_without_a_shop_a_query_of_any_shape_raises(look_alikes: None, other_shop: Shop, shape: str) -> None:
    read = (READS | COUNTS)[shape]
    with Session(db.engine()) as session, pytest.raises((DBAPIError, psycopg.Error), match=UNSET):
        read(session, other_shop.id)


def test_the_queries_do_see_the_other_shop_when_nothing_keeps_them(owner: Engine, look_alikes: None) -> None:
    """Or else all of this would be green because the queries find nothing."""
    with Session(owner) as session:
        for shape, read in READS.items():
            if shape not in ("by primary key", "another shop by name"):
                assert "theirs" in str(read(session, 0)), shape
