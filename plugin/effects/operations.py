"""Recording what must happen outside. Nothing leaves here: an effect is performed after the commit.

A key is natural ("code:<redemption>"), so recording twice is recording once. After the commit the doorbell is rung once
a transaction; when nobody hears it, the sweep finds the row.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import BigInteger, Text, Update, any_, cast, func, literal, null, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, Insert, insert
from sqlalchemy.orm import Session

from plugin.effects.models import Effect
from plugin.errors import NotFound
from plugin.jobs.doorbell import ring_after_commit

UNAUTHORIZED = "unauthorized"
GIVEN_BACK = "given_back"  # giving up had its consequences (a reward's points went back): there is nothing left to do
FRESH: dict[str, Any] = {
    "state": "pending",
    "attempts": 0,
    "lapses": 0,
    "next_attempt_at": func.clock_timestamp(),
    "lease": None,
    "result": null(),
    "error": None,
    "reason": None,
    "done_at": None,
}
NOT_OVER = Effect.reason.is_distinct_from(GIVEN_BACK)
KEPT_ANSWER = {name: value for name, value in FRESH.items() if name != "result"}


def record(
    session: Session,
    shop_id: int,
    kind: str,
    key: str,
    payload: Mapping[str, Any],
    again: bool = False,
    urgent: bool = False,
) -> int:
    """The id of the effect (kind, key), made when it is not there; see `record_all`."""
    return record_all(session, shop_id, kind, {key: payload}, again, urgent=urgent)[key]


def record_all(
    session: Session,
    shop_id: int,
    kind: str,
    effects: Mapping[str, Mapping[str, Any]],
    again: bool = False,
    patient: bool = False,
    urgent: bool = False,
) -> dict[str, int]:
    """Record effects of one kind, payload by key; their ids by key.

    With `again` (reads only: `fetch`) one that is finished or being called is opened anew, because its answer may be
    older than what we were just told; one that waits is left, because its answer will be new. `patient` ones, which
    come in hundreds and nobody waits for, let all others go first; `urgent` ones, which somebody waits for, go first.
    """
    if not effects:
        return {}
    keys = sorted(effects)
    made = _insert_many(shop_id, kind, {key: effects[key] for key in keys}, patient, urgent)
    if again:
        answered = Effect.state.not_in(("pending", "claimed"))
        fresh = FRESH | {"payload": made.excluded.payload, "called_at": None}
        made = made.on_conflict_do_update(index_elements=["shop_id", "kind", "key"], set_=fresh, where=answered)
    else:
        made = made.on_conflict_do_nothing(index_elements=["shop_id", "kind", "key"])
    session.execute(made)
    ring_after_commit(session, "effects.perform_due")
    there = select(Effect.key, Effect.id).where(Effect.shop_id == shop_id, Effect.kind == kind)
    return {row.key: row.id for row in session.execute(there.where(Effect.key == any_(literal(keys, ARRAY(Text)))))}


def _insert_many(
    shop_id: int, kind: str, effects: Mapping[str, Mapping[str, Any]], patient: bool, urgent: bool
) -> Insert:
    """One statement with two arrays, whose text is the same for one effect and for five hundred."""
    arrays = [list(effects), [json.dumps(payload) for payload in effects.values()]]
    unnested = func.unnest(*(literal(array, ARRAY(Text)) for array in arrays))
    rows = unnested.table_valued("key", "payload").render_derived()
    shared = literal(shop_id, BigInteger), literal(kind), literal(patient), literal(urgent)
    chosen = select(*shared, rows.c.key, cast(rows.c.payload, JSONB))
    return insert(Effect).from_select(["shop_id", "kind", "patient", "urgent", "key", "payload"], chosen)


def rewrite(session: Session, shop_id: int, kind: str, keys: Collection[str], changes: Mapping[str, Any]) -> None:
    """Change the payload of effects that wait. One that is being called goes on with what it was given."""
    waiting = Effect.shop_id == shop_id, Effect.kind == kind, Effect.key.in_(keys)
    changed = Effect.payload.op("||")(literal(dict(changes), JSONB))
    session.execute(update(Effect).where(*waiting, Effect.state.in_(("pending", "claimed"))).values(payload=changed))


def retry(session: Session, shop_id: int, effect_id: int, did_not_happen: bool = False) -> None:
    """Open a failed or unknown effect anew, at an admin's word. Raises NotFound for any other.

    An unknown one is looked up first, and stays unknown when that is impossible; `did_not_happen` says that the admin
    looked: then it is called again.
    """
    stuck = Effect.shop_id == shop_id, Effect.id == effect_id, Effect.state.in_(("failed", "unknown")), NOT_OVER
    columns = KEPT_ANSWER | ({"called_at": None} if did_not_happen else {})
    if session.execute(update(Effect).where(*stuck).values(columns).returning(Effect.id)).first() is None:
        raise NotFound("There is no such task that failed. It may have been done meanwhile.")
    ring_after_commit(session, "effects.perform_due")


def retry_all(session: Session, shop_id: int, kinds: Collection[str] | None = None) -> int:
    """Open anew all that failed (of some kinds), at an admin's word; how many. Unknown ones are opened one by one."""
    failed = update(Effect).where(Effect.shop_id == shop_id, text("outbox.state = 'failed'"), NOT_OVER)
    return _opened(session, failed if kinds is None else failed.where(Effect.kind.in_(kinds)))


def reopen(session: Session, shop_id: int) -> int:
    """Open anew what failed because the store did not accept our token, now that it does; how many."""
    failed = text("outbox.state = 'failed'"), Effect.reason == UNAUTHORIZED
    return _opened(session, update(Effect).where(Effect.shop_id == shop_id, *failed))


def _opened(session: Session, stuck: Update) -> int:
    opened = session.execute(stuck.values(KEPT_ANSWER).returning(Effect.id)).all()
    if opened:
        ring_after_commit(session, "effects.perform_due")
    return len(opened)
