"""Changing the rules: program versions with their tiers, and rewards. Every change is logged and none looks back.

A version is never edited once it is in force: saving closes it and opens the next one, so what was earned under it can
be explained, and taken back, by its own rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from plugin import clock
from plugin.commerce.models import Order
from plugin.errors import Invalid, Refused
from plugin.jobs.doorbell import ring
from plugin.loyalty import document, holdout, shelves
from plugin.loyalty.acting import terms as actions
from plugin.loyalty.checking import check_earn, check_size
from plugin.loyalty.document import PLAIN, Document
from plugin.loyalty.models import Program, Tier
from plugin.loyalty.rules import TAX_BASES, ProgramRules, TierRules
from plugin.loyalty.settling import settle_orders
from plugin.loyalty.tiers import terms as tier_terms
from plugin.loyalty.tiers.terms import SIMPLE, TierTerms
from plugin.shops import operations as shops
from plugin.shops.models import Shop

MOST_TIERS = 100
RESETTLED = 500
LARGEST = 10**12


class ChangedMeanwhile(Refused):
    """Somebody saved the programme since the page was opened."""


@dataclass(frozen=True)
class TierDraft:
    """From `threshold_minor` of spend in the window, points are multiplied by rate_num/rate_den.

    `origin` names the same tier of earlier versions; without it a tier goes on that has the same name.
    """

    name: str
    threshold_minor: int
    rate_num: int = 1
    rate_den: int = 1
    origin: int | None = None
    terms: TierTerms = SIMPLE


@dataclass(frozen=True)
class ProgramDraft:
    """What the form says. `earn_points` points for every `earn_per_minor` minor units of the shop's currency."""

    name: str
    points_one: str
    points_many: str
    earn_points: int
    earn_per_minor: int
    return_days: int = 14
    expiry_days: int | None = None
    tier_days: int = 365
    tax_basis: str = "shown"
    paused: bool = False
    tiers: tuple[TierDraft, ...] = ()
    document: Document = PLAIN


def draft_of(program: ProgramRules) -> ProgramDraft:
    """The draft that would save this version again, so that one thing of it can be changed."""
    names = [name for name in ProgramDraft.__dataclass_fields__ if name != "tiers"]
    tiers = tuple(TierDraft(*tier[1:]) for tier in program.tiers)
    return ProgramDraft(**{name: getattr(program, name) for name in names}, tiers=tiers)


def rules_of(draft: ProgramDraft, currency: str, salt: int | None = None) -> ProgramRules:
    """A draft as rules that hold at every moment; it and its tiers have negative ids."""
    columns = {name: value for name, value in vars(draft).items() if name != "tiers"}
    return ProgramRules(
        **columns,
        id=-1,
        version=0,
        currency=currency,
        valid_from=datetime.min.replace(tzinfo=UTC),
        valid_to=None,
        tiers=tuple(
            TierRules(-number, **(vars(tier) | {"origin": tier.origin or -number}))
            for number, tier in enumerate(draft.tiers, start=1)
        ),
        holdout_salt=salt,
    )


def save_program(
    session: Session,
    shop: Shop,
    actor: str,
    draft: ProgramDraft,
    starts_at: datetime | None = None,
    over: int | None = None,
) -> Program:
    """A new version, valid from now; the first may start in the past, and then past orders earn under it.

    `over` is the version that was shown, 0 for none. Raises Invalid at the field that is wrong, and ChangedMeanwhile
    when another one is the newest.
    """
    check(draft)
    now = clock.now(session)
    before = _newest(session, shop)
    if over is not None and over != (before.version if before else 0):
        raise ChangedMeanwhile(
            "The programme was saved elsewhere meanwhile. Load the page again and repeat the change."
        )
    begins = _begin(before, now, starts_at)
    if before is not None:
        before.valid_to = begins
        session.flush()
    program = _version(shop, actor, draft, before.version + 1 if before else 1, begins, now)
    program.holdout_salt = holdout.kept_salt(before.holdout_salt if before else None)
    session.add(program)
    session.flush()
    session.add_all(_tiers(session, shop, program, before, draft.tiers))
    session.flush()
    if program.history_after is None:
        _resettle(session, shop, begins)
    shelves.ask_due(session, shop)
    _ring_after_commit(session)
    shops.audit(session, shop, actor, "program.save", f"program:{program.version}", None, told(draft))
    return program


def _ring_after_commit(session: Session) -> None:
    """Past orders and everybody's tier follow at once, not with the next tick."""

    @event.listens_for(session, "after_commit", once=True)
    def _(_: Session) -> None:
        ring("loyalty.settle_due")


def _resettle(session: Session, shop: Shop, begins: datetime) -> None:
    """Orders of this very moment (or dated later than our clock) were settled by the version before: not any more."""
    later = select(Order.id).where(Order.shop_id == shop.id, Order.processed_at >= begins)
    settle_orders(session, shop, set(session.scalars(later.order_by(Order.processed_at).limit(RESETTLED))))


def _newest(session: Session, shop: Shop) -> Program | None:
    newest = select(Program).where(Program.shop_id == shop.id).order_by(Program.version.desc()).limit(1)
    return session.scalar(newest.with_for_update())


def _begin(before: Program | None, now: datetime, starts_at: datetime | None) -> datetime:
    if before is None:
        return min(starts_at or now, now)
    return max(now, before.valid_from + timedelta(microseconds=1))


def _version(shop: Shop, actor: str, draft: ProgramDraft, version: int, begins: datetime, now: datetime) -> Program:
    columns = {name: value for name, value in told(draft).items() if name != "tiers"}
    return Program(
        **columns,
        shop_id=shop.id,
        version=version,
        currency=shop.currency,
        valid_from=begins,
        created_at=now,
        created_by=actor,
        history_after=0 if begins < now and version == 1 else None,
        accounts_after=0,
    )


def told(draft: ProgramDraft) -> dict[str, Any]:
    """The draft as values that can be kept."""
    columns = {name: value for name, value in vars(draft).items() if name not in ("tiers", "document")}
    tiers = [{**vars(tier), "terms": tier_terms.written(tier.terms)} for tier in draft.tiers]
    return columns | {"tiers": tiers, "rules": document.written(draft.document)}


def _tiers(
    session: Session, shop: Shop, program: Program, before: Program | None, drafts: Sequence[TierDraft]
) -> list[Tier]:
    """The version's tiers in the order of the ladder; each goes on as the tier it was."""
    origin = func.coalesce(Tier.origin, Tier.id)
    known = set(session.scalars(select(origin).where(Tier.shop_id == shop.id)))
    latest = select(Tier.name, origin).where(Tier.shop_id == shop.id, Tier.program_id == (before.id if before else 0))
    named = dict(iter(session.execute(latest)))
    rows = []
    for position, draft in enumerate(drafts):
        columns = {**vars(draft), "terms": tier_terms.written(draft.terms)}
        columns["origin"] = draft.origin if draft.origin in known else named.get(draft.name)
        rows.append(Tier(**columns, shop_id=shop.id, program_id=program.id, position=position))
    return rows


def drafted(kept: dict[str, Any]) -> ProgramDraft:
    """The draft that `told` kept."""
    columns = {name: value for name, value in kept.items() if name not in ("tiers", "rules")}
    tiers = tuple(TierDraft(**tier | {"terms": tier_terms.read(tier.get("terms"))}) for tier in kept["tiers"])
    return ProgramDraft(**columns, tiers=tiers, document=document.read(kept["rules"]))


def check(draft: ProgramDraft) -> None:
    """Raises Invalid at the first field that cannot be used."""
    for field in ("name", "points_one", "points_many"):
        if not getattr(draft, field).strip():
            raise Invalid("Enter a name.", field)
    if draft.earn_points < 0 or draft.earn_points > LARGEST:
        raise Invalid("Enter how many points an order earns, 0 or more.", "earn_points")
    if not 0 < draft.earn_per_minor <= LARGEST:
        raise Invalid("Enter an amount above 0.", "earn_per_minor")
    check_size("earn_points", draft.earn_points, draft.earn_per_minor)
    _check_days(draft)
    holdout.check(draft.document.holdout)
    check_earn(draft.document.earn)
    actions.check(draft.document.actions)
    if draft.tax_basis not in TAX_BASES:
        raise Invalid("Choose which prices count.", "tax_basis")
    tier_terms.check(draft.document.tiers)
    _check_tiers(draft)


def _check_days(draft: ProgramDraft) -> None:
    if not 0 <= draft.return_days <= 365:
        raise Invalid("Enter between 0 and 365 days.", "return_days")
    if draft.expiry_days is not None and not 1 <= draft.expiry_days <= 3650:
        raise Invalid("Enter between 1 and 3,650 days, or leave it empty.", "expiry_days")
    if not 1 <= draft.tier_days <= 1825:
        raise Invalid("Enter between 1 and 1,825 days.", "tier_days")


def _check_tiers(draft: ProgramDraft) -> None:
    if len(draft.tiers) > MOST_TIERS:
        raise Invalid("A program has at most %(most)s tiers.", "tiers", most=MOST_TIERS)
    for number, tier in enumerate(draft.tiers):
        if not tier.name.strip():
            raise Invalid("Enter a name.", f"tiers-{number}-name")
        if not (0 < tier.rate_num <= 1000 * tier.rate_den and 0 < tier.rate_den <= 10_000):
            raise Invalid("Enter a rate above 0, at most 1,000.", f"tiers-{number}-rate")
    tier_terms.check_rungs(draft.document.tiers, draft.tiers)
