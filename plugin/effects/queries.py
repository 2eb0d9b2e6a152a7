"""Effects as the panel shows them: what waits, what failed, what nobody knows."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from plugin.effects.models import Effect

STUCK = text("outbox.state IN ('failed', 'unknown')")  # literal, for the partial index ix_outbox_stuck


def stuck(session: Session, shop_id: int, before: int | None = None, limit: int = 50) -> Sequence[Effect]:
    """Effects that failed or whose outcome is not known, newest first; `before` is the last id of the page above."""
    rows = select(Effect).where(Effect.shop_id == shop_id, STUCK)
    if before is not None:
        rows = rows.where(Effect.id < before)
    return session.scalars(rows.order_by(Effect.id.desc()).limit(limit)).all()


def counts(session: Session, shop_id: int) -> dict[str, int]:
    """How many effects are in each state that is not `done`."""
    unfinished = Effect.shop_id == shop_id, Effect.state != "done"
    rows = session.execute(select(Effect.state, func.count().label("number")).where(*unfinished).group_by(Effect.state))
    return {row.state: row.number for row in rows}


def one(session: Session, shop_id: int, kind: str, key: str) -> Effect | None:
    """The effect with this natural key."""
    return session.scalar(select(Effect).where(Effect.shop_id == shop_id, Effect.kind == kind, Effect.key == key))
