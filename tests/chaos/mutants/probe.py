"""A task that tells which process asked, and which connection of the database answered."""

from __future__ import annotations

import os
from typing import Any

from sqlalchemy import text

from plugin.db import engine as db

FILE = "REGULARS_CHAOS_PROBE"


def install_probe(celery: Any) -> None:
    """The task `chaos.probe(n)`: n lines "process connection" into the file that the environment names."""

    @celery.task(name="chaos.probe")
    def probe(times: int) -> None:
        for _ in range(times):
            with db.system_transaction() as session:
                backend = session.execute(text("SELECT pg_backend_pid(), pg_sleep(0.02)")).scalar_one()
            with open(os.environ[FILE], "a") as file:
                file.write(f"{os.getpid()} {backend}\n")
