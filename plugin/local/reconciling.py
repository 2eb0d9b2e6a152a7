"""`regulars shop reconcile`: one comparison of a shop with its store, now and in this process, and what it found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from sqlalchemy import select

from plugin.db import engine as db
from plugin.errors import RegularsError
from plugin.local.errors import LocalError
from plugin.shops import queries as shops
from plugin.sync import checks, passes
from plugin.sync.models import DriftCheck, DriftFinding

OBJECTS = (*checks.KINDS, checks.SUBSCRIPTIONS)


def reconcile(domain: str, kinds: tuple[str, ...] = OBJECTS) -> Iterator[str]:
    """Compare and heal; a line a kind. Raises LocalError for a shop that cannot be compared."""
    shop = shops.by_domain(domain)
    if shop is None or not shops.is_installed(shop):
        raise LocalError(f"No shop {domain} has the plugin installed here.")
    try:
        ended = passes.run(shop.id, kinds)
    except RegularsError as error:
        raise LocalError(str(error)) from error
    for check in ended:
        yield score(check, _reasons(check))


def score(check: DriftCheck, reasons: Counter[str]) -> str:
    """A check in one line: "orders: 3 of 12431 differed (2 missing, 1 older), 3 healed"."""
    if check.state == "failed":
        return f"{check.object}: not compared. {check.error}"
    if check.object == checks.SUBSCRIPTIONS and not check.compared:
        return f"{check.object}: the store does not list the subscriptions of app.toml"
    total = check.compared if check.total is None else check.total
    named = ", ".join(f"{number} {reason}" for reason, number in sorted(reasons.items()))
    healed = f", {check.healed} healed" if check.differed and check.object != checks.SUBSCRIPTIONS else ""
    return f"{check.object}: {check.differed} of {total} differed" + (f" ({named})" if named else "") + healed


def _reasons(check: DriftCheck) -> Counter[str]:
    counted = DriftFinding.check_id == check.id, DriftFinding.outcome.in_(("healed", "failed"))
    with db.transaction(check.shop_id) as session:
        return Counter(session.scalars(select(DriftFinding.reason).where(*counted)))
