"""The one table that belongs to nobody's feature."""

from __future__ import annotations

from sqlalchemy.orm import Mapped, mapped_column

from plugin.db.base import Base


class Clock(Base):
    """The one row that moves business time in the sandbox."""

    __tablename__ = "clock"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    offset_seconds: Mapped[int] = mapped_column(server_default="0")
