"""Where a customer stands, for the panel and the storefront."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from plugin.loyalty import queries
from plugin.loyalty.rules import ProgramRules, TierRules
from plugin.loyalty.tiers import following, terms
from plugin.shops.models import Shop


@dataclass(frozen=True)
class Standing:
    """Where a customer stands at a moment: tier, what counts, and what is missing to the next one that shows."""

    spend_minor: int
    currency: str
    tier: TierRules | None
    next: TierRules | None
    missing_minor: int
    missing: dict[str, int] = field(default_factory=dict)  # by metric, to the next tier
    told: dict[str, Any] = field(default_factory=dict)  # numbers of the window by metric, version, currency
    falls_at: datetime | None = None  # when the tier is lost unless more comes in


def standing(session: Session, shop: Shop, customer_id: int, now: datetime) -> Standing:
    """Tier and next tier from the mirror, as of `now`."""
    programs = queries.programs(session, shop)
    current = queries.program(session, shop, now)
    if current is None or not current.tiers:
        return Standing(0, current.currency if current else shop.currency, None, None, 0)
    histories = following.histories(session, shop, [customer_id], programs, now)
    found = following.stand_of(histories, customer_id, current, now)
    told = following.told(current, found)
    above = _next_up(current, found.tier)
    missing = _missing(current, above, told["numbers"]) if above else {}
    falls_at = found.state.falls_at if found.state and found.grant is None else None
    missing_minor = missing.get("spend", 0)
    return Standing(found.spend_minor, current.currency, found.tier, above, missing_minor, missing, told, falls_at)


def _next_up(program: ProgramRules, tier: TierRules | None) -> TierRules | None:
    """The next tier that can be reached by buying and is shown to those who are not in it."""
    rank = 0 if tier is None else 1 + program.tiers.index(tier)
    return next((each for each in program.tiers[rank:] if not each.terms.manual and not each.terms.hidden), None)


def _missing(program: ProgramRules, above: TierRules, numbers: dict[str, int]) -> dict[str, int]:
    asked = {metric: terms.entry(above, metric) for metric in program.document.tiers.metrics}
    return {metric: need - numbers.get(metric, 0) for metric, need in asked.items() if need > numbers.get(metric, 0)}
