"""Sending what is due: one connection for a batch, and one commit that tells the last fates and begins what follows.

Invariant: a marketing mail is called at most once. `sending` is committed just before the call. A server that takes its
time gets mails begun one by one, so a process that dies leaves at most one as `unknown`; to a fast one go as many as it
takes in `GROUP_SECONDS`, at most `GROUP`. What is unknown is listed and never repeated; a service mail is repeated with
the same Message-ID. A mail server that does not answer several times in a row is left alone by all processes
(plugin.effects.breakers); what waits then costs no try.
"""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic
from typing import Any, Final, cast

import structlog
from sqlalchemy import Table, func, text, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from plugin import clock
from plugin.config import config
from plugin.db import engine as db
from plugin.effects import breakers
from plugin.effects.breakers import MAIL_SERVER
from plugin.errors import Invalid, RegularsError
from plugin.mail import envelope, smtp
from plugin.mail.errors import Away, NotAccepted, Rejected, TooLate, Unanswered
from plugin.messages import rules
from plugin.messages.claiming import BATCH, LAST_SECONDS, LEASE_SECONDS, Ready, claim
from plugin.messages.models import Message
from plugin.messages.suppressing import suppress
from plugin.shops import queries as shops

MESSAGES: Final = cast(Table, Message.__table__)  # plain SQL: a mail has two of these, and no objects to keep in step
COLUMNS: Final = MESSAGES.c
# From shop to shop over ix_messages_due: a million mails of one shop cost what ten do (as in plugin.effects.claims).
WAITING: Final = "state IN ('queued', 'sending')"
SHOPS: Final = text(f"""
    WITH RECURSIVE waiting AS (
        (SELECT shop_id FROM messages WHERE {WAITING} ORDER BY shop_id, next_attempt_at LIMIT 1)
        UNION ALL
        SELECT (SELECT shop_id FROM messages WHERE {WAITING} AND shop_id > waiting.shop_id
                ORDER BY shop_id, next_attempt_at LIMIT 1)
        FROM waiting WHERE shop_id IS NOT NULL)
    SELECT shop_id FROM waiting
    WHERE (SELECT true FROM messages
           WHERE shop_id = waiting.shop_id AND {WAITING} AND next_attempt_at <= statement_timestamp() LIMIT 1)
""")
BATCH_SECONDS: Final = 45.0  # well below a task's time limit
PAUSE: Final = timedelta(minutes=1)  # for the rest of a batch when the server is away
GROUP: Final = 10  # of these a kill leaves the fate unknown
GROUP_SECONDS = 0.1
_BEGIN: Final = text("""
    UPDATE messages SET state = 'sending', attempts = attempts + 1,
        next_attempt_at = clock_timestamp() + make_interval(secs => :lease_seconds)
    FROM unnest(CAST(:ids AS bigint[]), CAST(:leases AS uuid[])) AS mine (id, lease)
    WHERE shop_id = :shop AND messages.id = mine.id AND messages.lease = mine.lease AND state = 'queued'
    RETURNING messages.id
""")
_SENT: Final = text("""
    UPDATE messages SET state = 'sent', reason = NULL, value = NULL, next_attempt_at = clock_timestamp(),
        sent_at = :now, lease = NULL
    FROM unnest(CAST(:ids AS bigint[]), CAST(:leases AS uuid[])) AS mine (id, lease)
    WHERE shop_id = :shop AND messages.id = mine.id AND messages.lease = mine.lease AND state IN ('sending', 'unknown')
""")

log = structlog.get_logger()
_last_served = 0


@dataclass(frozen=True)
class Outcome:
    """What is known about one call."""

    id: int
    lease: uuid.UUID
    state: str  # sent, failed, unknown, or queued for another try
    reason: str | None = None
    value: dict[str, Any] = field(default_factory=dict)
    wait: timedelta = timedelta()
    bounced: str | None = None  # the address nobody lives at
    server_away: bool = False
    silent: bool = False  # the server gave no answer to something we said
    tried: bool = True
    called: bool = True


def send_due(seconds: float = 20.0) -> int:
    """Send what is due in any shop for about `seconds`; how many messages were taken up.

    One batch of each shop, then the next round: no shop waits for another's announcement to all its customers.
    """
    global _last_served
    ends, taken, over = monotonic() + seconds, 0, set[int]()
    while waiting := [shop_id for shop_id in _shops_with_due() if shop_id not in over]:
        for shop_id in sorted(waiting, key=lambda shop_id: (shop_id <= _last_served, shop_id)):
            if monotonic() >= ends:
                return taken
            batch = _try_batch(shop_id)
            taken, _last_served = taken + batch, shop_id
            if not batch:
                over.add(shop_id)
    return taken


def _try_batch(shop_id: int) -> int:
    """One shop's trouble must not hold up the others: it is logged and looked at again with the next sweep."""
    try:
        return send_batch(shop_id)
    except (SQLAlchemyError, RegularsError) as error:
        log.error("mails were not sent", shop_id=shop_id, error=type(error).__name__, words=str(error)[:300])
        return 0


def send_batch(shop_id: int) -> int:
    """Claim and send one batch of a shop; how many were claimed. While the server is tried again, a batch of one."""
    with db.transaction(shop_id) as session:
        entry = breakers.enter(session, MAIL_SERVER)
        ready = [] if entry.wait else claim(session, shops.shop(session), 1 if entry.probe else BATCH)
    if ready:
        _deliver(shop_id, ready, entry.spotless)
    return len(ready)


def _shops_with_due() -> list[int]:
    with db.system_transaction() as session:
        return list(session.execute(SHOPS).scalars())


def _deliver(shop_id: int, ready: Sequence[Ready], spotless: bool = False) -> None:
    """Hand the letters over one after another; the fates of a group are committed with the beginning of the next."""
    fates: list[Outcome] = []
    last: Outcome | None = None
    size, waiting, ends = 1, deque(ready), monotonic() + BATCH_SECONDS
    with smtp.connection(config().smtp_url) as connection:
        while waiting and monotonic() < ends and not (last and last.server_away):
            group = [waiting.popleft() for _ in range(min(size, len(waiting)))]
            begun, started = _begin(shop_id, group, fates), monotonic()
            fates = _call_each(connection, begun, ends)
            last = next((fate for fate in reversed(fates) if fate.called), last)
            size = _fitting(len(fates), monotonic() - started)
    with db.transaction(shop_id) as session:
        _store(session, fates)
        _release(session, waiting)
        _remember_server(session, last, spotless)


def _fitting(calls: int, seconds: float) -> int:
    """How many mails go out in GROUP_SECONDS when `calls` took `seconds`: at least one, at most GROUP."""
    return max(1, min(GROUP, int(calls * GROUP_SECONDS / max(seconds, 1e-6))))


def _begin(shop_id: int, group: Sequence[Ready], before: Sequence[Outcome]) -> list[Ready]:
    """Commit `sending` of those that are still ours and still wanted (a "no" skips what waits)."""
    with db.transaction(shop_id) as session:
        _store(session, before)
        begun = set(session.execute(_BEGIN, _mine(session, group) | {"lease_seconds": LEASE_SECONDS}).scalars())
    return [each for each in group if each.id in begun]


def _call_each(connection: smtp.Connection, begun: Sequence[Ready], ends: float) -> list[Outcome]:
    """Call one after another; what is left when the server goes away or the time is over was not called."""
    fates: list[Outcome] = []
    until = monotonic() + LEASE_SECONDS - LAST_SECONDS
    for each in begun:
        if fates and (fates[-1].server_away or monotonic() >= ends):
            fates += [_not_called(left, fates[-1]) for left in begun[len(fates) :]]
            break
        fates.append(_call(connection, each, until))
    return fates


def _call(connection: smtp.Connection, ready: Ready, until: float) -> Outcome:
    letter = ready.letter
    try:
        connection.send(envelope.build(letter), letter.sender_email, letter.recipient, until)
    except Invalid as error:
        return Outcome(ready.id, ready.lease, "failed", "address", {"words": str(error)})
    except Rejected as error:
        return _rejected(ready, error)
    except TooLate as error:
        return _retried(ready, "not_accepted", error)
    except Away as error:
        return _not_tried(ready, error)
    except NotAccepted as error:
        return _retried(ready, "not_accepted", error, server_away=error.code in (0, 421))
    except Unanswered as error:
        return _unanswered(ready, error)
    return Outcome(ready.id, ready.lease, "sent")


def _rejected(ready: Ready, error: Rejected) -> Outcome:
    bounced = ready.letter.recipient if error.no_such_address else None
    rule = "bounced" if bounced else "rejected"
    return Outcome(ready.id, ready.lease, "failed", rule, {"words": str(error)}, bounced=bounced)


def _unanswered(ready: Ready, error: Unanswered) -> Outcome:
    if ready.marketing:
        return Outcome(ready.id, ready.lease, "unknown", "unanswered", {"words": str(error)}, silent=True)
    return _retried(ready, "unanswered", error, silent=True)


def _not_tried(ready: Ready, error: Away) -> Outcome:
    """There was nobody to hand it to: that is no try of this mail."""
    words = {"words": str(error)}
    return Outcome(
        ready.id, ready.lease, "queued", "not_accepted", words, PAUSE, server_away=True, silent=True, tried=False
    )


def _not_called(ready: Ready, last: Outcome) -> Outcome:
    """It was begun behind one that was the last for now."""
    reason, words = ("not_accepted", last.value) if last.server_away else (None, {})
    return Outcome(ready.id, ready.lease, "queued", reason, words, PAUSE, tried=False, called=False)


def _retried(ready: Ready, rule: str, error: Exception, server_away: bool = False, silent: bool = False) -> Outcome:
    """Queued for another try with growing patience, or given up."""
    tries = ready.attempts + 1
    last = "unknown" if rule == "unanswered" else "failed"
    state = "queued" if rules.may_retry(ready.marketing, tries) else last
    words = {"words": str(error)}
    pause = rules.retry_after(tries)
    return Outcome(
        ready.id, ready.lease, state, rule, words, pause, server_away=server_away, silent=silent or server_away
    )


def _store(session: Session, outcomes: Sequence[Outcome]) -> None:
    """Write what is known; late news may only move a message forward."""
    if sent := [each for each in outcomes if each.state == "sent"]:
        session.execute(_SENT, _mine(session, sent) | {"now": clock.now(session)})
    for outcome in outcomes:
        if outcome.state != "sent":
            _store_trouble(session, outcome)


def _mine(session: Session, messages: Sequence[Ready] | Sequence[Outcome]) -> dict[str, Any]:
    """What tells messages that are still ours."""
    ids, leases = [each.id for each in messages], [each.lease for each in messages]
    return {"shop": session.info["shop_id"], "ids": ids, "leases": leases}


def _store_trouble(session: Session, outcome: Outcome) -> None:
    mine = COLUMNS.id == outcome.id, COLUMNS.lease == outcome.lease, COLUMNS.state.in_(("sending", "unknown"))
    columns: dict[str, Any] = {"state": outcome.state, "reason": outcome.reason, "value": outcome.value or None}
    columns["next_attempt_at"] = _later(outcome.wait.total_seconds())
    if outcome.state == "unknown":
        columns["sent_at"] = clock.now(session)
    if outcome.state != "unknown":
        columns["lease"] = None
    if not outcome.tried:
        columns["attempts"] = COLUMNS.attempts - 1
    if _change(session, mine, columns) and outcome.bounced:
        suppress(session, shops.shop(session), outcome.bounced, rules.ALL, "bounced")


def _release(session: Session, rest: Collection[Ready]) -> None:
    """The server is away or slow: what was claimed and not begun waits a minute."""
    if rest:
        mine = COLUMNS.lease.in_([each.lease for each in rest]), COLUMNS.state == "queued"
        _change(session, mine, {"lease": None, "next_attempt_at": _later(PAUSE.total_seconds())})


def _remember_server(session: Session, last: Outcome | None, spotless: bool) -> None:
    """What the last call says about the mail server: a no is an answer too."""
    if last is not None and last.silent:
        breakers.silent(session, MAIL_SERVER, str(last.value.get("words", "")))
    elif last is not None and not spotless:
        breakers.answered(session, MAIL_SERVER)


def _change(session: Session, where: Sequence[Any], columns: dict[str, Any]) -> bool:
    of_shop = COLUMNS.shop_id == session.info["shop_id"]
    changed = update(MESSAGES).where(of_shop, *where).values(columns)
    return session.connection().execute(changed.returning(COLUMNS.id)).first() is not None


def _later(seconds: float) -> Any:
    return func.clock_timestamp() + timedelta(seconds=seconds)
