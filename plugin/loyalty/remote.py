"""What loyalty asks of the store: what a redemption gives, and its end. One function a call; never in a transaction.

Facts: Shopify's Admin API reference, "discountCodeBasicCreate" and its neighbours. A code's name repeats for its
redemption, so a code that is already there (TAKEN) is ours and is adopted. Credit has no such name: it is told by its
amount and its expiry, whose minutes and seconds come from the redemption's number (plugin/loyalty/redeeming.py).
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from plugin.loyalty.terms import WHOLE
from plugin.shopify.errors import UserErrors
from plugin.shops import api
from plugin.shops.models import Shop

Payload = dict[str, Any]
CLASSES = {"order": "orderDiscounts", "product": "productDiscounts", "shipping": "shippingDiscounts"}


def create_code(shop: Shop, payload: Payload) -> Payload:
    """Make the code, or adopt it. `payload` is that of the effect; answers {"discount_gid"}."""
    shipping = payload.get("kind") == "free_shipping"
    operation, asked = (
        ("DiscountFreeShippingCreate", shipping_input) if shipping else ("DiscountBasicCreate", code_input)
    )
    try:
        data = api.execute(shop, operation, {"input": asked(payload)})
    except UserErrors as refused:
        return _adopted(refused, find_code(shop, payload))
    return {"discount_gid": next(iter(data.values()))["codeDiscountNode"]["id"]}


def find_code(shop: Shop, payload: Payload) -> Payload | None:
    """The discount with this code, if the store has it."""
    node = api.execute(shop, "DiscountByCode", {"code": payload["code"]})["codeDiscountNodeByCode"]
    return {"discount_gid": node["id"]} if node else None


def _adopted(refused: UserErrors, found: Payload | None) -> Payload:
    if "TAKEN" not in refused.codes or found is None:
        raise refused
    return found


def create_card(shop: Shop, payload: Payload) -> Payload:
    """Make the gift card, or adopt it; answers {"discount_gid"} as every kind does."""
    expires_on = datetime.fromisoformat(payload["ends_at"]).astimezone(ZoneInfo(shop.timezone)).date()
    asked = {
        "code": payload["code"],
        "customerId": _customer(payload),
        "initialAmount": _money(payload),
        "expiresOn": expires_on.isoformat(),
        "note": _note(payload),
    }
    try:
        data = api.execute(shop, "GiftCardCreate", {"input": asked})
    except UserErrors as refused:
        return _adopted(refused, find_card(shop, payload))
    return {"discount_gid": data["giftCardCreate"]["giftCard"]["id"]}


def find_card(shop: Shop, payload: Payload) -> Payload | None:
    """The gift card with this code and our note, if the store has it."""
    cards = api.execute(shop, "GiftCardsFound", {"query": payload["code"]})["giftCards"]["nodes"]
    return next(({"discount_gid": card["id"]} for card in cards if card["note"] == _note(payload)), None)


def _note(payload: Payload) -> str:
    return f"Regulars reward {payload['redemption_id']}"


def give_credit(shop: Shop, payload: Payload) -> Payload:
    """Store credit for the customer, told to them by the store."""
    asked = {"creditAmount": _money(payload), "expiresAt": payload["ends_at"], "notify": True}
    data = api.execute(shop, "StoreCreditCredit", {"id": _customer(payload), "input": asked})
    return {"discount_gid": data["storeCreditAccountCredit"]["storeCreditAccountTransaction"]["id"]}


def find_credit(shop: Shop, payload: Payload) -> Payload | None:
    """The credit of this redemption among the customer's newest movements."""
    customer = api.execute(shop, "StoreCreditGiven", {"id": _customer(payload)})["customer"]
    accounts = customer["storeCreditAccounts"]["nodes"] if customer else []
    moved = (one for account in accounts for one in account["transactions"]["nodes"])
    return next(({"discount_gid": one["id"]} for one in moved if _is_ours(one, payload)), None)


def _is_ours(moved: Payload, payload: Payload) -> bool:
    if not moved.get("expiresAt"):
        return False
    amount = moved["amount"]
    same = Decimal(amount["amount"]) == Decimal(payload["amount"]) and amount["currencyCode"] == payload["currency"]
    return same and datetime.fromisoformat(moved["expiresAt"]) == datetime.fromisoformat(payload["ends_at"])


def end_code(shop: Shop, payload: Payload) -> Payload:
    """Stop a code from working; ending it twice changes nothing."""
    if "/GiftCard/" in payload["discount_gid"]:
        return _end_card(shop, payload["discount_gid"])
    api.execute(shop, "DiscountDeactivate", {"id": payload["discount_gid"]})
    return {}


def end_unused(shop: Shop, payload: Payload) -> Payload:
    """End what a redemption gave, then say whether it was used until then: {"used", "order_id"}.

    A code that the merchant has deleted was not used through us and cannot be any more.
    """
    if payload["kind"] == "gift_card":
        return _end_card(shop, payload["gid"])
    found = _use(shop, payload)
    if found["there"]:
        api.execute(shop, "DiscountDeactivate", {"id": payload["gid"]})
        found = _use(shop, payload)
    return {"used": found["used"], "order_id": found["order_id"]}


def _use(shop: Shop, payload: Payload) -> Payload:
    """`asyncUsageCount` is told late and `discount_code:` finds an order's first code only, so either will do."""
    data = api.execute(shop, "DiscountUse", {"code": payload["code"], "orders": f"discount_code:{payload['code']}"})
    node, orders = data["codeDiscountNodeByCode"], data["orders"]["nodes"]
    uses = node["codeDiscount"].get("asyncUsageCount", 0) if node else 0
    order_id = int(orders[0]["id"].rpartition("/")[2]) if orders else None
    return {"there": node is not None, "used": bool(uses or orders), "order_id": order_id}


def _end_card(shop: Shop, gid: str) -> Payload:
    """A card with money missing is used and stays; one that is whole is ended."""
    card = api.execute(shop, "GiftCardNow", {"id": gid})["giftCard"]
    used = card is not None and Decimal(card["balance"]["amount"]) < Decimal(card["initialValue"]["amount"])
    if card is not None and card["enabled"] and not used:
        api.execute(shop, "GiftCardDeactivate", {"id": gid})
    return {"used": used, "order_id": None}


def change_owner(shop: Shop, payload: Payload) -> Payload:
    """Let another customer use a code too, where the store has not seen to that; a code that is gone stays gone."""
    node = api.execute(shop, "DiscountPeople", {"code": payload["code"]})["codeDiscountNodeByCode"]
    kept = f"gid://shopify/Customer/{payload['customer_id']}"
    if node is None or kept in [person["id"] for person in node["codeDiscount"]["context"].get("customers", ())]:
        return {"changed": False}
    changes = {"context": {"customers": {"add": [kept]}}}
    shipping = node["codeDiscount"].get("__typename") == "DiscountCodeFreeShipping"
    operation = "DiscountFreeShippingUpdate" if shipping else "DiscountBasicUpdate"
    api.execute(shop, operation, {"id": node["id"], "input": changes})
    return {"changed": True}


def code_input(payload: Payload) -> Payload:
    """DiscountCodeBasicInput of a personal, single-use discount."""
    return _shared(payload) | {"customerGets": {"items": _items(payload), "value": _value(payload)}}


def shipping_input(payload: Payload) -> Payload:
    """DiscountCodeFreeShippingInput of a personal, single-use free shipping to anywhere."""
    return _shared(payload) | {"destination": {"all": True}}


def _shared(payload: Payload) -> Payload:
    minimum, combines = payload["minimum"], payload.get("combines", ("product", "shipping"))
    own = {"shipping"} if payload.get("kind") == "free_shipping" else set()  # nothing combines with its own class
    needed = {"minimumRequirement": {"subtotal": {"greaterThanOrEqualToSubtotal": minimum}}} if minimum else {}
    return {
        "title": payload["title"],
        "code": payload["code"],
        "startsAt": payload["starts_at"],
        "endsAt": payload["ends_at"],
        "usageLimit": 1,
        "appliesOncePerCustomer": True,
        "context": {"customers": {"add": [_customer(payload)]}},
        "combinesWith": {field: name in combines for name, field in CLASSES.items() if name not in own},
        **needed,
    }


def _value(payload: Payload) -> Payload:
    """A free product is its price off, once: a percentage would make every unit in the cart free."""
    if payload.get("kind") == "percent_off":
        return {"percentage": payload["percent_bp"] / WHOLE}
    return {"discountAmount": {"amount": payload["amount"], "appliesOnEachItem": False}}


def _items(payload: Payload) -> Payload:
    if payload.get("kind") == "free_product":
        return {"products": {"productVariantsToAdd": [f"gid://shopify/ProductVariant/{payload['variant_id']}"]}}
    if products := payload.get("products"):
        return {"products": {"productsToAdd": [f"gid://shopify/Product/{id}" for id in products]}}
    if collections := payload.get("collections"):
        return {"collections": {"add": [f"gid://shopify/Collection/{id}" for id in collections]}}
    return {"all": True}


def _customer(payload: Payload) -> str:
    return f"gid://shopify/Customer/{payload['customer_id']}"


def _money(payload: Payload) -> Payload:
    return {"amount": payload["amount"], "currencyCode": payload["currency"]}
