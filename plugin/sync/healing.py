"""What became of the findings of a check.

An answer that changed nothing but the version shows that there was no difference; one that changed more has healed it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from plugin.shops.models import Shop
from plugin.sync.batch import fetch_key
from plugin.sync.comparing import KINDS
from plugin.sync.models import DriftCheck

LONGEST = timedelta(minutes=30)  # for an answer; the next check finds what was not answered
_ANSWERED = """
    SELECT f.key, f.reason, f.before, e.state AS effect, e.result, i.state AS row,
        ours.deleted_at IS NOT NULL AS deleted, {digests} AS now,
        f.found_at < clock_timestamp() - :longest AS too_late
    FROM drift_findings f
    LEFT JOIN outbox e ON e.shop_id = f.shop_id AND e.kind = 'fetch' AND e.key = :object || ':' || f.store_id
    LEFT JOIN inbox i ON i.shop_id = f.shop_id AND i.webhook_id = e.result->>'webhook_id'
    LEFT JOIN {table} ours ON ours.shop_id = f.shop_id AND ours.{key} = CAST(f.key AS {key_type})
    WHERE f.shop_id = :shop AND f.check_id = :check AND f.outcome = 'open'
"""
_SETTLE = text("""
    UPDATE drift_findings SET outcome = :outcome, groups = :groups, reason = :reason, before = NULL,
        settled_at = clock_timestamp()
    WHERE shop_id = :shop AND check_id = :check AND key = :key
""")
_OPEN = text("""
    SELECT store_id FROM drift_findings WHERE shop_id = :shop AND check_id = :check AND outcome = 'open'
""")


def settle(session: Session, shop: Shop, check: DriftCheck) -> int:
    """Close the findings whose answer was applied (or will not come); how many are still open."""
    kind = KINDS[check.object]
    pieces = {"digests": kind.digests, "table": kind.table, "key": kind.key, "key_type": kind.key_type}
    values = {"shop": shop.id, "check": check.id, "object": check.object, "longest": LONGEST}
    found = session.execute(text(_ANSWERED.format(**pieces)), values).all()
    settled = [_settled(row) | {"shop": shop.id, "check": check.id, "key": row.key} for row in found if _is_over(row)]
    if settled:
        session.execute(_SETTLE, settled)
    return len(found) - len(settled)


def still_asked(session: Session, check: DriftCheck) -> list[str]:
    """Keys of the `fetch` effects that the check waits for."""
    ids = session.execute(_OPEN, {"shop": check.shop_id, "check": check.id}).scalars()
    return [fetch_key(check.object, id) for id in ids]


def _is_over(row: Row[Any]) -> bool:
    if row.effect == "done":
        return bool(row.row != "new" or row.too_late)
    return bool(row.effect in ("failed", "unknown", None) or row.too_late)


def _settled(row: Row[Any]) -> dict[str, Any]:
    """The columns of the finding as it ends."""
    told = row.effect == "done" and row.result.get("webhook_id") is not None
    if row.effect == "done" and not told:
        return _ended(row, "hidden")
    if not told or row.row not in ("done", None):
        return _ended(row, "failed")
    if row.deleted:
        return _ended(row, "healed") | {"reason": "gone"}
    changed = [group for group, digest in (row.now or {}).items() if (row.before or {}).get(group) != digest]
    if row.before is None:
        return _ended(row, "healed")
    return _ended(row, "healed" if changed else "same") | {"groups": sorted(changed)}


def _ended(row: Row[Any], outcome: str) -> dict[str, Any]:
    return {"outcome": outcome, "groups": [], "reason": row.reason}
