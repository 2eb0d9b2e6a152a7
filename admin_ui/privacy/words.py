"""How the panel names requests about personal data, where they stand, and what an export holds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import g
from flask_babel import gettext, ngettext

from admin_ui.formats import moment, money, number
from plugin.privacy.models import PrivacyRequest


def kind(request: PrivacyRequest) -> str:
    """What was asked for."""
    known = {
        "customers/data_request": gettext("Give the data of a customer"),
        "customers/redact": gettext("Erase a customer"),
        "shop/redact": gettext("Erase the shop"),
    }
    return known.get(request.kind, request.kind)


def who(request: PrivacyRequest) -> str:
    """Whom it is about; names are not kept here."""
    if request.kind == "shop/redact":
        return gettext("The whole shop")
    if request.customer_id is None:
        return gettext("Somebody without a customer record")
    return gettext("Customer %(id)s", id=request.customer_id)


def state(request: PrivacyRequest) -> tuple[str, str]:
    """Where a request stands, as word and badge tone."""
    known = {
        "open": (gettext("Waiting"), "info"),
        "reading": (gettext("Being erased"), "info"),
        "erasing": (gettext("Being erased"), "info"),
        "ready": (gettext("Ready to download"), "attention"),
        "done": (gettext("Done"), "success"),
        "held": (gettext("Set aside"), "warning"),
        "missed": (gettext("Not downloaded in time"), "critical"),
        "erased": (gettext("Erased before"), ""),
    }
    return known.get(request.state, (request.state, ""))


def urgency(level: str) -> tuple[str, str]:
    """How a due date is shown when time is short."""
    return (gettext("Late"), "critical") if level == "late" else (gettext("Due soon"), "warning")


def outcome(request: PrivacyRequest) -> str:
    """What became of a request, in one sentence."""
    if request.state == "held":
        return gettext("The shop was installed again before it was erased, so nothing was erased.")
    if request.state == "erased":
        return gettext("This person was erased before the data were given.")
    if request.state == "missed":
        return gettext(
            "The export was kept for 30 days and nobody downloaded it. Ask the customer to send a new request."
        )
    rows = sum(request.counts.values())
    if not request.counts:
        return gettext("Nothing about this person was kept here.") if request.state == "done" else ""
    if request.kind == "customers/data_request":
        return ngettext(
            "The export holds %(rows)s record.", "The export holds %(rows)s records.", rows, rows=number(rows)
        )
    return ngettext("%(rows)s record was emptied.", "%(rows)s records were emptied.", rows, rows=number(rows))


def proof(request: PrivacyRequest) -> str:
    """The digest that proves what was done, as text."""
    return request.manifest_sha256.hex() if request.manifest_sha256 else ""


def table(name: str) -> str:
    """A kind of record, in the merchant's words."""
    known = {
        "customers": gettext("Customer records"),
        "customer_terms": gettext("Search words"),
        "orders": gettext("Orders"),
        "order_lines": gettext("Lines of orders"),
        "refunds": gettext("Refunds"),
        "fulfillments": gettext("Parcels"),
        "checkouts": gettext("Checkouts"),
        "messages": gettext("Mails"),
        "consents": gettext("Permissions given and taken back"),
        "suppressions": gettext("Addresses that are not written to"),
        "subscriptions": gettext("Subscriptions"),
        "enrollments": gettext("Carts in campaigns"),
        "decisions": gettext("Decisions not to write"),
        "point_accounts": gettext("Points"),
        "point_entries": gettext("History of points"),
        "point_notes": gettext("Notes of your staff"),
        "tier_changes": gettext("History of tiers"),
        "tier_grants": gettext("Tiers given by hand"),
        "redemptions": gettext("Rewards"),
        "referral_links": gettext("Personal links"),
        "referrals": gettext("Friends invited"),
        "referrals_as_friend": gettext("Invitations taken up"),
        "inbox": gettext("News from the store"),
        "webhooks": gettext("News from the store"),
        "outbox": gettext("Tasks"),
    }
    return known.get(name, name)


def counts(request: PrivacyRequest) -> list[tuple[str, str]]:
    """How many records of each kind were erased or exported."""
    return [(table(name), number(rows)) for name, rows in request.counts.items()]


def shown(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    """One record of an export as pairs, without what is empty."""
    currency = str(row.get("currency") or row.get("spent_currency") or g.shop.currency)
    held = {name: value for name, value in row.items() if value not in (None, "", [], {})}
    return [_pair(name, value, currency) for name, value in held.items()]


def _pair(name: str, value: Any, currency: str) -> tuple[str, str]:
    if name.endswith("_minor") and isinstance(value, int):
        return name.removesuffix("_minor").replace("_", " "), money(value, currency)
    if name.endswith("_at") and isinstance(value, str):
        return name.removesuffix("_at").replace("_", " "), moment(datetime.fromisoformat(value))
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return name.replace("_", " "), text
