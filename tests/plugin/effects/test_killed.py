"""A performer killed by SIGKILL at each of its statements, then one that is not: the same end as one clean run."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, text
from sqlalchemy.orm import Session

from plugin.db import engine as db
from plugin.effects import performing, rounds
from plugin.effects.performing import Performer
from plugin.shops import queries
from plugin.shops.models import Shop
from tests.plugin.effects.conftest import record, times_noted

MOST_STATEMENTS = 60


def performer(file: Path) -> Performer:
    """What the outside did is a line in a file, which survives every process."""

    def call(shop: Shop, payload: dict[str, Any]) -> dict[str, Any]:
        with file.open("a") as outside:
            outside.write(f"{payload['code']}\n")
        return {"made": payload["code"]}

    def look_up(shop: Shop, payload: dict[str, Any]) -> dict[str, Any] | None:
        return {"made": payload["code"]} if payload["code"] in file.read_text().split() else None

    def done(session: Session, shop: Shop, payload: dict[str, Any], result: dict[str, Any]) -> None:
        session.execute(text("UPDATE shops SET plan = plan || 'x' WHERE id = :id"), {"id": shop.id})

    return Performer(call, done, look_up)


def perform_in_a_child_that_dies_at(number: int) -> int:
    """Its exit status; negative is the signal that killed it. Commits count as statements."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        db.forget_connections()
        seen: list[None] = []

        def count(*_: Any) -> None:
            seen.append(None)
            if len(seen) == number:
                os.kill(os.getpid(), signal.SIGKILL)

        event.listen(db.engine(), "before_cursor_execute", count)
        event.listen(db.engine(), "commit", count)
        rounds.perform_due()
        os._exit(0)
    finally:
        os._exit(1)


def test_killed_at_any_statement_the_end_is_that_of_one_clean_run(
    shop: Shop, other_shop: Shop, database: Engine, tmp_path: Path
) -> None:
    deaths, ended = 0, -signal.SIGKILL
    while ended and deaths < MOST_STATEMENTS:
        file = tmp_path / f"outside-{deaths}"
        file.touch()
        performing.use({"code": performer(file)}, queries.shop)
        start_afresh(database)
        record(shop, key="one")
        ended = perform_in_a_child_that_dies_at(deaths + 1)
        assert ended in (0, -signal.SIGKILL)
        let_leases_end(database)
        rounds.perform_due()
        with database.connect() as connection:
            [found] = connection.execute(text("SELECT state, called_at FROM outbox")).all()
        assert (found.state, found.called_at) == ("done", None), deaths
        assert file.read_text().split() == ["one"], deaths
        assert times_noted(database, shop) == 1 and times_noted(database, other_shop) == 0, deaths
        deaths += ended != 0
    assert deaths > 10 and ended == 0


@pytest.fixture(autouse=True)
def nobody_performs_afterwards() -> Any:
    yield
    performing.use({}, queries.shop)


def start_afresh(database: Engine) -> None:
    with database.begin() as connection:
        connection.execute(text("TRUNCATE outbox"))
        connection.execute(text("UPDATE shops SET plan = ''"))


def let_leases_end(database: Engine) -> None:
    with database.begin() as connection:
        connection.execute(text("UPDATE outbox SET next_attempt_at = clock_timestamp() - interval '1 ms'"))
