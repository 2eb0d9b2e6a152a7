"""The list of who must not be written to, and its reach into what already waits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Text, any_, literal, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from plugin import clock
from plugin.messages import rules
from plugin.messages.models import Message, Suppression
from plugin.shops import veils
from plugin.shops.models import Shop

# Arrays, so that the statement reads the same for one address and for a thousand: a placeholder each costs more than
# the writing.
_SUPPRESS = text("""
    INSERT INTO suppressions AS s (shop_id, email, scope, reason, created_at)
    SELECT :shop, said.email, :scope, :reason, said.at
    FROM unnest(CAST(:emails AS text[]), CAST(:moments AS timestamptz[])) AS said (email, at)
    ON CONFLICT (shop_id, email, scope) DO UPDATE SET reason = EXCLUDED.reason, created_at = EXCLUDED.created_at
        WHERE s.reason <> ALL (CAST(:unreachable AS text[])) AND (:dead OR s.created_at < EXCLUDED.created_at)
""")


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
    values = {
        "shop": shop.id,
        "scope": scope,
        "reason": reason,
        "emails": addresses,
        "moments": [since[email] or now for email in addresses],
        "unreachable": sorted(rules.UNREACHABLE),
        "dead": reason in rules.UNREACHABLE,
    }
    session.execute(_SUPPRESS, values)
    _skip_waiting(session, shop, addresses, scope, reason)


def lift(session: Session, shop: Shop, email: str, scope: str, before: datetime | None = None) -> bool:
    """Take an address off the list again (only where a person's word put it there, and before `before`)."""
    return bool(lift_many(session, shop, {email: before}, scope))


def lift_many(session: Session, shop: Shop, emails: dict[str, datetime | None], scope: str) -> list[str]:
    """`lift` for many addresses, each with the moment of its "yes"; the addresses that were lifted."""
    said = {rules.address(email): moment for email, moment in emails.items()}
    moments = {name: said[email] for name, email in veils.listed_as(session, shop.id, said).items()}
    listed = session.scalars(
        select(Suppression)
        .where(
            Suppression.shop_id == shop.id,
            Suppression.scope == scope,
            Suppression.email == any_(literal(sorted(moments), ARRAY(Text))),
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
    ended = _waiting(shop).where(Message.email == any_(literal(addresses, ARRAY(Text))))
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
