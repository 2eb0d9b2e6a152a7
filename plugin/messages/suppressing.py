"""The list of who must not be written to, and its reach into what already waits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from plugin import clock
from plugin.messages import rules
from plugin.messages.models import Message, Suppression
from plugin.shops.models import Shop


def suppress(session: Session, shop: Shop, email: str, scope: str, reason: str) -> None:
    """Do not write to this address about `scope`, and stop what waits. Dead stays dead; else the last no counts."""
    suppress_many(session, shop, {email: None}, scope, reason)


def suppress_many(session: Session, shop: Shop, emails: Mapping[str, datetime | None], scope: str, reason: str) -> None:
    """`suppress` for many addresses, each with the moment of its "no" (None: now)."""
    since = {rules.address(email): moment for email, moment in emails.items()}
    addresses = sorted(since)
    if not addresses:
        return
    now = clock.now(session)
    lines = [
        {"shop_id": shop.id, "email": email, "scope": scope, "reason": reason, "created_at": since[email] or now}
        for email in addresses
    ]
    new = insert(Suppression).values(lines)
    later = Suppression.created_at < new.excluded.created_at
    session.execute(
        new.on_conflict_do_update(
            index_elements=["shop_id", "email", "scope"],
            set_={"reason": new.excluded.reason, "created_at": new.excluded.created_at},
            where=Suppression.reason.not_in(rules.UNREACHABLE) & (True if reason in rules.UNREACHABLE else later),
        )
    )
    _skip_waiting(session, shop, addresses, scope, reason)


def lift(session: Session, shop: Shop, email: str, scope: str, before: datetime | None = None) -> bool:
    """Take an address off the list again (only where a person's word put it there, and before `before`)."""
    return bool(lift_many(session, shop, {email: before}, scope))


def lift_many(session: Session, shop: Shop, emails: dict[str, datetime | None], scope: str) -> list[str]:
    """`lift` for many addresses, each with the moment of its "yes"; the addresses that were lifted."""
    moments = {rules.address(email): moment for email, moment in emails.items()}
    listed = session.scalars(
        select(Suppression)
        .where(
            Suppression.shop_id == shop.id,
            Suppression.scope == scope,
            Suppression.email.in_(moments),
            Suppression.reason.not_in(rules.UNREACHABLE),
        )
        .with_for_update()
    ).all()
    lifted = [line for line in listed if _before(line.created_at, moments[line.email])]
    for line in lifted:
        session.delete(line)
    session.flush()
    return [line.email for line in lifted]


def stop_subject(session: Session, shop: Shop, subject_kind: str, subject_ids: Iterable[int], reason: str) -> None:
    """Skip the waiting messages about these subjects."""
    session.execute(
        _waiting(shop)
        .where(Message.subject_kind == subject_kind, Message.subject_id.in_(list(subject_ids)))
        .values(reason=reason)
    )


def _skip_waiting(session: Session, shop: Shop, addresses: list[str], scope: str, reason: str) -> None:
    """A dead address ends every waiting mail to it; a person's "no" ends marketing of that scope (or all of it)."""
    ended = _waiting(shop).where(Message.email.in_(addresses))
    if reason not in rules.UNREACHABLE:
        ended = ended.where(Message.marketing)
        ended = ended if scope == rules.ALL else ended.where(Message.scope == scope)
    session.execute(ended.values(reason=reason, value={"scope": scope}))


def _waiting(shop: Shop) -> Any:
    """The update that skips messages nobody is sending yet."""
    return (
        update(Message)
        .where(Message.shop_id == shop.id, Message.state == "queued")
        .values(state="skipped", lease=None)
        .execution_options(synchronize_session=False)
    )


def _before(listed_at: datetime, said_at: datetime | None) -> bool:
    return said_at is None or listed_at <= said_at
