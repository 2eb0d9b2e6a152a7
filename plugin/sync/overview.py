"""What the panel shows of the way in: what came, what waits, what failed and why, and how far the imports are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from plugin.db import keyset
from plugin.shops.models import Shop
from plugin.sync.models import Inbox, SyncRun

DAYS = 7
PARKED = text("inbox.state IN ('failed', 'quarantined')")  # literals, for the partial indexes
WAITING = text("inbox.state = 'new'")


@dataclass(frozen=True)
class Topic:
    """What came of one topic in the last seven days (machine time)."""

    name: str
    received: int
    waiting: int
    failed: int
    last_at: datetime


@dataclass(frozen=True)
class Health:
    """The way in at a glance. `oldest_waiting_at` and `last_at` are machine time."""

    waiting: int
    oldest_waiting_at: datetime | None
    failed: int
    last_at: datetime | None


@dataclass(frozen=True)
class Progress:
    """How far an import is. `share` is None while the total is not known; `rate` in rows a second.

    `left` and `pause` (until it is tried again) are None when there is nothing to say about them.
    """

    run: SyncRun
    share: float | None
    rate: float
    left: timedelta | None
    pause: timedelta | None = None

    @property
    def open(self) -> bool:
        """Whether the run still goes on."""
        return self.run.state in ("waiting", "running")


def topics(session: Session, shop: Shop, now: datetime) -> list[Topic]:
    """What came in during the last seven days, by topic, the latest first."""
    counted = (
        select(
            Inbox.topic,
            func.count(),
            func.count().filter(Inbox.state == "new"),
            func.count().filter(Inbox.state.in_(("failed", "quarantined"))),
            func.max(Inbox.received_at),
        )
        .where(Inbox.shop_id == shop.id, Inbox.received_at >= now - timedelta(days=DAYS))
        .group_by(Inbox.topic)
        .order_by(func.max(Inbox.received_at).desc())
    )
    return [Topic(*row) for row in session.execute(counted)]


def health(session: Session, shop: Shop) -> Health:
    """Waiting, failed and latest webhooks; three index look-ups."""
    mine = Inbox.shop_id == shop.id
    waiting = session.execute(select(func.count(), func.min(Inbox.received_at)).where(mine, WAITING)).one()
    failed = session.scalar(select(func.count()).where(mine, PARKED)) or 0
    latest = select(Inbox.received_at).where(mine).order_by(Inbox.received_at.desc()).limit(1)
    return Health(waiting[0], waiting[1], failed, session.scalar(latest))


def parked(
    session: Session,
    shop: Shop,
    *,
    after: keyset.Key | None = None,
    before: keyset.Key | None = None,
    size: int = 25,
) -> keyset.Page:
    """Webhooks that could not be applied, the latest first."""
    statement = select(Inbox).where(Inbox.shop_id == shop.id, PARKED)
    return keyset.page(session, statement, keyset.Order(Inbox.id, Inbox.id), after=after, before=before, size=size)


def imports(session: Session, shop: Shop, now: datetime) -> list[Progress]:
    """The latest backfill of each kind of object, in the order they were started. `now` is machine time."""
    latest = (
        select(func.max(SyncRun.id))
        .where(SyncRun.shop_id == shop.id, SyncRun.kind == "backfill")
        .group_by(SyncRun.object)
    )
    runs = session.scalars(
        select(SyncRun).where(SyncRun.shop_id == shop.id, SyncRun.id.in_(latest)).order_by(SyncRun.id)
    )
    return [progress(run, now) for run in runs]


def progress(run: SyncRun, now: datetime) -> Progress:
    """Share, pace of the last minutes and time left of one run. `now` is machine time."""
    rate = _rate(run, now)
    if run.state == "done":
        return Progress(run, 1.0, rate, None)
    wait = run.next_attempt_at - now if run.trouble and run.next_attempt_at else timedelta()
    pause = wait if wait > timedelta(seconds=1) else None
    if not run.rows_total:
        return Progress(run, None, rate, None, pause)
    left = timedelta(seconds=round((run.rows_total - run.rows_done) / rate)) if rate and not pause else None
    return Progress(run, min(1.0, run.rows_done / run.rows_total), rate, left, pause)


def _rate(run: SyncRun, now: datetime) -> float:
    """Rows a second, in the stretch that the run measures itself by, or since its start."""
    since, before = (run.paced_at, run.paced_rows) if run.paced_at else (run.started_at, 0)
    elapsed = ((run.finished_at or now) - since).total_seconds() if since else 0.0
    return max(0, run.rows_done - before) / elapsed if elapsed > 0 else 0.0
