"""GraphQL answers → the same rows as webhooks. Enum words become the lower-case words that webhooks use."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from psycopg.types.json import Jsonb

from plugin.commerce.places import place
from plugin.sync import nodes, rows
from plugin.sync.batch import Batch, Source, currency_code, email_address, keep, minor, tag_list
from plugin.sync.nodes import numeric_id
from plugin.sync.payloads import Moment
from plugin.sync.versions import in_utc

# …/checkouts/<token>/recover?key=… and …/checkouts/cn/<token>/…
# What the admin displays of a parcel before its carrier says anything; `shipment_status` of webhooks is null then.
UNKNOWN_TO_CARRIERS = ("FULFILLED", "MARKED_AS_FULFILLED", "SUBMITTED", "CANCELED")
_TOKEN = re.compile(r"/checkouts/(?:[a-z]{1,3}/)?([^/?]+)")


def customer(batch: Batch, source: Source, told: nodes.Customer) -> None:
    """A whole customer: every group of columns."""
    id, stamp = numeric_id(told.id), in_utc(told.updatedAt)
    version = source.version(stamp)
    keep(batch.identities, id, _identity(told, version))
    if told.tags is not None:
        keep(batch.tags, id, rows.Tags(tag_list(told.tags), version))
    if told.locale:
        keep(batch.locales, id, rows.Locale(told.locale, version))
    email, phone = told.defaultEmailAddress, told.defaultPhoneNumber
    if email and email.marketingState:
        consent = email.marketingState, email.marketingOptInLevel, email.marketingUpdatedAt
        keep(
            batch.email_consents,
            id,
            rows.Consent(*_consent(*consent), source.version(email.marketingUpdatedAt or stamp)),
        )
    if phone and phone.smsMarketingConsent and (sms := phone.smsMarketingConsent).state:
        consent = sms.state, sms.optInLevel, sms.updatedAt
        keep(batch.sms_consents, id, rows.Consent(*_consent(*consent), source.version(sms.updatedAt or stamp)))
    if told.numberOfOrders is not None and told.amountSpent:
        currency = currency_code(told.amountSpent.currencyCode or source.shop.currency)
        spent = minor(told.amountSpent.amount, currency)
        keep(batch.totals, id, rows.Totals(told.numberOfOrders, spent, currency, _counted(source, stamp)))


def _counted(source: Source, stamp: datetime | None) -> bytes:
    """The version of totals that were read: the store counts when it is asked, and `updatedAt` does not move with them.

    Their own news, customers/purchasing_summary, are dated by the moment of counting too.
    """
    return source.version(max(filter(None, (stamp, in_utc(source.triggered_at))), default=None))


def order(batch: Batch, source: Source, told: nodes.Order) -> None:
    """One order as a single read answers it: lines, refunds and fulfillments included."""
    lines = told.lineItems.nodes if told.lineItems else []
    order_with(batch, source, told, lines)
    id, version = numeric_id(told.id), source.version(told.updatedAt)
    for refund in told.refunds or []:
        batch.refund(*_refund(source.shop.id, refund, id, currency_code(told.currencyCode), version))
    fulfillments(batch, source, told)


def refund_of(batch: Batch, source: Source, told: nodes.Refund, order: nodes.RefundedOrder) -> None:
    """One refund of an order that is told elsewhere."""
    id = numeric_id(order.id)
    batch.mentioned_orders.add(id)
    batch.refund(*_refund(source.shop.id, told, id, currency_code(order.currencyCode), source.version(order.updatedAt)))


def order_with(batch: Batch, source: Source, told: nodes.Order, lines: Sequence[nodes.Line]) -> None:
    """The order itself with these lines."""
    id, currency = numeric_id(told.id), currency_code(told.currencyCode)
    customer_id = numeric_id(told.customer.id) if told.customer else None
    version = source.version(told.updatedAt)
    if customer_id:
        batch.mentioned_customers.add(customer_id)
    line_rows = [order_line(source.shop.id, id, each, position, currency) for position, each in enumerate(lines, 1)]
    batch.order(_order(source, told, id, customer_id, currency, version), line_rows)


def fulfillments(batch: Batch, source: Source, told: nodes.Order) -> None:
    """The order's fulfillments, which come with it in every answer."""
    for each in told.fulfillments or []:
        row = _fulfillment(source, each, numeric_id(told.id))
        keep(batch.fulfillments, row.id, row)


def product(batch: Batch, source: Source, told: nodes.Product) -> None:
    product_with(batch, source, told, told.variants.nodes if told.variants else [])


def product_with(batch: Batch, source: Source, told: nodes.Product, variants: Sequence[nodes.Variant]) -> None:
    """The product with these variants."""
    shop_id, id, currency = source.shop.id, numeric_id(told.id), source.shop.currency
    preview = told.featuredMedia.preview if told.featuredMedia else None
    row = rows.ProductRow(
        shop_id,
        id,
        told.title or "",
        told.handle or "",
        told.vendor or None,
        told.productType or "",
        told.status.lower() if told.status else None,
        tag_list(told.tags),
        preview.image.url if preview and preview.image else None,
        in_utc(told.publishedAt),
        in_utc(told.createdAt),
        in_utc(told.updatedAt),
        source.version(told.updatedAt),
    )
    batch.product(row, [variant(shop_id, id, each, currency) for each in variants])


def checkout(batch: Batch, source: Source, told: nodes.Checkout) -> None:
    checkout_with(batch, source, told, told.lineItems.nodes if told.lineItems else [])


def checkout_token(link: str) -> str:
    """The token in the link that recovers a checkout. Raises ValueError when there is none."""
    token = _TOKEN.search(link)
    if token is None:
        raise ValueError("The abandoned checkout's link holds no token.")
    return token[1]


def checkout_with(batch: Batch, source: Source, told: nodes.Checkout, lines: Sequence[nodes.CheckoutLine]) -> None:
    """An abandoned checkout with these lines."""
    token = checkout_token(told.abandonedCheckoutUrl)
    currency, buyer = currency_code(source.shop.currency), told.customer
    customer_id = numeric_id(buyer.id) if buyer else None
    if customer_id:
        batch.mentioned_customers.add(customer_id)
    email = buyer.defaultEmailAddress if buyer else None
    phone = buyer.defaultPhoneNumber if buyer else None
    row = rows.CheckoutRow(
        source.shop.id,
        token,
        numeric_id(told.id),
        None,
        customer_id,
        email_address(email.emailAddress) if email else None,
        phone.phoneNumber if phone else None,
        buyer.locale if buyer else None,
        told.abandonedCheckoutUrl,
        bool(email and email.marketingState == "SUBSCRIBED"),
        currency,
        _minor(told.subtotalPriceSet, currency),
        _minor(told.totalPriceSet, currency),
        Jsonb([checkout_line(line, currency) for line in lines]),
        in_utc(told.createdAt),
        in_utc(told.updatedAt),
        in_utc(told.completedAt),
        None,
        source.version(told.updatedAt),
    )
    keep(batch.checkouts, token, row)


def _identity(told: nodes.Customer, version: bytes) -> rows.Identity:
    address = told.defaultAddress or nodes.Address()
    return rows.Identity(
        email_address(told.defaultEmailAddress.emailAddress) if told.defaultEmailAddress else None,
        told.defaultPhoneNumber.phoneNumber if told.defaultPhoneNumber else None,
        told.firstName or None,
        told.lastName or None,
        told.state.lower() if told.state else None,
        address.countryCodeV2,
        address.city or None,
        in_utc(told.createdAt),
        in_utc(told.updatedAt),
        version,
    )


def _consent(state: str | None, level: str | None, changed_at: Moment) -> tuple[str | None, str | None, Moment]:
    return state.lower() if state else None, level.lower() if level else None, in_utc(changed_at)


def _minor(bag: nodes.Bag | None, currency: str) -> int:
    return minor(bag.shopMoney.amount, currency) if bag else 0


def _order(
    source: Source, told: nodes.Order, id: int, customer_id: int | None, currency: str, version: bytes
) -> rows.OrderRow:
    fulfillment = told.displayFulfillmentStatus.lower() if told.displayFulfillmentStatus else None
    return rows.OrderRow(
        source.shop.id,
        id,
        told.name or "",
        customer_id,
        email_address(told.email),
        told.checkoutToken or None,
        told.cartToken or None,
        told.sourceName or None,
        told.displayFinancialStatus.lower() if told.displayFinancialStatus else None,
        None if fulfillment == "unfulfilled" else fulfillment,
        bool(told.test),
        currency,
        told.presentmentCurrencyCode or None,
        bool(told.taxesIncluded),
        _minor(told.subtotalPriceSet, currency),
        _minor(told.totalPriceSet, currency),
        _minor(told.totalTaxSet, currency),
        _minor(told.totalShippingPriceSet, currency),
        _minor(told.totalDiscountsSet, currency),
        _minor(told.currentSubtotalPriceSet, currency),
        _minor(told.currentTotalPriceSet, currency),
        told.discountCodes or [],
        tag_list(told.tags),
        in_utc(told.processedAt or told.createdAt),
        in_utc(told.createdAt),
        in_utc(told.updatedAt),
        in_utc(told.cancelledAt),
        in_utc(told.closedAt),
        _place(source.shop.id, told.shippingAddress),
        _place(source.shop.id, told.billingAddress),
        version,
    )


def _place(shop_id: int, told: nodes.Place | None) -> int | None:
    if told is None:
        return None
    return place(shop_id, told.address1, told.address2, told.zip, told.city, told.countryCodeV2)


def order_line(shop_id: int, order_id: int, told: nodes.Line, position: int, currency: str) -> rows.LineRow:
    return rows.LineRow(
        shop_id,
        order_id,
        numeric_id(told.id),
        position,
        numeric_id(told.product.id) if told.product else None,
        numeric_id(told.variant.id) if told.variant else None,
        told.title or "",
        told.variantTitle or None,
        told.sku or None,
        told.vendor or None,
        told.quantity,
        told.currentQuantity,
        _minor(told.originalUnitPriceSet, currency),
        sum(_minor(each.allocatedAmountSet, currency) for each in told.discountAllocations or ()),
        sum(_minor(each.priceSet, currency) for each in told.taxLines or ()),
        bool(told.isGiftCard),
    )


def _refund(
    shop_id: int, told: nodes.Refund, order_id: int, currency: str, version: bytes
) -> tuple[rows.RefundRow, list[rows.RefundLineRow]]:
    id = numeric_id(told.id)
    given = told.refundLineItems.nodes if told.refundLineItems else []
    lines = {row.id: row for row in (_refund_line(shop_id, id, each, order_id, currency) for each in given)}
    goods = sum(line.subtotal_minor for line in lines.values())
    shipped = told.refundShippingLines.nodes if told.refundShippingLines else []
    shipping = sum(_minor(each.subtotalAmountSet, currency) for each in shipped)
    alone = _amount_only(told, currency, bool(lines), shipping)
    moments = in_utc(told.createdAt), in_utc(told.processedAt)
    row = rows.RefundRow(shop_id, id, order_id, *moments, goods, shipping, alone, version)
    return row, list(lines.values())


def _amount_only(told: nodes.Refund, currency: str, has_lines: bool, shipping: int) -> int:
    booked = told.orderAdjustments.nodes if told.orderAdjustments else []
    if booked:
        return max(0, -sum(_minor(each.amountSet, currency) for each in booked))
    return 0 if has_lines else max(0, _minor(told.totalRefundedSet, currency) - shipping)


def _refund_line(
    shop_id: int, refund_id: int, told: nodes.RefundLine, order_id: int, currency: str
) -> rows.RefundLineRow:
    line_id = numeric_id(told.lineItem.id)
    money = _minor(told.subtotalSet, currency), _minor(told.totalTaxSet, currency)
    id = numeric_id(told.id) if told.id else line_id
    return rows.RefundLineRow(shop_id, refund_id, id, order_id, line_id, told.quantity, *money)


def _fulfillment(source: Source, told: nodes.Fulfillment, order_id: int) -> rows.FulfillmentRow:
    tracking = told.trackingInfo or []
    return rows.FulfillmentRow(
        source.shop.id,
        numeric_id(told.id),
        order_id,
        told.status.lower() if told.status else None,
        None if told.displayStatus in UNKNOWN_TO_CARRIERS or not told.displayStatus else told.displayStatus.lower(),
        next((each.company for each in tracking if each.company), None),
        [each.number for each in tracking if each.number],
        [each.url for each in tracking if each.url],
        in_utc(told.createdAt),
        in_utc(told.updatedAt),
        source.version(told.updatedAt),
    )


def variant(shop_id: int, product_id: int, told: nodes.Variant, currency: str) -> rows.VariantRow:
    return rows.VariantRow(
        shop_id,
        product_id,
        numeric_id(told.id),
        told.title or "",
        told.sku or None,
        minor(told.price, currency),
        None if told.compareAtPrice is None else minor(told.compareAtPrice, currency),
        told.position or 1,
        numeric_id(told.inventoryItem.id) if told.inventoryItem else None,
    )


def checkout_line(told: nodes.CheckoutLine, currency: str) -> dict[str, object]:
    return {
        "title": told.title or "",
        "variant": told.variantTitle or None,
        "quantity": told.quantity,
        "price_minor": _minor(told.originalUnitPriceSet, currency),
        "product_id": numeric_id(told.product.id) if told.product else None,
        "variant_id": numeric_id(told.variant.id) if told.variant else None,
    }
