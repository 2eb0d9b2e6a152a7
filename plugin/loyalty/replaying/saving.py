"""Asking for a replay, stopping one, and reading it back with what it would cost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from fractions import Fraction
from typing import Final, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from plugin import clock
from plugin.commerce.models import Order
from plugin.errors import Invalid, NotFound, Refused
from plugin.jobs.doorbell import ring_after_commit
from plugin.loyalty import queries
from plugin.loyalty.models import Reward
from plugin.loyalty.programs import ProgramDraft, check, drafted, rules_of, told
from plugin.loyalty.replaying import tally
from plugin.loyalty.replaying.models import Replay
from plugin.loyalty.replaying.tally import Side, Tally
from plugin.loyalty.rules import ProgramRules
from plugin.shops import operations as shops
from plugin.shops.models import Shop

MOST_WAITING: Final = 3
SCENARIOS: Final = (25, 50, 75, 100)  # percent of the points that are redeemed


class Cost(NamedTuple):
    """What a side costs when `percent` of its points are redeemed; `share` of the revenue, None of no revenue."""

    percent: int
    minor: int
    share: Fraction | None


def start(
    session: Session, shop: Shop, actor: str, draft: ProgramDraft | None, since: datetime, name: str = ""
) -> Replay:
    """Ask for a draft beside today's programme, or (None) for a check of the ledger. Raises Invalid, Refused."""
    now = clock.now(session)
    if since >= now:
        raise Invalid("Choose a day in the past.", "since")
    if draft is not None:
        check(draft)
    waiting = select(func.count()).where(Replay.shop_id == shop.id, Replay.state == "running")
    if (session.scalar(waiting) or 0) >= MOST_WAITING:
        raise Refused("%(most)s replays are waiting. Let one end, or stop one.", most=MOST_WAITING)
    placed = Order.shop_id == shop.id, Order.customer_id.is_not(None), Order.processed_at >= since
    total = session.scalar(select(func.count(Order.customer_id.distinct())).where(*placed)) or 0
    kept = {} if draft is None else told(draft)
    kind = "check" if draft is None else "draft"
    replay = Replay(
        shop_id=shop.id,
        kind=kind,
        name=name,
        draft=kept,
        since=since,
        until=now,
        customers_total=total,
        created_by=actor,
        created_at=now,
    )
    session.add(replay)
    session.flush()
    shops.audit(session, shop, actor, "replay.start", f"replay:{replay.id}", None, {"kind": kind, "draft": kept})
    ring_after_commit(session, "loyalty.settle_due")
    return replay


def stop(session: Session, shop: Shop, actor: str, replay_id: int) -> Replay:
    """End a running replay; what it found so far stays."""
    replay = get(session, shop, replay_id)
    if replay.state == "running":
        replay.state, replay.finished_at = "cancelled", clock.now(session)
        shops.audit(session, shop, actor, "replay.stop", f"replay:{replay.id}", None, {})
    return replay


def get(session: Session, shop: Shop, replay_id: int) -> Replay:
    """One replay. Raises NotFound."""
    found = session.get(Replay, (shop.id, replay_id), populate_existing=True)
    if found is None:
        raise NotFound("This replay does not exist.")
    return found


def newest(session: Session, shop: Shop, limit: int = 20) -> Sequence[Replay]:
    """The latest replays, newest first."""
    return session.scalars(
        select(Replay).where(Replay.shop_id == shop.id).order_by(Replay.id.desc()).limit(limit)
    ).all()


def found(replay: Replay) -> Tally:
    """What it found so far."""
    return tally.read(replay.tally)


def draft_of(replay: Replay) -> ProgramDraft:
    """The draft that was asked about, ready to be saved as the programme."""
    return drafted(replay.draft)


def point_value(session: Session, shop: Shop) -> Fraction | None:
    """What a point is worth at most, in minor units: the dearest active reward per point; None without a reward."""
    offers = select(Reward.value_minor, Reward.cost_points).where(
        Reward.shop_id == shop.id, Reward.active, Reward.archived_at.is_(None), Reward.value_minor > 0
    )
    return max((Fraction(value, cost) for value, cost in session.execute(offers)), default=None)


def costs(side: Side, value: Fraction | None, revenue_minor: int) -> list[Cost]:
    """Cost under each redemption scenario, rounded to the minor unit."""
    if value is None:
        return []
    amounts = [(percent, round(side.points * value * percent / 100)) for percent in SCENARIOS]
    return [Cost(p, minor, Fraction(minor, revenue_minor) if revenue_minor else None) for p, minor in amounts]


def programmes(
    session: Session, shop: Shop, replay: Replay
) -> tuple[tuple[ProgramRules, ...], tuple[ProgramRules, ...]]:
    """Today's side and the draft's. A draft and today's newest version count as if each had always been in force."""
    versions = queries.programs(session, shop)
    if replay.kind == "check":
        return versions, ()
    today = tuple(_always(version) for version in versions[-1:])
    return today, (_always(rules_of(draft_of(replay), shop.currency, today[-1].holdout_salt if today else None)),)


def _always(program: ProgramRules) -> ProgramRules:
    return program._replace(valid_from=datetime.min.replace(tzinfo=program.valid_from.tzinfo), valid_to=None)
