"""How the merchant wants the mails of the programme: on or off, and in which words."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from plugin import clock
from plugin.errors import NotFound, Refused
from plugin.loyalty import queries
from plugin.loyalty.mails.kinds import KINDS, Kind
from plugin.loyalty.mails.models import ProgramMail
from plugin.messages import template_store
from plugin.messages.models import Template
from plugin.messages.template_store import Source
from plugin.shops import operations as shops
from plugin.shops.models import Shop


class Setting(NamedTuple):
    """One kind as it is now."""

    kind: Kind
    active: bool
    digest: str | None


def settings(session: Session, shop: Shop) -> dict[str, Setting]:
    """All kinds, in the order of a member's life."""
    rows = session.scalars(select(ProgramMail).where(ProgramMail.shop_id == shop.id))
    changed = {row.kind: row for row in rows.all()}
    return {name: _setting(kind, changed.get(name)) for name, kind in KINDS.items()}


def _setting(kind: Kind, row: ProgramMail | None) -> Setting:
    return Setting(kind, kind.on, None) if row is None else Setting(kind, row.active or kind.always, row.digest)


def setting(session: Session, shop: Shop, name: str) -> Setting:
    """One kind. Raises NotFound."""
    if name not in KINDS:
        raise NotFound("There is no such mail.")
    return settings(session, shop)[name]


def source(session: Session, shop: Shop, own: Setting) -> Source:
    """The words as they are now."""
    row = session.get(Template, (shop.id, own.digest)) if own.digest else None
    if row is None:
        return template_store.built_in(own.kind.name)
    return Source(row.subject, row.preheader, row.mjml, row.text)


def switch(session: Session, shop: Shop, name: str, active: bool, actor: str) -> None:
    """Let a kind go out or not. What waits is asked again when its turn comes. Raises Refused."""
    own = setting(session, shop, name)
    if own.kind.always and not active:
        raise Refused("This mail carries a code that stands nowhere else. End the invitations instead.")
    _keep(session, shop, own, own._replace(active=active), actor)


def rewrite(session: Session, shop: Shop, name: str, words: Source, actor: str) -> None:
    """Give a kind other words; those it came with take it back to them. Raises Invalid at the part."""
    own = setting(session, shop, name)
    digest = None
    if words != template_store.built_in(name):
        tried = sample(session, shop, own.kind)
        digest = template_store.keep(session, shop, words, tried, way_out=not own.kind.asked)
    _keep(session, shop, own, own._replace(digest=digest), actor)


def sample(session: Session, shop: Shop, kind: Kind) -> dict[str, Any]:
    """What a mail of this kind is filled with, for nobody in particular."""
    program = queries.program(session, shop, clock.now(session))
    return {
        "program": program.name if program else shop.name or shop.domain,
        "points_name": program.points_many if program else "points",
        "currency": program.currency if program else shop.currency,
        "url": shop.storefront_url or f"https://{shop.domain}",
        "minimum_minor": None,
        **kind.sample,
    }


def _keep(session: Session, shop: Shop, before: Setting, after: Setting, actor: str) -> None:
    if before == after:
        return
    values = {"active": after.active, "digest": after.digest, "changed_at": clock.now(session), "changed_by": actor}
    row = insert(ProgramMail).values(shop_id=shop.id, kind=after.kind.name, **values)
    session.execute(row.on_conflict_do_update(index_elements=["shop_id", "kind"], set_=values))
    was, now = ({"active": each.active, "digest": each.digest} for each in (before, after))
    shops.audit(session, shop, actor, "program_mail.change", f"program_mail:{after.kind.name}", was, now)
