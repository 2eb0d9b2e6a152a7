"""Asked by sending just before a mail of the programme goes out, whoever queued it: one place for all of them.

Stopped are mails that are switched off, people who are held out so that the programme can be measured, people who left
it, and people who ended these mails. What goes out is dressed: in the merchant's own words where there are any, and
with a link that ends these mails.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin import clock
from plugin.loyalty import queries
from plugin.loyalty.expiry import warning
from plugin.loyalty.joining import saying
from plugin.loyalty.mails import keeping
from plugin.loyalty.mails.kinds import KINDS, SCOPE
from plugin.loyalty.rules import is_held_out
from plugin.messages.models import Message, Suppression
from plugin.messages.rules import Stop
from plugin.shops import veils
from plugin.shops.models import Shop

STAYS = frozenset(("reward", "referral_welcome", "points_taken"))  # also for who has left: it is about what is theirs


def check(session: Session, shop: Shop, waiting: Sequence[Message]) -> dict[int, Stop]:
    """Why messages must not go out, by id. The others are dressed."""
    kept = keeping.settings(session, shop)
    gone = _away(session, shop, waiting)
    ended = _ended(session, shop, waiting)
    stops = {}
    for message in waiting:
        kind, own = KINDS[message.kind], kept[message.kind]
        if not own.active:
            stops[message.id] = Stop("switched_off")
        elif message.customer_id in gone and (message.kind not in STAYS or gone[message.customer_id] == "holdout"):
            stops[message.id] = Stop(gone[message.customer_id])
        elif not kind.asked and message.email in ended:
            stops[message.id] = Stop("unsubscribed", {"scope": SCOPE})
        else:
            _dress(message, own.digest)
    return stops | warning.recheck(session, shop, [each for each in waiting if each.kind == warning.KIND])


def _dress(message: Message, digest: str | None) -> None:
    kind = KINDS[message.kind]
    message.template = {"name": message.kind} | ({"digest": digest} if digest else {})
    if not kind.asked and not kind.marketing:
        message.scope = SCOPE


def _away(session: Session, shop: Shop, waiting: Sequence[Message]) -> dict[int | None, str]:
    """Who takes no part, and why: held out, or not a member."""
    program = queries.program(session, shop, clock.now(session))
    people = {message.customer_id for message in waiting if message.customer_id}
    if program is None or not people:
        return {}
    members = saying.members(session, shop, program, people)
    away: dict[int | None, str] = dict.fromkeys(people - members, "no_member")
    return away | {each: "holdout" for each in people if is_held_out(program, each)}


def _ended(session: Session, shop: Shop, waiting: Sequence[Message]) -> set[str]:
    """Addresses whose owners ended these mails; who was erased is listed under a veil."""
    names = veils.listed_as(session, shop.id, sorted({message.email for message in waiting}))
    listed = Suppression.shop_id == shop.id, Suppression.scope == SCOPE, Suppression.email.in_(names)
    return {names[email] for email in session.scalars(select(Suppression.email).where(*listed))}
