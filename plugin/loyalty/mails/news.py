"""Points moved: which mails follow. Asked of the ledger as it is, so a mail is never about half a batch.

Writers of the ledger note whose points moved (`PointNews`); a sweep reads those customers' latest entries and queues
what is news. Each mail has a key for ever, so asking again tells nothing twice: one mail an order for what it earned,
one an entry for what was taken back, one a round of saving up for a reward that can be bought now. Orders from before
the programme was saved, and what came about days ago, are no news.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from plugin import clock
from plugin.commerce import merges
from plugin.commerce.models import Customer, Order
from plugin.loyalty import ledger, offers, queries
from plugin.loyalty.mails import keeping
from plugin.loyalty.mails.models import PointNews
from plugin.loyalty.models import PointAccount, Program, Redemption
from plugin.loyalty.offers import Offer
from plugin.loyalty.rules import WHEN_FULFILLED, ProgramRules
from plugin.messages import operations as messages
from plugin.messages import rules
from plugin.shops.models import Shop

STEP: Final = 200
NEWS: Final = timedelta(days=2)
LATEST: Final = 20  # entries of a customer that are looked at
_ENTRIES = """
    SELECT e.* FROM unnest(%(ids)b::bigint[]) AS i (id) CROSS JOIN LATERAL (
        SELECT id, customer_id, kind, points, counter_account, order_id, program_id, explanation, occurred_at,
            available_at, created_at
        FROM point_entries WHERE shop_id = %(shop)s AND customer_id = i.id ORDER BY id DESC LIMIT %(latest)s
    ) AS e ORDER BY e.id
"""
# Why an order's points go back, as the mail says it; a merge moves points and takes nothing.
WHY: Final = {"cancelled": "cancelled", "deleted": "cancelled", "not_paid": "not_paid", "holdout": "", "no_member": ""}


class Moved(NamedTuple):
    """An entry, as far as mails ask."""

    id: int
    customer_id: int
    kind: str
    points: int
    counter_account: str
    order_id: int | None
    program_id: int | None
    explanation: dict[str, Any]
    occurred_at: datetime
    available_at: datetime | None
    created_at: datetime


class Mail(NamedTuple):
    """One mail to be queued."""

    kind: str
    key: str
    customer_id: int
    context: dict[str, Any]


class Desk(NamedTuple):
    """What is known when mails are written."""

    now: datetime
    program: ProgramRules
    saved_at: Mapping[int, datetime]  # when each version was saved
    accounts: Mapping[int, PointAccount]
    orders: Mapping[int, str]  # names
    offers: Sequence[Offer]  # the cheapest first
    bought: Mapping[int, int]  # redemptions so far


def tell(session: Session, shop: Shop) -> int:
    """One step of what waits; how many customers were looked at."""
    waiting = select(PointNews.customer_id).where(PointNews.shop_id == shop.id).order_by(PointNews.customer_id)
    ids = session.scalars(waiting.limit(STEP).with_for_update(skip_locked=True)).all()
    if not ids:
        return 0
    program = queries.program(session, shop, clock.now(session))
    if program is not None:
        _queue(session, shop, program, _mails(session, shop, program, ids))
    session.execute(delete(PointNews).where(PointNews.shop_id == shop.id, PointNews.customer_id.in_(ids)))
    return len(ids)


def _mails(session: Session, shop: Shop, program: ProgramRules, ids: Sequence[int]) -> list[Mail]:
    asked = {"shop": shop.id, "ids": sorted(ids), "latest": LATEST}
    moved = [Moved(*row) for row in ledger.raw(session).execute(_ENTRIES, asked)]
    on = {name for name, own in keeping.settings(session, shop).items() if own.active}
    desk = _desk(session, shop, program, ids, moved)
    found = [mail for entry in moved if _is_news(entry, desk) for mail in (_earned(entry, desk), _taken(entry, desk))]
    found += _ready(moved, desk)
    return [mail for mail in found if mail and mail.kind in on]


def _desk(session: Session, shop: Shop, program: ProgramRules, ids: Sequence[int], moved: Sequence[Moved]) -> Desk:
    now = clock.now(session)
    saved = select(Program.id, Program.created_at).where(Program.shop_id == shop.id)
    mine = PointAccount.shop_id == shop.id, PointAccount.customer_id.in_(ids)
    accounts = session.scalars(select(PointAccount).where(*mine), execution_options={"populate_existing": True})
    named = Order.shop_id == shop.id, Order.id.in_({each.order_id for each in moved if each.order_id})
    bought = Redemption.shop_id == shop.id, Redemption.customer_id.in_(ids)
    counts = select(Redemption.customer_id, func.count()).where(*bought).group_by(Redemption.customer_id)
    return Desk(
        now,
        program,
        dict(iter(session.execute(saved))),
        {account.customer_id: account for account in accounts},
        dict(iter(session.execute(select(Order.id, Order.name).where(*named)))),
        offers.to_buy(session, shop, now),
        dict(iter(session.execute(counts))),
    )


def _is_news(entry: Moved, desk: Desk) -> bool:
    return desk.now - entry.created_at <= NEWS and desk.now - entry.occurred_at <= NEWS


def _is_past(entry: Moved, desk: Desk) -> bool:
    """Whether it was earned before the version that rewards it was saved: history of a launch."""
    return entry.occurred_at < desk.saved_at.get(entry.program_id or 0, entry.occurred_at)


def _earned(entry: Moved, desk: Desk) -> Mail | None:
    """What an order brought, told once; and what no order brought. Tiers and referrals have mails of their own."""
    of_order = entry.kind == "earn" and entry.order_id is not None and not entry.explanation.get("posted")
    if not (of_order or (entry.kind == "bonus" and entry.counter_account == "actions")) or _is_past(entry, desk):
        return None
    waits = entry.available_at if entry.available_at and entry.available_at > desk.now else None
    context = {
        "order": desk.orders.get(entry.order_id or 0, ""),
        "available_at": waits.isoformat() if waits and waits != WHEN_FULFILLED else None,
        "when_sent": waits == WHEN_FULFILLED,
    }
    key = f"points_earned:order:{entry.order_id}" if of_order else f"points_earned:{entry.id}"
    return _mail("points_earned", key, entry, desk, context)


def _taken(entry: Moved, desk: Desk) -> Mail | None:
    """What a refund, a cancellation or an edit took back."""
    if entry.kind not in ("claw", "unbonus"):
        return None
    said = entry.explanation
    why = WHY.get(said["why"], "") if "why" in said else _difference(said)
    if not why:
        return None
    account = desk.accounts.get(entry.customer_id)
    context = {"order": desk.orders.get(entry.order_id or 0, ""), "why": why, "owed": account.debt if account else 0}
    return _mail("points_taken", f"points_taken:{entry.id}", entry, desk, context)


def _difference(said: Mapping[str, Any]) -> str:
    if "goods_minor" not in said:
        return "other"
    return "refund" if said.get("returned_minor") or said.get("money_back_minor") else "edit"


def _ready(moved: Sequence[Moved], desk: Desk) -> Iterator[Mail]:
    """Points that came, or whose wait is over, now pay for the cheapest reward; once until the next redemption."""
    if not desk.offers:
        return
    cheapest = desk.offers[0]
    cost = cheapest.terms.chosen.least if cheapest.terms.chosen else cheapest.reward.cost_points
    came = {entry.customer_id: entry for entry in moved if entry.points > 0 and _has_come(entry, desk)}
    for customer_id, entry in came.items():
        account = desk.accounts.get(customer_id)
        if account is None or account.available < cost:
            continue
        key = f"reward_ready:{customer_id}:{desk.bought.get(customer_id, 0)}"
        yield _mail("reward_ready", key, entry, desk, {"reward": cheapest.reward.name, "cost": cost})


def _has_come(entry: Moved, desk: Desk) -> bool:
    day = entry.available_at or entry.created_at
    return entry.kind in ("earn", "bonus") and day <= desk.now and desk.now - day <= NEWS and not _is_past(entry, desk)


def _mail(kind: str, key: str, entry: Moved, desk: Desk, context: dict[str, Any]) -> Mail:
    account, program = desk.accounts.get(entry.customer_id), desk.program
    shared = {
        "program": program.name,
        "points": abs(entry.points),
        "points_name": program.points_one if abs(entry.points) == 1 else program.points_many,
        "balance": account.available if account else 0,
        "currency": program.currency,
    }
    return Mail(kind, key, entry.customer_id, shared | context)


def _queue(session: Session, shop: Shop, program: ProgramRules, mails: Collection[Mail]) -> None:
    """The gate (gate.py) asks each again when its turn comes."""
    if not mails:
        return
    owners = {mail.customer_id for mail in mails}
    kept = merges.kept(session, shop.id, owners)
    wanted = Customer.shop_id == shop.id, Customer.id.in_({kept.get(each, each) for each in owners})
    people = {person.id: person for person in session.scalars(select(Customer).where(*wanted))}
    rows = []
    for mail in mails:
        person = people.get(kept.get(mail.customer_id, mail.customer_id))
        if person is not None and person.email:
            rows.append(_row(shop, mail, person))
    messages.queue_rows(session, rows)


def _row(shop: Shop, mail: Mail, person: Customer) -> dict[str, Any]:
    return {
        "shop_id": shop.id,
        "kind": mail.kind,
        "key": mail.key,
        "marketing": False,
        "scope": rules.ALL,
        "email": rules.address(person.email or ""),
        "customer_id": person.id,
        "template": {"name": mail.kind},
        "context": mail.context | {"url": shop.storefront_url or f"https://{shop.domain}"},
        "subject_kind": "points",
        "subject_id": None,
        "locale": person.locale or shop.locale or "en",
    }
