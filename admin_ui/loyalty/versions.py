"""The versions of the programme: who saved which, what changed, and going back to one."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from flask import Blueprint, Response, g
from flask_babel import gettext
from sqlalchemy.orm import Session

from admin_ui.loyalty.history import changes, who
from admin_ui.panel import actor, desk, done
from plugin.errors import NotFound, Refused
from plugin.loyalty import operations, queries
from plugin.loyalty.programs import ProgramDraft, draft_of, rules_of
from plugin.loyalty.rules import ProgramRules
from plugin.storefront import operations as storefront

versions = Blueprint("versions", __name__, url_prefix="/loyalty/versions")


class Row(NamedTuple):
    """A version as the list shows it."""

    rules: ProgramRules
    before: ProgramRules | None
    changes: list[str]
    who: str
    at: datetime


class Stale(NamedTuple):
    """What somebody else saved since a form was opened, and what saving the form would change of it."""

    version: int
    who: str
    at: datetime
    theirs: list[str]
    ours: list[str]


def shown(session: Session, most: int | None) -> dict[str, object]:
    """The newest versions for the page, and how many there are when some are left out."""
    known, by = queries.programs(session, g.shop), queries.authors(session, g.shop)
    kept = list(zip((None, *known), known, strict=False))[::-1][:most]
    rows = [
        Row(rules, before, changes(before, rules) if before else [], who(by[rules.version][0]), by[rules.version][1])
        for before, rules in kept
    ]
    return {"versions": rows, "all_versions": len(known) if len(known) > len(rows) else 0}


def stale(session: Session, seen: int | None, draft: ProgramDraft) -> Stale:
    """How the newest version differs from the one that was seen, and the draft from the newest."""
    known, by = queries.programs(session, g.shop), queries.authors(session, g.shop)
    newest = known[-1]
    before = next((version for version in known if version.version == seen), None)
    actor_of, at = by[newest.version]
    theirs = changes(before, newest) if before else [gettext("The programme was launched.")]
    mine = rules_of(draft, g.shop.currency)
    names = {tier.name: tier.origin for tier in newest.tiers}
    going_on = (tier._replace(origin=max(tier.origin, names.get(tier.name, tier.origin))) for tier in mine.tiers)
    return Stale(newest.version, who(actor_of), at, theirs, changes(newest, mine._replace(tiers=tuple(going_on))))


@versions.post("/<int:version>/again")
def again(version: int) -> Response:
    """Save the rules of an earlier version as the newest; whether the programme is paused stays."""
    with desk() as session:
        known = {each.version: each for each in queries.programs(session, g.shop)}
        if version not in known:
            raise NotFound("There is no such version of the programme.")
        newest, old = known[max(known)], known[version]
        if old.currency != g.shop.currency:
            raise Refused(
                "That version counts in %(currency)s, which is not your store's currency.", currency=old.currency
            )
        if not changes(newest._replace(paused=False), old._replace(paused=False)):
            return done("/loyalty", gettext("The programme is like that already."))
        draft = replace(draft_of(old), paused=newest.paused)
        operations.save_program(session, g.shop, actor(), draft, over=newest.version)
        storefront.publish(session, g.shop)
    message = gettext("The programme is as it was in version %(version)s, for orders from now on.", version=version)
    return done("/loyalty", message, (gettext("Undo"), f"/loyalty/versions/{newest.version}/again"))
