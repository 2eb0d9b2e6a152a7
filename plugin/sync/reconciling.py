"""Comparing the mirror with the store: hourly what changed, nightly everything, at once when somebody asks.

A check is a row that any worker brings on, a page at a time: ask the store (no transaction), let what was in the inbox
be applied, compare in one statement, ask for what differs, remember the place. So it goes on after a crash at any line.
It leaves half of the store's rate limit to those who wait at a screen, and when the store asks for patience the other
shops go first. What differs comes in as a fetched object like everything else; nothing is written from here.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from time import monotonic

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from plugin import clock, pace
from plugin.db import engine as db
from plugin.errors import RemoteError, Throttled, Unavailable
from plugin.shops import queries as shops
from plugin.shops.models import Shop
from plugin.sync import bulk_comparing, comparing, healing, leased, listing, subscribed, turns
from plugin.sync.arriving import let_in
from plugin.sync.checks import SUBSCRIPTIONS
from plugin.sync.leased import OPEN, NotYet, Superseded
from plugin.sync.models import DriftCheck, DriftFinding

log = structlog.get_logger()

YOUNG = timedelta(seconds=60)  # what changed so lately may still be on its way, and is left to the next check
GRACE_SECONDS = 2.0  # given to what is on its way when somebody asks, who wants everything compared
OVERLAP = timedelta(minutes=15)
SLICE_SECONDS = 3.0  # for one shop, then it is another's turn
MOST_TRIES = 8
PUT_OFF_SECONDS = 30.0  # after a store that did not answer, then twice as long each time
LARGE = 20_000  # objects; of a kind with more the sums of stretches are compared first
WINDOW_ROWS = 2_000


def drive_all(seconds: float = 20.0) -> bool:
    """Bring every shop's open checks on, in turns, for about `seconds`; whether something is left to do at once."""
    ends = monotonic() + seconds
    waiting = turns.due("drift_checks", OPEN)
    random.shuffle(waiting)
    while waiting:
        shop_id = waiting.pop(0)
        if drive(shop_id, min(ends, monotonic() + SLICE_SECONDS)):
            waiting.append(shop_id)
        if monotonic() > ends:
            return bool(waiting)
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
        check, shop = leased.lease(session, check_id), shops.shop(session)
    if check is None:
        return False
    try:
        cut_off, later = _take_steps(shop, check, ends)
    except Superseded:
        return False
    leased.release(check, later)
    return cut_off


def _take_steps(shop: Shop, check: DriftCheck, ends: float) -> tuple[bool, float]:
    """Whether it was cut off, and in how many seconds it goes on. What went wrong stays with this one check."""
    cut_off, later = False, 0.0
    try:
        with pace.at(pace.BACKGROUND):
            while not cut_off and _step(shop, check, ends):
                cut_off = monotonic() > ends
    except NotYet as wait:
        later = wait.seconds
    except Throttled as error:
        later = error.after
    except Unavailable as error:
        later = _put_off(check, error)
    except RemoteError as error:
        _end(check, error)
    except (LookupError, TypeError, ValueError):
        _end(check, RemoteError("The store's answer could not be read."))
    return cut_off, later


def _step(shop: Shop, check: DriftCheck, ends: float) -> bool:
    """One call to the store at most, or a bulk result until `ends`; whether the next step can be made at once."""
    if check.object == SUBSCRIPTIONS:
        return _look_at_subscriptions(shop, check)
    if check.state == "waiting":
        return _begin(shop, check)
    if check.state == "reading":
        return _read(shop, check, ends)
    return _heal(shop, check)


def _look_at_subscriptions(shop: Shop, check: DriftCheck) -> bool:
    found = subscribed.listed(shop)
    with db.transaction(shop.id) as session:
        leased.change(session, check, subscribed.note(session, check, found))
    return False


def _begin(shop: Shop, check: DriftCheck) -> bool:
    total = listing.count(shop, check.object)
    asked = check.asked_by != "schedule"
    with db.transaction(shop.id) as session:
        until = clock.now(session) - (timedelta(0) if asked else YOUNG)
        since = _compared_until(session, shop, check) if check.reach == "recent" else None
        columns = {"state": "reading", "total": total, "until": until, "since": since and since - OVERLAP}
        if (asked or not _is_summed_up(check.object, total)) and bulk_comparing.suits(session, check, total or 0):
            columns |= {"way": "bulk"}
        leased.change(session, check, columns | {"started_at": func.clock_timestamp(), "tries": 0})
    if asked:
        raise NotYet(GRACE_SECONDS)
    return True


def _is_summed_up(kind: str, total: int | None) -> bool:
    """Whether stretches are summed up tonight, and only those read that differ; one night of seven reads everything."""
    return kind in comparing.COMPLETE and (total or 0) > LARGE and clock.machine_now().toordinal() % 7 != 0


def _compared_until(session: Session, shop: Shop, check: DriftCheck) -> datetime | None:
    """Up to when everything of this kind was compared; the shop's own beginning when nothing was."""
    done = DriftCheck.shop_id == shop.id, DriftCheck.object == check.object, DriftCheck.state == "done"
    return session.scalar(select(func.max(DriftCheck.until)).where(*done)) or shop.installed_at


def _read(shop: Shop, check: DriftCheck, ends: float) -> bool:
    if check.way == "bulk":
        return bulk_comparing.read(shop, check, ends)
    if _skip(shop, check) or _goes_over_to_bulk(shop, check):
        return True
    whole = check.reach == "all"
    page = listing.page(shop, check.object, check.last_id, check.since, whole)
    if not let_in(shop.id):
        return False
    last = page.objects[-1].store_id if page.objects else check.last_id
    with db.transaction(shop.id) as session:
        comparing.compare(session, shop, check, page.objects)
        if whole and check.object in comparing.COMPLETE:
            comparing.look_for_gone(session, shop, check, page.objects, last if page.more else comparing.LAST_ID)
        many = len(page.objects)
        place = {"last_id": last, "compared": check.compared + many, "paged": check.paged + many, "tries": 0}
        leased.change(session, check, place | {"state": "reading" if page.more else "healing"})
    return True


def _skip(shop: Shop, check: DriftCheck) -> bool:
    """Pass over a stretch of ids whose count and latest change agree with ours; only in large shops.

    Where the store refuses the operation that reads everything, each stretch is read in content one week of seven.
    """
    if check.reach != "all" or check.object not in comparing.COMPLETE or (check.total or 0) <= LARGE:
        return False
    window, place = divmod(check.compared, WINDOW_ROWS)
    if check.way == "refused" and (window + clock.machine_now().toordinal() // 7) % 7 == 0:
        return False
    with db.transaction(shop.id) as session:
        ours = comparing.window(session, shop, check, WINDOW_ROWS - place)
    if ours is None:
        return False
    if not let_in(shop.id) or listing.sum_up(shop, check.object, check.last_id, ours.through) != ours.sum:
        return False
    with db.transaction(shop.id) as session:
        leased.change(session, check, {"last_id": ours.through, "compared": check.compared + ours.sum.count})
    return True


def _goes_over_to_bulk(shop: Shop, check: DriftCheck) -> bool:
    """Whether so many stretches differed that an operation reads the rest."""
    left = (check.total or 0) - check.compared
    if check.paged <= bulk_comparing.MANY:
        return False
    with db.transaction(shop.id) as session:
        if not bulk_comparing.suits(session, check, left):
            return False
        leased.change(session, check, {"way": "bulk"})
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
    leased.change(session, check, figures | {"state": "done", "finished_at": func.clock_timestamp(), "error": None})
    log.info("drift.checked", shop_id=check.shop_id, object=check.object, rows=check.compared)


def _put_off(check: DriftCheck, error: Unavailable) -> float:
    """Seconds until the next try; the check ends after too many."""
    if check.tries >= MOST_TRIES:
        _end(check, error)
        return 0.0
    with db.transaction(check.shop_id) as session:
        leased.change(session, check, {"tries": check.tries + 1})
    return PUT_OFF_SECONDS * 2.0 ** (check.tries - 1)


def _end(check: DriftCheck, error: RemoteError) -> None:
    log.warning("drift.failed", shop_id=check.shop_id, object=check.object, error=type(error).__name__)
    with db.transaction(check.shop_id) as session:
        failed = {"state": "failed", "error": str(error), "finished_at": func.clock_timestamp()}
        leased.change(session, check, failed)
