"""Comparing the mirror with the store: hourly what changed, nightly everything, at once when somebody asks.

A check is a row that any worker brings on, a page at a time: ask the store (no transaction), let what was in the inbox
be applied, compare in one statement, ask for what differs, remember the place. So it goes on after a crash at any line.
It leaves half of the store's rate limit to those who wait at a screen, and when the store asks for patience the other
shops go first. What differs comes in as a fetched object like everything else; nothing is written from here.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import datetime, timedelta
from time import monotonic, sleep

import structlog
from sqlalchemy import ColumnElement, func, or_, select, text, update
from sqlalchemy.orm import Session

from plugin import clock, pace
from plugin.db import engine as db
from plugin.errors import Refused, RemoteError, Throttled, Unavailable
from plugin.shops import queries as shops
from plugin.shops.models import Shop
from plugin.sync import comparing, healing, listing, subscribed
from plugin.sync import drain as draining
from plugin.sync.checks import SUBSCRIPTIONS
from plugin.sync.models import DriftCheck, DriftFinding

log = structlog.get_logger()

OPEN = ("waiting", "reading", "healing")
YOUNG = timedelta(seconds=60)  # what changed so lately may still be on its way, and is left to the next check
GRACE_SECONDS = 2.0  # given to what is on its way when somebody asks, who wants everything compared
OVERLAP = timedelta(minutes=15)
LEASE_SECONDS = 120
SLICE_SECONDS = 3.0  # for one shop, then it is another's turn
DRAIN_SECONDS = 10.0
MOST_TRIES = 8
PUT_OFF_SECONDS = 30.0  # after a store that did not answer, then twice as long each time
LARGE = 20_000  # objects; of a kind with more the sums of stretches are compared first
WINDOW_ROWS = 2_000
COMPLETE = ("customers", "products", "orders")  # whose list holds every object

_NEWEST = text("SELECT max(id) FROM inbox WHERE shop_id = :shop AND state = 'new'")
_STILL_WAITS = text("""
    SELECT EXISTS (SELECT FROM inbox WHERE shop_id = :shop AND state = 'new' AND id <= :through
        AND (next_attempt_at IS NULL OR next_attempt_at <= clock_timestamp()))
""")


class NotYet(Exception):
    """The check begins a moment later."""


class Superseded(Refused):
    """Another worker has brought the check further, because this one was paused for longer than its lease."""


def drive_all(seconds: float = 20.0) -> bool:
    """Bring every shop's open checks on, in turns, for about `seconds`; whether something is left to do at once."""
    ends = monotonic() + seconds
    turns = shops.installed_ids()
    random.shuffle(turns)
    while turns:
        shop_id = turns.pop(0)
        if drive(shop_id, min(ends, monotonic() + SLICE_SECONDS)):
            turns.append(shop_id)
        if monotonic() > ends:
            return bool(turns)
    return False


def drive(shop_id: int, ends: float) -> bool:
    """Bring one shop's open checks on until `ends`; whether one was cut off by it."""
    left = False
    for check_id in _open(shop_id):
        left |= _drive_one(shop_id, check_id, ends)
    return left


def _open(shop_id: int) -> list[int]:
    """Checks that are open. While what changed lately is compared, the comparison of everything of that kind waits."""
    with db.transaction(shop_id) as session:
        mine = DriftCheck.shop_id == shop_id, DriftCheck.state.in_(OPEN)
        found = session.execute(
            select(DriftCheck.id, DriftCheck.object, DriftCheck.reach).where(*mine).order_by(DriftCheck.id)
        ).all()
    recent = {row.object for row in found if row.reach == "recent"}
    return [row.id for row in found if row.reach == "recent" or row.object not in recent]


def _drive_one(shop_id: int, check_id: int, ends: float) -> bool:
    with db.transaction(shop_id) as session:
        check, shop = _lease(session, check_id), shops.shop(session)
    if check is None:
        return False
    try:
        cut_off, later = _take_steps(shop, check, ends)
    except Superseded:
        return False
    _release(check, later)
    return cut_off


def _take_steps(shop: Shop, check: DriftCheck, ends: float) -> tuple[bool, float]:
    """Whether it was cut off, and in how many seconds it goes on. What went wrong stays with this one check."""
    cut_off, later = False, 0.0
    try:
        with pace.at(pace.BACKGROUND):
            while not cut_off and _step(shop, check):
                cut_off = monotonic() > ends
    except NotYet:
        later = GRACE_SECONDS
    except Throttled as error:
        later = error.after
    except Unavailable as error:
        later = _put_off(check, error)
    except RemoteError as error:
        _end(check, error)
    except (LookupError, TypeError, ValueError):
        _end(check, RemoteError("The store's answer could not be read."))
    return cut_off, later


def _step(shop: Shop, check: DriftCheck) -> bool:
    """One call to the store at most; whether the next step can be made at once."""
    if check.object == SUBSCRIPTIONS:
        return _look_at_subscriptions(shop, check)
    if check.state == "waiting":
        return _begin(shop, check)
    if check.state == "reading":
        return _read(shop, check)
    return _heal(shop, check)


def _look_at_subscriptions(shop: Shop, check: DriftCheck) -> bool:
    found = subscribed.listed(shop)
    with db.transaction(shop.id) as session:
        _change(session, check, subscribed.note(session, check, found))
    return False


def _begin(shop: Shop, check: DriftCheck) -> bool:
    total = listing.count(shop, check.object)
    with db.transaction(shop.id) as session:
        asked = check.asked_by != "schedule"
        until = clock.now(session) - (timedelta(0) if asked else YOUNG)
        since = _compared_until(session, shop, check) if check.reach == "recent" else None
        columns = {"state": "reading", "total": total, "until": until, "since": since and since - OVERLAP}
        _change(session, check, columns | {"started_at": func.clock_timestamp(), "tries": 0})
    if asked:
        raise NotYet
    return True


def _compared_until(session: Session, shop: Shop, check: DriftCheck) -> datetime | None:
    """Up to when everything of this kind was compared; the shop's own beginning when nothing was."""
    done = DriftCheck.shop_id == shop.id, DriftCheck.object == check.object, DriftCheck.state == "done"
    return session.scalar(select(func.max(DriftCheck.until)).where(*done)) or shop.installed_at


def _read(shop: Shop, check: DriftCheck) -> bool:
    if _skip(shop, check):
        return True
    whole = check.reach == "all"
    page = listing.page(shop, check.object, check.last_id, check.since, whole)
    if not _let_in(shop.id):
        return False
    last = page.objects[-1].store_id if page.objects else check.last_id
    with db.transaction(shop.id) as session:
        comparing.compare(session, shop, check, page.objects)
        if whole and check.object in COMPLETE:
            comparing.look_for_gone(session, shop, check, page.objects, last if page.more else comparing.LAST_ID)
        place = {"last_id": last, "compared": check.compared + len(page.objects), "tries": 0}
        _change(session, check, place | {"state": "reading" if page.more else "healing"})
    return True


def _skip(shop: Shop, check: DriftCheck) -> bool:
    """Pass over a stretch of ids whose count and latest change agree with ours.

    Only in large shops, and each stretch is read in content one night of seven: what no sum shows is found in a week.
    """
    if check.reach != "all" or check.object not in COMPLETE or (check.total or 0) <= LARGE:
        return False
    window, place = divmod(check.compared, WINDOW_ROWS)
    if (window + clock.machine_now().toordinal()) % 7 == 0:
        return False
    with db.transaction(shop.id) as session:
        ours = comparing.window(session, shop, check, WINDOW_ROWS - place)
    if ours is None:
        return False
    if not _let_in(shop.id) or listing.sum_up(shop, check.object, check.last_id, ours.through) != ours.sum:
        return False
    with db.transaction(shop.id) as session:
        _change(session, check, {"last_id": ours.through, "compared": check.compared + ours.sum.count})
    return True


def _let_in(shop_id: int) -> bool:
    """Have everything applied that is in the inbox now; False when that takes too long."""
    ends = monotonic() + DRAIN_SECONDS
    with db.transaction(shop_id) as session:
        through = session.execute(_NEWEST, {"shop": shop_id}).scalar()
    while through is not None:
        draining.drain(shop_id, ends - monotonic())
        with db.transaction(shop_id) as session:
            if not session.execute(_STILL_WAITS, {"shop": shop_id, "through": through}).scalar():
                return True
        if monotonic() > ends:
            return False
        sleep(0.05)
    return True


def _heal(shop: Shop, check: DriftCheck) -> bool:
    with db.transaction(shop.id) as session:
        if healing.settle(session, shop, check) == 0:
            _finish(session, check)
    return False


def _finish(session: Session, check: DriftCheck) -> None:
    mine = DriftFinding.shop_id == check.shop_id, DriftFinding.check_id == check.id
    counted = select(DriftFinding.outcome, func.count().label("many")).where(*mine).group_by(DriftFinding.outcome)
    number = {row.outcome: row.many for row in session.execute(counted)}
    figures = {"healed": number.get("healed", 0), "differed": number.get("healed", 0) + number.get("failed", 0)}
    _change(session, check, figures | {"state": "done", "finished_at": func.clock_timestamp(), "error": None})
    log.info("drift.checked", shop_id=check.shop_id, object=check.object, rows=check.compared)


def _lease(session: Session, check_id: int) -> DriftCheck | None:
    """The check, ours for two minutes; None when it waits or somebody else drives it."""
    now = func.clock_timestamp()
    due = or_(DriftCheck.next_attempt_at.is_(None), DriftCheck.next_attempt_at <= now)
    free = or_(DriftCheck.lease_until.is_(None), DriftCheck.lease_until < now)
    mine = DriftCheck.shop_id == session.info["shop_id"], DriftCheck.id == check_id, DriftCheck.state.in_(OPEN)
    session.execute(select(DriftCheck.id).where(*mine, due, free).with_for_update(skip_locked=True))
    leased = update(DriftCheck).where(*mine, due, free).values(lease_until=_later(LEASE_SECONDS)).returning(DriftCheck)
    return session.scalars(leased).one_or_none()


def _change(session: Session, check: DriftCheck, columns: Mapping[str, object]) -> None:
    """Write columns, if nobody has brought the check further meanwhile. Raises Superseded when somebody has."""
    as_it_was = DriftCheck.state == check.state, DriftCheck.last_id == check.last_id
    values = {**columns, "lease_until": _later(LEASE_SECONDS)}
    written = update(DriftCheck).where(*_is(check), *as_it_was).values(values).returning(DriftCheck.id)
    if session.execute(written).first() is None:
        raise Superseded("Another worker has brought this check further.")
    for name in columns.keys() & {"state", "last_id", "compared", "since", "until", "total", "tries"}:
        setattr(check, name, columns[name])


def _put_off(check: DriftCheck, error: Unavailable) -> float:
    """Seconds until the next try; the check ends after too many."""
    if check.tries >= MOST_TRIES:
        _end(check, error)
        return 0.0
    with db.transaction(check.shop_id) as session:
        _change(session, check, {"tries": check.tries + 1})
    return PUT_OFF_SECONDS * 2.0 ** (check.tries - 1)


def _end(check: DriftCheck, error: RemoteError) -> None:
    log.warning("drift.failed", shop_id=check.shop_id, object=check.object, error=type(error).__name__)
    with db.transaction(check.shop_id) as session:
        failed = {"state": "failed", "error": str(error), "finished_at": func.clock_timestamp()}
        _change(session, check, failed)


def _release(check: DriftCheck, seconds: float) -> None:
    with db.transaction(check.shop_id) as session:
        columns = {"lease_until": None, "next_attempt_at": _later(seconds) if seconds else None}
        session.execute(update(DriftCheck).where(*_is(check)).values(columns))


def _is(check: DriftCheck) -> tuple[ColumnElement[bool], ...]:
    return DriftCheck.shop_id == check.shop_id, DriftCheck.id == check.id


def _later(seconds: float) -> ColumnElement[datetime]:
    return func.clock_timestamp() + func.make_interval(0, 0, 0, 0, 0, 0, seconds)
