"""What loyalty asks of the store: a redemption's discount code. One function a call; never inside a transaction.

Facts: "discountCodeBasicCreate" and "codeDiscountNodeByCode" in Shopify's Admin API reference. A code's name repeats
for its redemption, so a code that is already there (TAKEN) is ours and is adopted.
"""

from __future__ import annotations

from typing import Any

from plugin.shopify.errors import UserErrors
from plugin.shops import api
from plugin.shops.models import Shop


def create_code(shop: Shop, payload: dict[str, Any]) -> dict[str, Any]:
    """Make the code, or adopt it. `payload` is that of the effect; answers {"discount_gid"}."""
    try:
        data = api.execute(shop, "DiscountBasicCreate", {"input": code_input(payload)})
    except UserErrors as refused:
        found = find_code(shop, payload) if "TAKEN" in refused.codes else None
        if found is None:
            raise
        return found
    return {"discount_gid": data["discountCodeBasicCreate"]["codeDiscountNode"]["id"]}


def find_code(shop: Shop, payload: dict[str, Any]) -> dict[str, Any] | None:
    """The discount with this code, if the store has it."""
    node = api.execute(shop, "DiscountByCode", {"code": payload["code"]})["codeDiscountNodeByCode"]
    return {"discount_gid": node["id"]} if node else None


def end_code(shop: Shop, payload: dict[str, Any]) -> dict[str, Any]:
    """Stop a code from working; ending it twice changes nothing."""
    api.execute(shop, "DiscountDeactivate", {"id": payload["discount_gid"]})
    return {}


def change_owner(shop: Shop, payload: dict[str, Any]) -> dict[str, Any]:
    """Let another customer use a code too, where the store has not seen to that; a code that is gone stays gone."""
    node = api.execute(shop, "DiscountPeople", {"code": payload["code"]})["codeDiscountNodeByCode"]
    kept = f"gid://shopify/Customer/{payload['customer_id']}"
    if node is None or kept in [person["id"] for person in node["codeDiscount"]["context"].get("customers", ())]:
        return {"changed": False}
    changes = {"context": {"customers": {"add": [kept]}}}
    api.execute(shop, "DiscountBasicUpdate", {"id": node["id"], "input": changes})
    return {"changed": True}


def code_input(payload: dict[str, Any]) -> dict[str, Any]:
    """DiscountCodeBasicInput of a personal, single-use amount off the whole order."""
    minimum = payload["minimum"]
    needed = {"minimumRequirement": {"subtotal": {"greaterThanOrEqualToSubtotal": minimum}}} if minimum else {}
    return {
        "title": payload["title"],
        "code": payload["code"],
        "startsAt": payload["starts_at"],
        "endsAt": payload["ends_at"],
        "usageLimit": 1,
        "appliesOncePerCustomer": True,
        "context": {"customers": {"add": [f"gid://shopify/Customer/{payload['customer_id']}"]}},
        "customerGets": {
            "items": {"all": True},
            "value": {"discountAmount": {"amount": payload["amount"], "appliesOnEachItem": False}},
        },
        "combinesWith": {"orderDiscounts": False, "productDiscounts": True, "shippingDiscounts": True},
        **needed,
    }
