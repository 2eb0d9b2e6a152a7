"""Taking due messages: each is judged again, rendered, and leased, in one transaction.

queued → queued with a lease (claimed) → sending (committed just before the call) → sent | failed | unknown.
Only `sending` can become `unknown`; what was merely claimed is claimed again when its lease has run out.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from plugin import clock
from plugin.errors import Invalid
from plugin.mail.envelope import Letter
from plugin.messages import letters, renderer, rules, standing, template_store
from plugin.messages.models import Message
from plugin.messages.rendering import Rendered
from plugin.messages.rules import Standing, Stop
from plugin.shops.models import Shop

BATCH: Final = 50
LEASE_SECONDS: Final = 300  # longer than all time-outs of one mail together (plugin/mail/smtp.py)
LAST_SECONDS: Final = 60  # of a lease, in which no text is handed over any more: the answer takes at most half of it
_LEASE: Final = text("""
    UPDATE messages SET state = 'queued', lease = :lease, message_id = :message_id,
        next_attempt_at = clock_timestamp() + make_interval(secs => :seconds),
        subject = :subject, html = :html, text = :text
    WHERE shop_id = :shop AND id = :id
""")
CUT_OFF: Final = "The program ended after the text was handed over or while it was."

Check = Callable[[Session, Shop, Sequence[Message]], dict[int, Stop]]
_checks: dict[str, Check] = {}


@dataclass(frozen=True)
class Ready:
    """A claimed message: its letter and the lease every later step compares."""

    id: int
    lease: uuid.UUID
    marketing: bool
    attempts: int  # calls begun before this one
    letter: Letter


def use(checks: Mapping[str, Check]) -> None:
    """Said once by the composition root: what each kind of message asks again just before it goes out."""
    _checks.clear()
    _checks.update(checks)


def claim(session: Session, shop: Shop, most: int = BATCH) -> list[Ready]:
    """Take up to `most` due messages of a shop; those that must not go out are skipped with the reason."""
    due = _due(session, shop, most)
    waiting = [message for message in due if message.state == "queued" or _again(message, clock.now(session))]
    customers = standing.people(session, shop, waiting)
    stops = _stops(session, shop, waiting, standing.standings(session, shop, waiting, customers))
    for message in waiting:
        if message.id in stops:
            end(message, "skipped", stops[message.id])
    going = [message for message in waiting if message.id not in stops]
    contexts = [letters.context(shop, message, customers.get(message.id)) for message in going]
    mails = _rendered(session, shop, going, contexts)
    now = clock.now(session)
    ready = [_made(shop, message, mail, now) for message, mail in zip(going, mails, strict=True)]
    session.flush()
    return _leased(session, shop, [each for each in ready if each])


def end(message: Message, state: str, why: Stop) -> None:
    """Nothing more happens to this message."""
    message.state, message.reason, message.value, message.lease = state, why.rule, why.value, None


def _due(session: Session, shop: Shop, most: int) -> list[Message]:
    due = (
        select(Message)
        .where(
            Message.shop_id == shop.id,
            text("messages.state IN ('queued', 'sending')"),  # literal, for the partial index
            Message.next_attempt_at <= func.statement_timestamp(),
        )
        .order_by(Message.next_attempt_at)
        .limit(most)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    return list(session.scalars(due))


def _again(message: Message, now: datetime) -> bool:
    """A call that was cut off: marketing is never repeated, a service mail is, with the same Message-ID."""
    if not message.marketing and rules.may_retry(False, message.attempts):
        return True
    message.state, message.reason, message.value = "unknown", "cut_off", {"words": CUT_OFF}
    message.sent_at = now
    return False


def _stops(
    session: Session, shop: Shop, messages: Sequence[Message], standings: Mapping[int, Standing]
) -> dict[int, Stop]:
    """Why messages must not go out: the shop left, the person's word, the cap, and what their kind asks."""
    if shop.uninstalled_at is not None:
        return {message.id: Stop("uninstalled") for message in messages}
    stops = _refused(shop, messages, standings)
    for kind, check in _checks.items():
        asked = [message for message in messages if message.kind == kind and message.id not in stops]
        stops |= check(session, shop, asked) if asked else {}
    return stops


def _refused(shop: Shop, messages: Sequence[Message], standings: Mapping[int, Standing]) -> dict[int, Stop]:
    """The generic rules; a batch may hold several mails to one person, and each counts for the next."""
    most = int((shop.settings or {}).get("marketing_per_week") or rules.FREQUENCY_MAX)
    stops: dict[int, Stop] = {}
    taken: dict[str, int] = {}
    for message in messages:
        known = standings[message.id]
        earlier = known.marketing_count + taken.get(message.email, 0)
        stop = rules.refusal(message.marketing, message.scope, replace(known, marketing_count=earlier), most)
        if stop:
            stops[message.id] = stop
        elif message.marketing:
            taken[message.email] = taken.get(message.email, 0) + 1
    return stops


def _rendered(
    session: Session, shop: Shop, messages: Sequence[Message], contexts: Sequence[dict[str, Any]]
) -> list[Rendered | Invalid]:
    templates = template_store.compiled(session, shop, [message.template for message in messages])
    names = [template_store.name_of(message.template) for message in messages]
    jobs = [
        renderer.Job(name, context, message.template.get("subject"))
        for message, name, context in zip(messages, names, contexts, strict=True)
        if name in templates
    ]
    mails = iter(renderer.render_all(templates, jobs))
    return [next(mails) if name in templates else Invalid("The template is gone.") for name in names]


def _made(shop: Shop, message: Message, mail: Rendered | Invalid, now: datetime) -> Ready | None:
    if isinstance(mail, Invalid):
        end(message, "failed", Stop("template", {"words": str(mail)}))
        return None
    letter = letters.letter(shop, message, mail, now)
    return Ready(message.id, uuid.uuid4(), message.marketing, message.attempts, letter)


def _leased(session: Session, shop: Shop, ready: list[Ready]) -> list[Ready]:
    """Keep what goes out with its lease. Not through the objects, which would write them one by one."""
    rows = [
        {"shop": shop.id, "id": each.id, "lease": each.lease, "seconds": LEASE_SECONDS}
        | {name: getattr(each.letter, name) for name in ("message_id", "subject", "html", "text")}
        for each in ready
    ]
    if rows:
        session.connection().execute(_LEASE, rows)
    return ready
