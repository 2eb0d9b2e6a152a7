"""Changing the terms of referrals: a new version of the programme that differs in nothing else."""

from __future__ import annotations

from dataclasses import replace

from msgspec import structs
from sqlalchemy.orm import Session

from plugin.loyalty import programs, queries
from plugin.loyalty.models import Program
from plugin.loyalty.programs import ChangedMeanwhile
from plugin.loyalty.referring.terms import Referrals, check
from plugin.shops.models import Shop


def save_terms(session: Session, shop: Shop, actor: str, terms: Referrals, version: int) -> Program | None:
    """Save over `version`, the one that was shown; None when nothing changed. Claims keep the terms of their own day.

    Raises Invalid at the field, ChangedMeanwhile.
    """
    check(terms)
    latest = queries.latest_program(session, shop)
    if latest is None or latest.version != version:
        raise ChangedMeanwhile(
            "The programme was saved elsewhere meanwhile. Load the page again and repeat the change."
        )
    if latest.document.referrals == terms:
        return None
    document = structs.replace(latest.document, referrals=terms)
    return programs.save_program(session, shop, actor, replace(programs.draft_of(latest), document=document))
