"""The rule of expiry as a part of the programme: a change of it is a new version."""

from __future__ import annotations

from dataclasses import replace

import msgspec
from sqlalchemy.orm import Session

from plugin.errors import Invalid, Refused
from plugin.loyalty import programs, queries
from plugin.loyalty.document import Expiry
from plugin.loyalty.models import Program
from plugin.shops.models import Shop

MOST_WARNINGS = 5
LONGEST_AHEAD = 365


def save_expiry(session: Session, shop: Shop, actor: str, days: int | None, expiry: Expiry) -> Program:
    """When points are lost from now on, and how many days before people are told. Raises Invalid, Refused."""
    latest = queries.latest_program(session, shop)
    if latest is None:
        raise Refused("There is no programme yet. Launch one first.")
    if len(expiry.warn_days) > MOST_WARNINGS or any(not 1 <= ahead <= LONGEST_AHEAD for ahead in expiry.warn_days):
        raise Invalid("Enter up to %(most)s numbers of days, like 30, 7.", "warn_days", most=MOST_WARNINGS)
    if expiry.by == "inactivity" and days is None:
        raise Invalid("Enter after how many days without activity points are lost.", "expiry_days")
    document = msgspec.structs.replace(latest.document, expiry=expiry)
    draft = replace(programs.draft_of(latest), expiry_days=days, document=document)
    return programs.save_program(session, shop, actor, draft)
