"""Another chance for webhooks, asked for by a person: an admin for those that were parked, an operator for any."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from plugin.db import engine as db
from plugin.errors import NotFound, Refused
from plugin.jobs.doorbell import ring_after_commit
from plugin.shops.models import Shop
from plugin.sync.models import Inbox

AFRESH = {"state": "new", "error": None, "attempts": 0, "next_attempt_at": None, "done_at": None}
PARKED = text("inbox.state IN ('failed', 'quarantined')")  # literals, for the partial index


@dataclass(frozen=True)
class Row:
    """A webhook and what had become of it."""

    shop_id: int
    domain: str
    topic: str
    state: str
    size: int


def replay(inbox_id: int, domain: str | None = None) -> Row:
    """Put one webhook of any shop back in line, whatever its state, and ring; how it was before.

    In transactions of its own. Raises NotFound, or Refused when its body is gone or several shops have such a number.
    """
    rows = [row for row in _rows(inbox_id) if domain in (None, row.domain)]
    if not rows:
        raise NotFound("There is no webhook with the number %(number)s.", number=str(inbox_id))
    if len(rows) > 1:
        domains = ", ".join(row.domain for row in rows)
        raise Refused(
            "Several shops have a webhook of this number: say which with --shop (%(domains)s).", domains=domains
        )
    [row] = rows
    if not row.size:
        raise Refused(
            "What this webhook said is kept no longer. `regulars shop reconcile %(domain)s` asks the store instead.",
            domain=row.domain,
        )
    with db.transaction(row.shop_id) as session:
        session.execute(update(Inbox).where(Inbox.shop_id == row.shop_id, Inbox.id == inbox_id).values(AFRESH))
        ring_after_commit(session, "sync.drain", row.shop_id)
    return row


def _rows(inbox_id: int) -> list[Row]:
    columns = Inbox.shop_id, Shop.domain, Inbox.topic, Inbox.state, func.octet_length(Inbox.body)
    with db.system_transaction() as session:
        found = session.execute(select(*columns).join(Shop, Shop.id == Inbox.shop_id).where(Inbox.id == inbox_id))
        return [Row(*row) for row in found]


def retry(session: Session, shop: Shop, ids: Sequence[int] | None = None) -> int:
    """Put parked webhooks (of these inbox ids, or all) back in line with a clean count; how many there were."""
    wanted = select(Inbox.id).where(Inbox.shop_id == shop.id, PARKED)
    if ids is not None:
        wanted = wanted.where(Inbox.id.in_(ids))
    put_back = update(Inbox).where(Inbox.shop_id == shop.id, Inbox.id.in_(wanted)).values(AFRESH).returning(Inbox.id)
    return len(session.execute(put_back, execution_options={"synchronize_session": False}).all())
