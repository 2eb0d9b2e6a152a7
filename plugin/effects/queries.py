"""Effects as the panel shows them: what waits, what failed, what nobody knows, and whether the outside answers."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from plugin.db import keyset
from plugin.db.keyset import Key, Order, Page
from plugin.effects.models import Effect
from plugin.effects.operations import NOT_OVER

# Literal, for the partial indexes ix_outbox_stuck and ix_outbox_due, which begins with `patient`: so both are named.
STUCK = text("outbox.state IN ('failed', 'unknown')")
WAITING = text("outbox.state IN ('pending', 'claimed', 'calling') AND outbox.patient IN (false, true)")
FAILED, DONE = text("outbox.state = 'failed'"), text("outbox.state = 'done'")
VIEWS = {"stuck": STUCK, "waiting": WAITING, "done": DONE}
NEWEST_FIRST = Order(Effect.id, Effect.id)


@dataclass(frozen=True)
class Wanted:
    """Which effects a list shows: one of VIEWS, of some kinds (None for all), or with exactly this key."""

    view: str = "stuck"
    kinds: Collection[str] | None = None
    key: str = ""


def listed(
    session: Session, shop_id: int, wanted: Wanted, after: Key | None = None, before: Key | None = None, size: int = 50
) -> Page:
    """One page of effects, newest first."""
    rows = select(Effect).where(Effect.shop_id == shop_id, VIEWS[wanted.view])
    if wanted.key:
        rows = rows.where(Effect.key == wanted.key)
    elif wanted.kinds is not None:
        rows = rows.where(Effect.kind.in_(wanted.kinds))
    return keyset.page(session, rows, NEWEST_FIRST, after=after, before=before, size=size)


def counts(session: Session, shop_id: int) -> dict[str, int]:
    """How many effects are in each state that is not `done`."""
    of_shop = Effect.shop_id == shop_id
    found: dict[str, int] = {}
    for some in (STUCK, WAITING):
        rows = session.execute(select(Effect.state, func.count()).where(of_shop, some).group_by(Effect.state))
        found |= dict(iter(rows))
    return found


def failed_count(session: Session, shop_id: int, kinds: Collection[str] | None = None) -> int:
    """How many effects failed (of some kinds) that may be tried again."""
    rows = select(func.count()).select_from(Effect).where(Effect.shop_id == shop_id, STUCK, FAILED, NOT_OVER)
    return session.execute(rows if kinds is None else rows.where(Effect.kind.in_(kinds))).scalar_one()


def stuck_count(session: Session, shop_id: int) -> int:
    """How many effects failed, or may have happened without an answer."""
    rows = select(func.count()).select_from(Effect).where(Effect.shop_id == shop_id, STUCK)
    return session.execute(rows).scalar_one()


def one(session: Session, shop_id: int, kind: str, key: str) -> Effect | None:
    """The effect with this natural key."""
    return session.scalar(select(Effect).where(Effect.shop_id == shop_id, Effect.kind == kind, Effect.key == key))
