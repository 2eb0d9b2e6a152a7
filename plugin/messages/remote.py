"""What messages tell the store: that a person said yes or no to marketing. Setting a state twice does no harm.

Fact: "customerEmailMarketingConsentUpdate" in Shopify's Admin API reference takes SUBSCRIBED, UNSUBSCRIBED or PENDING.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from plugin.shops import api
from plugin.shops.models import Shop


def tell_consent(shop: Shop, payload: dict[str, Any]) -> dict[str, Any]:
    """Set a customer's e-mail consent: {"customer_id", "state", "at" (ISO)}; answers {"state"}."""
    consent = {
        "marketingState": payload["state"],
        "consentUpdatedAt": payload["at"],
        **({"marketingOptInLevel": "SINGLE_OPT_IN"} if payload["state"] == "SUBSCRIBED" else {}),
    }
    told = {"customerId": f"gid://shopify/Customer/{payload['customer_id']}", "emailMarketingConsent": consent}
    data = api.execute(shop, "EmailConsentUpdate", {"input": told})
    customer = data["customerEmailMarketingConsentUpdate"]["customer"] or {}
    return {"state": (customer.get("defaultEmailAddress") or {}).get("marketingState")}


def told(session: Session, shop: Shop, payload: dict[str, Any], result: dict[str, Any]) -> None:
    """Nothing more to write: the store's own news of the change comes in like any other."""
