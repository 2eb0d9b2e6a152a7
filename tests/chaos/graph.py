"""The store's objects as its Admin API answers them, made from webhook bodies: the same facts in another shape."""

from __future__ import annotations

from typing import Any

Body = dict[str, Any]


def gid(kind: str, id: Any) -> str:
    return f"gid://shopify/{kind}/{id}"


def bag(amount: Any) -> Body:
    return {"shopMoney": {"amount": str(amount), "currencyCode": "EUR"}}


def page(nodes: list[Body]) -> Body:
    return {"nodes": nodes, "pageInfo": {"hasNextPage": False, "endCursor": None}}


def customer(body: Body, consent: str = "SUBSCRIBED", consent_at: str | None = None, **counted: Any) -> Body:
    """`counted` are the fields that the store keeps about a customer's orders."""
    address = body.get("default_address") or {}
    return {
        "id": gid("Customer", body["id"]),
        "firstName": body["first_name"],
        "lastName": body["last_name"],
        "locale": "pl",
        "state": (body["state"] or "disabled").upper(),
        "tags": ["vip"],
        "numberOfOrders": "0",
        "amountSpent": {"amount": "0.0", "currencyCode": "EUR"},
        "defaultAddress": {"city": address.get("city"), "countryCodeV2": address.get("country_code")},
        "defaultEmailAddress": {
            "emailAddress": body["email"],
            "marketingState": consent,
            "marketingOptInLevel": "SINGLE_OPT_IN",
            "marketingUpdatedAt": consent_at,
        },
        "defaultPhoneNumber": None,
        "createdAt": body["created_at"],
        "updatedAt": body["updated_at"],
        "lastOrder": None,
    } | counted


def order(body: Body) -> Body:
    buyer = body.get("customer")
    return {
        "id": gid("Order", body["id"]),
        "name": body["name"],
        "email": body["email"],
        "currencyCode": body["currency"],
        "presentmentCurrencyCode": body["presentment_currency"],
        "customer": {"id": gid("Customer", buyer["id"])} if buyer else None,
        "checkoutToken": body["checkout_token"],
        "cartToken": body["cart_token"],
        "sourceName": body["source_name"],
        "displayFinancialStatus": body["financial_status"].upper(),
        "displayFulfillmentStatus": (body["fulfillment_status"] or "unfulfilled").upper(),
        "test": body["test"],
        "taxesIncluded": body["taxes_included"],
        "subtotalPriceSet": bag(body["subtotal_price"]),
        "totalPriceSet": bag(body["total_price"]),
        "totalTaxSet": bag(body["total_tax"]),
        "totalDiscountsSet": bag(body["total_discounts"]),
        "totalShippingPriceSet": bag(_shipping(body)),
        "currentSubtotalPriceSet": bag(body["current_subtotal_price"]),
        "currentTotalPriceSet": bag(body["current_total_price"]),
        "currentSubtotalLineItemsQuantity": sum(line["current_quantity"] for line in body["line_items"]),
        "totalRefundedSet": bag(f"{sum(_given_back(each) for each in body['refunds']):.2f}"),
        "discountCodes": [each["code"] for each in body["discount_codes"]],
        "tags": [],
        "processedAt": body["processed_at"],
        "createdAt": body["created_at"],
        "updatedAt": body["updated_at"],
        "cancelledAt": body["cancelled_at"],
        "closedAt": body["closed_at"],
        "lineItems": page([_line(line) for line in body["line_items"]]),
        "refunds": [{"id": gid("Refund", each["id"])} for each in body["refunds"]],
        "fulfillments": [],
    }


def whole_order(body: Body) -> Body:
    """With its refunds, as the product keeps it after reading each."""
    return order(body) | {"refunds": [refund(each) for each in body["refunds"]]}


def refund(body: Body) -> Body:
    lines = body["refund_line_items"]
    return {
        "id": gid("Refund", body["id"]),
        "createdAt": body["created_at"],
        "processedAt": body["processed_at"],
        "totalRefundedSet": bag(f"{_given_back(body):.2f}"),
        "refundLineItems": page([_refund_line(line) for line in lines]),
        "refundShippingLines": {"nodes": []},
        "orderAdjustments": {"nodes": []},
    }


def product(body: Body) -> Body:
    return {
        "id": gid("Product", body["id"]),
        "title": body["title"],
        "handle": body["handle"],
        "vendor": body["vendor"],
        "productType": body["product_type"],
        "status": body["status"].upper(),
        "tags": [tag.strip() for tag in body["tags"].split(",")],
        "featuredMedia": {"preview": {"image": {"url": body["image"]["src"]}}},
        "variants": page([_variant(variant) for variant in body["variants"]]),
        "variantsCount": {"count": len(body["variants"])},
        "publishedAt": body["published_at"],
        "createdAt": body["created_at"],
        "updatedAt": body["updated_at"],
    }


def _given_back(refund: Body) -> float:
    return sum(line["subtotal"] for line in refund["refund_line_items"])


def _shipping(body: Body) -> str:
    told = body["total_shipping_price_set"]
    return told["shop_money"]["amount"] if told else "0"


def _line(line: Body) -> Body:
    return {
        "id": gid("LineItem", line["id"]),
        "title": line["title"],
        "variantTitle": line["variant_title"],
        "sku": line["sku"],
        "vendor": line["vendor"],
        "quantity": line["quantity"],
        "currentQuantity": line["current_quantity"],
        "isGiftCard": line["gift_card"],
        "product": {"id": gid("Product", line["product_id"])},
        "variant": {"id": gid("ProductVariant", line["variant_id"])},
        "originalUnitPriceSet": bag(line["price"]),
        "discountAllocations": [{"allocatedAmountSet": bag(each["amount"])} for each in line["discount_allocations"]],
        "taxLines": [{"priceSet": bag(tax["price"])} for tax in line["tax_lines"]],
    }


def _refund_line(line: Body) -> Body:
    return {
        "id": gid("RefundLineItem", line["id"]),
        "quantity": line["quantity"],
        "lineItem": {"id": gid("LineItem", line["line_item_id"])},
        "subtotalSet": bag(f"{line['subtotal']:.2f}"),
        "totalTaxSet": bag(f"{line['total_tax']:.2f}"),
    }


def _variant(variant: Body) -> Body:
    return {
        "id": gid("ProductVariant", variant["id"]),
        "title": variant["title"],
        "sku": variant["sku"],
        "price": variant["price"],
        "compareAtPrice": variant["compare_at_price"],
        "position": variant["position"],
        "inventoryItem": {"id": gid("InventoryItem", variant["inventory_item_id"])},
    }


def checkout(body: Body, person: Body) -> Body:
    """An abandoned checkout; its number is in its token, its address names the token."""
    return {
        "id": gid("AbandonedCheckout", body["token"].rpartition("-")[2]),
        "name": body["token"],
        "abandonedCheckoutUrl": body["abandoned_checkout_url"],
        "subtotalPriceSet": bag(body["subtotal_price"]),
        "totalPriceSet": bag(body["total_price"]),
        "customer": person,
        "completedAt": body["completed_at"],
        "createdAt": body["created_at"],
        "updatedAt": body["updated_at"],
        "lineItems": page([_cart_line(line) for line in body["line_items"]]),
    }


def _cart_line(line: Body) -> Body:
    return {
        "title": line["title"],
        "variantTitle": line["variant_title"],
        "quantity": line["quantity"],
        "originalUnitPriceSet": bag(line["price"]),
        "product": {"id": gid("Product", line["product_id"])},
        "variant": {"id": gid("ProductVariant", line["product_id"] + 100)},
    }
