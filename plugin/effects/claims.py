"""Who holds an effect: claiming by partial index, and moves that only the holder of the lease can make.

Leases run on the database's clock. A performer that was paused past its lease comes back to find another uuid in the
row: its moves then change nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select, text, update
from sqlalchemy.orm import Session

from plugin.db import engine as db
from plugin.effects.models import Effect

LEASE_SECONDS = 90  # longer than the slowest call with its retries (plugin.shopify.client)

# The state list is literal text, because only then the planner uses the partial index ix_outbox_due.
OPEN = "state IN ('pending', 'claimed', 'calling')"
TAKE = """
    UPDATE outbox SET state = 'claimed', lease = gen_random_uuid(), attempts = outbox.attempts + 1,
        next_attempt_at = clock_timestamp() + make_interval(secs => :lease)
    FROM ({wanted} FOR UPDATE SKIP LOCKED) AS wanted
    WHERE outbox.shop_id = wanted.shop_id AND outbox.id = wanted.id
    RETURNING outbox.shop_id, outbox.id, kind, payload, attempts, outbox.lease, result, called_at IS NOT NULL AS called
"""
NEXT_DUE = f"""
    SELECT shop_id, id FROM outbox WHERE {OPEN} AND patient = :patient AND next_attempt_at <= statement_timestamp()
    ORDER BY next_attempt_at LIMIT 1
"""
THIS_ONE = f"""
    SELECT shop_id, id FROM outbox WHERE shop_id = :shop AND id = :id AND {OPEN}
    AND (state = 'pending' OR next_attempt_at <= statement_timestamp())
"""


@dataclass(frozen=True)
class Claim:
    """An effect held by this process until its lease ends. `called`: an earlier call's outcome is not known."""

    shop_id: int
    id: int
    kind: str
    payload: dict[str, Any]
    attempts: int
    lease: UUID
    result: dict[str, Any] | None
    called: bool


def claim_next(patient: bool = False) -> Claim | None:
    """The (patient) effect that has been due longest, of any shop; None when none is due or others hold it."""
    values = {"lease": LEASE_SECONDS, "patient": patient}
    with db.system_transaction() as session:
        return _claim(session.execute(text(TAKE.format(wanted=NEXT_DUE)), values).first())


def claim_one(shop_id: int, effect_id: int) -> Claim | None:
    """This effect, due or not; None when it is finished or somebody holds it."""
    values = {"lease": LEASE_SECONDS, "shop": shop_id, "id": effect_id}
    with db.transaction(shop_id) as session:
        return _claim(session.execute(text(TAKE.format(wanted=THIS_ONE)), values).first())


def begin_call(claim: Claim) -> bool:
    """Commit that a call is about to be made; False when the claim was lost."""
    lease_end = func.clock_timestamp() + func.make_interval(0, 0, 0, 0, 0, 0, LEASE_SECONDS)
    with db.transaction(claim.shop_id) as session:
        calling = {"state": "calling", "called_at": func.clock_timestamp(), "next_attempt_at": lease_end}
        return move(session, claim, calling)


def move(session: Session, claim: Claim, columns: dict[str, Any]) -> bool:
    """Change the claimed row; False, and nothing changes, when the claim was lost."""
    held = Effect.shop_id == claim.shop_id, Effect.id == claim.id, Effect.lease == claim.lease
    return session.execute(update(Effect).where(*held).values(columns).returning(Effect.id)).first() is not None


def state_of(shop_id: int, effect_id: int) -> str:
    """The state of an effect as committed now."""
    with db.transaction(shop_id) as session:
        there = select(Effect.state).where(Effect.shop_id == shop_id, Effect.id == effect_id)
        return session.execute(there).scalar_one()


def _claim(row: Row[Any] | None) -> Claim | None:
    return None if row is None else Claim(**row._mapping)
