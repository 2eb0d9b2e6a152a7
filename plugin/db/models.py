"""Tables that belong to nobody's feature."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Mapped, mapped_column

from plugin.db.base import Base, Key


class Clock(Base):
    """The one row that moves business time in the sandbox."""

    __tablename__ = "clock"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    offset_seconds: Mapped[int] = mapped_column(server_default="0")


class Pulse(Base):
    """The last sign of life of a worker ("worker:<machine>:<pid>"), of beat, or of a job that has its turn once a day.

    A process that runs may have stopped working, so what counts is a task that was finished. Machine time.
    """

    __tablename__ = "pulses"

    name: Mapped[Key] = mapped_column(primary_key=True)
    started_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
    at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
    drained: Mapped[int] = mapped_column(server_default="0")  # rows of inboxes this worker has taken since it started
    budgets: Mapped[dict[str, Any]] = mapped_column(server_default="{}")  # shop id → plugin/watching/budgets.py
