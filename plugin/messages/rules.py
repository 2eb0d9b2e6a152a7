"""When a mail may go out: pure rules over what is known about one address.

Two kinds of permission exist. Scope "all" stands on the store's own consent; scope "field:<id>" on what the person
asked for in that one field, which a later "no" to everything ends and an earlier one does not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

ALL: Final = "all"
PROGRAM: Final = "loyalty"  # mails about one's own account in the programme: service, but nobody has to want them
FREQUENCY_DAYS: Final = 7
FREQUENCY_MAX: Final = 5  # marketing mails to one address in FREQUENCY_DAYS, unless the shop says otherwise
SERVICE_TRIES: Final = 8
MARKETING_TRIES: Final = 5
UNREACHABLE: Final = frozenset({"bounced", "complained", "redacted", "invalid"})  # no later "yes" lifts these
WITHDRAWN: Final = frozenset({"unsubscribed", "redacted", "invalid"})  # the store's words for "do not write"


@dataclass(frozen=True)
class Stop:
    """Why something does not happen: the rule and the value it looked at."""

    rule: str
    value: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Suppressed:
    """One line of the suppression list, as the rules need it."""

    scope: str
    reason: str
    since: datetime


@dataclass(frozen=True)
class Standing:
    """What is known about one address at the moment of sending."""

    suppressions: tuple[Suppressed, ...] = ()
    consent: str | None = None  # the store's word for the customer
    consent_at: datetime | None = None
    granted_at: datetime | None = None  # the last "yes" to this mail's own scope
    marketing_count: int = 0  # marketing mails in the last FREQUENCY_DAYS


def field_scope(field_id: int) -> str:
    """The scope of one subscription field."""
    return f"field:{field_id}"


def address(email: str) -> str:
    """The form in which addresses are compared: trimmed, lower case."""
    return email.strip().lower()


def refusal(marketing: bool, scope: str, standing: Standing, most: int = FREQUENCY_MAX) -> Stop | None:
    """Why this mail must not go out now, or None. Service mails are stopped only by a dead address."""
    return (
        _unreachable(standing.suppressions)
        or (_withdrawn(scope, standing) if marketing else None)
        or (_too_often(standing.marketing_count, most) if marketing else None)
    )


def retry_after(attempts: int) -> timedelta:
    """How long to wait after the n-th failed try: 1, 4, 16 … minutes, at most 6 hours."""
    return min(timedelta(minutes=4 ** max(0, attempts - 1)), timedelta(hours=6))


def may_retry(marketing: bool, attempts: int) -> bool:
    """Whether a mail that was surely not accepted gets another try."""
    return attempts < (MARKETING_TRIES if marketing else SERVICE_TRIES)


def _unreachable(suppressions: Iterable[Suppressed]) -> Stop | None:
    for line in suppressions:
        if line.reason in UNREACHABLE:
            return Stop(line.reason, {"since": line.since.isoformat()})
    return None


def _withdrawn(scope: str, standing: Standing) -> Stop | None:
    for line in standing.suppressions:
        if line.scope == scope or (line.scope == ALL and _after(line.since, scope, standing)):
            return Stop("unsubscribed", {"scope": line.scope, "since": line.since.isoformat()})
    if standing.consent in WITHDRAWN and _after(standing.consent_at, scope, standing):
        return Stop("unsubscribed", {"scope": ALL, "consent": standing.consent})
    return None


def _after(withdrawn_at: datetime | None, scope: str, standing: Standing) -> bool:
    """Whether a "no" to everything also ends this scope: always, unless this scope was granted later."""
    if scope == ALL or withdrawn_at is None or standing.granted_at is None:
        return True
    return withdrawn_at >= standing.granted_at


def _too_often(count: int, most: int) -> Stop | None:
    return Stop("frequency", {"sent": count, "most": most, "days": FREQUENCY_DAYS}) if count >= most else None
