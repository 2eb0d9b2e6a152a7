"""What referrals ask of the store: the friend's welcome code. Never inside a transaction.

Facts: "discountCodeBasicCreate" in Shopify's Admin API reference: `context: {all: ALL}` opens a code to everybody, and
`percentage` goes from 0 to 1. The friend is no customer yet, so what guards the code is
that it works once and cannot be guessed.
"""

from __future__ import annotations

from typing import Any

from plugin.loyalty.remote import find_code
from plugin.shopify.errors import UserErrors
from plugin.shops import api
from plugin.shops.models import Shop


def create_code(shop: Shop, payload: dict[str, Any]) -> dict[str, Any]:
    """Make the code, or adopt it when it is there (TAKEN); answers {"discount_gid"}."""
    try:
        data = api.execute(shop, "DiscountBasicCreate", {"input": code_input(payload)})
    except UserErrors as refused:
        found = find_code(shop, payload) if "TAKEN" in refused.codes else None
        if found is None:
            raise
        return found
    return {"discount_gid": data["discountCodeBasicCreate"]["codeDiscountNode"]["id"]}


def code_input(payload: dict[str, Any]) -> dict[str, Any]:
    """DiscountCodeBasicInput of a single-use amount or percentage off the whole order, for whoever has the code."""
    minimum = payload["minimum"]
    needed = {"minimumRequirement": {"subtotal": {"greaterThanOrEqualToSubtotal": minimum}}} if minimum else {}
    amount = {"discountAmount": {"amount": payload["amount"], "appliesOnEachItem": False}}
    value = {"percentage": payload["percent"] / 100} if payload["kind"] == "percent" else amount
    return {
        "title": payload["title"],
        "code": payload["code"],
        "startsAt": payload["starts_at"],
        "endsAt": payload["ends_at"],
        "usageLimit": 1,
        "appliesOncePerCustomer": True,
        "context": {"all": "ALL"},
        "customerGets": {"items": {"all": True}, "value": value},
        "combinesWith": {"orderDiscounts": False, "productDiscounts": True, "shippingDiscounts": True},
        **needed,
    }
