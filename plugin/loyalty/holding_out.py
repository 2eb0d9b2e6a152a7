"""Changing who is held out: a new version of the programme that differs in nothing else."""

from __future__ import annotations

from dataclasses import replace

from msgspec import structs
from sqlalchemy.orm import Session

from plugin.errors import Refused
from plugin.loyalty import holdout, programs, queries
from plugin.loyalty.holdout import Holdout
from plugin.loyalty.models import Program
from plugin.shops.models import Shop


def hold_out(session: Session, shop: Shop, actor: str, percent: int, version: int) -> Program | None:
    """Hold out so many of a hundred customers from now on, over `version`, the one that was shown; None: no change.

    Raises Invalid("percent"), and Refused when somebody saved the programme since the page was opened.
    """
    holdout.check(Holdout(percent))
    latest = queries.latest_program(session, shop)
    if latest is None or latest.version != version:
        raise Refused("The programme was saved elsewhere meanwhile. Load the page again and repeat this.")
    if latest.document.holdout.percent == percent:
        return None
    document = structs.replace(latest.document, holdout=Holdout(percent))
    return programs.save_program(session, shop, actor, replace(programs.draft_of(latest), document=document))
