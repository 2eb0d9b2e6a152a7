"""Whether the store still tells us what `app.toml` asks for.

Subscriptions of `app.toml` belong to the app, not to a shop: a deploy registers them, deliveries that fail do not
remove them, and the Admin API is not bound to list them (it lists those that a shop's token made). So there are two
looks: where the store lists any, each declared topic must be among them, unaltered; and whatever it lists, a kind of
which objects changed during a day while none of its webhooks came is called silent. We register nothing ourselves:
after the next deploy everything would be delivered twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import func, insert, text
from sqlalchemy.orm import Session

from plugin.config import API_VERSION, config, manifest
from plugin.shops import api
from plugin.shops.models import Shop
from plugin.sync.models import DriftCheck, DriftFinding

MOST_PAGES = 20
KINDS = ("customers", "orders", "products", "checkouts")
_SILENT = text("""
    SELECT object FROM drift_checks WHERE shop_id = :shop AND reach = 'recent' AND state = 'done'
        AND finished_at > clock_timestamp() - interval '1 day' AND object = ANY (:kinds)
    GROUP BY object HAVING sum(compared) > 0 AND NOT EXISTS (SELECT FROM inbox
        WHERE inbox.shop_id = :shop AND inbox.received_at > clock_timestamp() - interval '26 hours'
        AND starts_with(inbox.topic, drift_checks.object || '/'))
""")


def declared() -> list[str]:
    """The topics of `app.toml` that a store can list: all but the compliance topics."""
    return sorted(topic for one in manifest()["webhooks"]["subscriptions"] for topic in one.get("topics", ()))


def listed(shop: Shop) -> list[dict[str, Any]]:
    """The subscriptions that the store lists. Errors as of `shops.api`."""
    found: list[dict[str, Any]] = []
    after = None
    for _ in range(MOST_PAGES):
        page = api.execute(shop, "WebhookSubscriptions", {"after": after})["webhookSubscriptions"]
        found += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    return found


def faults(subscriptions: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Topic and reason of each that is not as declared: missing, address, version, format, narrowed or twice.

    A list without any says nothing.
    """
    by_topic: dict[str, list[dict[str, Any]]] = {}
    for one in subscriptions:
        by_topic.setdefault(one["topic"], []).append(one)
    for topic in declared() if subscriptions else ():
        found = by_topic.get(topic.replace("/", "_").replace(".", "_").upper(), [])
        if reason := _reason(found):
            yield topic, reason


def _reason(found: list[dict[str, Any]]) -> str:
    if len(found) != 1:
        return "twice" if found else "missing"
    one = found[0]
    checked = {
        "address": one["uri"] in ("/webhooks", f"{config().app_url}/webhooks"),
        "version": one["apiVersion"]["handle"] == API_VERSION,
        "format": one["format"] == "JSON",
        "narrowed": not one["filter"] and not one["includeFields"],
    }
    return next((reason for reason, right in checked.items() if not right), "")


def note(session: Session, check: DriftCheck, subscriptions: list[dict[str, Any]]) -> dict[str, Any]:
    """Write down what is not right; the columns of the check as it ends."""
    named = {"shop": check.shop_id, "kinds": list(KINDS)}
    wrong = dict(faults(subscriptions))
    wrong |= {f"{kind}/*": "silent" for kind in session.execute(_SILENT, named).scalars()}
    mine = {"shop_id": check.shop_id, "check_id": check.id, "outcome": "failed"}
    if wrong:
        session.execute(insert(DriftFinding), [mine | {"key": key, "reason": wrong[key]} for key in sorted(wrong)])
    return {
        "state": "done",
        "total": len(declared()),
        "compared": len(declared()) if subscriptions else 0,
        "differed": len(wrong),
        "finished_at": func.clock_timestamp(),
    }
