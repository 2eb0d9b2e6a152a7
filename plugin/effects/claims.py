"""Who holds an effect: shops take turns, and only the holder of the lease can make a move.

Leases run on the database's clock. A performer that was paused past its lease comes back to find another uuid in the
row: its moves then change nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from plugin.db import engine as db
from plugin.effects.models import Effect

LEASE_SECONDS = 90  # longer than the slowest call with its retries (plugin.shopify.client)

# The state list is literal text, because only then the planner uses the partial index ix_outbox_due.
OPEN = "state IN ('pending', 'claimed', 'calling')"
DUE = f"{OPEN} AND patient = :patient AND next_attempt_at <= statement_timestamp()"
# Materialized: a plan that runs the inner SELECT once for each row it tries would take several.
TAKE = """
    WITH wanted AS MATERIALIZED ({wanted} FOR UPDATE SKIP LOCKED)
    UPDATE outbox SET state = 'claimed', lease = gen_random_uuid(), attempts = outbox.attempts + 1,
        lapses = outbox.lapses + (outbox.state <> 'pending')::int,
        next_attempt_at = clock_timestamp() + make_interval(secs => :lease)
    FROM wanted WHERE outbox.shop_id = wanted.shop_id AND outbox.id = wanted.id
    RETURNING outbox.shop_id, outbox.id, kind, payload, attempts, lapses, outbox.lease, result,
        called_at IS NOT NULL AS called
"""
# From shop to shop over ix_outbox_due, whose order is asked for so that no other index is taken: a million rows of one
# shop cost what ten do. Scalar subqueries, because EXISTS would be turned into a join over everything due.
SHOPS = f"""
    WITH RECURSIVE waiting AS (
        (SELECT shop_id FROM outbox WHERE {OPEN} AND patient = :patient
         ORDER BY shop_id, urgent DESC, next_attempt_at LIMIT 1)
        UNION ALL
        SELECT (SELECT shop_id FROM outbox WHERE {OPEN} AND patient = :patient AND shop_id > waiting.shop_id
                ORDER BY shop_id, urgent DESC, next_attempt_at LIMIT 1)
        FROM waiting WHERE shop_id IS NOT NULL)
    SELECT shop_id, (SELECT true FROM outbox WHERE shop_id = waiting.shop_id AND urgent AND {DUE} LIMIT 1) AS urgent
    FROM waiting WHERE (SELECT true FROM outbox WHERE shop_id = waiting.shop_id AND {DUE} LIMIT 1)
"""
NEXT_OF_SHOP = f"""
    SELECT shop_id, id FROM outbox WHERE shop_id = :shop AND {DUE} ORDER BY urgent DESC, next_attempt_at LIMIT 1
"""
THIS_ONE = f"""
    SELECT shop_id, id FROM outbox WHERE shop_id = :shop AND id = :id AND {OPEN}
    AND (state = 'pending' OR next_attempt_at <= statement_timestamp())
"""


@dataclass(frozen=True)
class Claim:
    """An effect held by this process until its lease ends. `called`: an earlier call's outcome is not known.

    `taken_at` is the moment of the monotonic clock before the lease began.
    """

    shop_id: int
    id: int
    kind: str
    payload: dict[str, Any]
    attempts: int
    lapses: int
    lease: UUID
    result: dict[str, Any] | None
    called: bool
    taken_at: float


def shops_due(patient: bool = False) -> dict[int, bool]:
    """Shops with (patient) effects that are due, and whether somebody waits for one of them."""
    with db.system_transaction() as session:
        return {row.shop_id: bool(row.urgent) for row in session.execute(text(SHOPS), {"patient": patient})}


def claim_of(shop_id: int, patient: bool = False) -> Claim | None:
    """The next of a shop: what somebody waits for, then what has been due longest. None when others hold the rest."""
    return _take(shop_id, NEXT_OF_SHOP, patient=patient)


def claim_one(shop_id: int, effect_id: int) -> Claim | None:
    """This effect, due or not; None when it is finished or somebody holds it."""
    return _take(shop_id, THIS_ONE, id=effect_id)


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


def _take(shop_id: int, wanted: str, **values: Any) -> Claim | None:
    taken_at = monotonic()
    with db.transaction(shop_id) as session:
        taking = text(TAKE.format(wanted=wanted))
        row = session.execute(taking, {"lease": LEASE_SECONDS, "shop": shop_id} | values).first()
    return None if row is None else Claim(**row._mapping, taken_at=taken_at)
