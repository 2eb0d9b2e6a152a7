"""Bodies of webhooks → rows. One function a kind of object; GraphQL answers have their own in `nodes.py`.

A group of columns is written only by a body that carries the whole group, and every body maps to the same rows whatever
was there before: this is why the order of deliveries does not matter.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import UNSET
from psycopg.types.json import Jsonb

from plugin.commerce.places import place
from plugin.sync import payloads as body
from plugin.sync import rows
from plugin.sync.batch import Batch, Source, currency_code, email_address, keep, minor, tag_list
from plugin.sync.versions import in_utc

SHIPPING = "shipping_refund"
DISCREPANCY = "refund_discrepancy"


def customer(batch: Batch, source: Source, told: body.Customer) -> None:
    """customers/*: identity always; tags, consent and totals as far as the body has them."""
    version = source.version(told.updated_at)
    address = told.default_address or body.Address()
    identity = _identity(told.email, told.phone, told.first_name, told.last_name, told.state, address)
    keep(batch.identities, told.id, rows.Identity(*identity, in_utc(told.created_at), in_utc(told.updated_at), version))
    if told.tags is not UNSET:
        keep(batch.tags, told.id, rows.Tags(tag_list(told.tags), version))
    if told.email_marketing_consent:
        keep(batch.email_consents, told.id, _consent(source, told.email_marketing_consent, told.updated_at))
    if told.sms_marketing_consent:
        keep(batch.sms_consents, told.id, _consent(source, told.sms_marketing_consent, told.updated_at))
    if isinstance(told.orders_count, int) and told.total_spent is not None:
        currency = source.shop.currency
        keep(
            batch.totals, told.id, rows.Totals(told.orders_count, minor(told.total_spent, currency), currency, version)
        )


def email_consent(batch: Batch, source: Source, told: body.EmailConsent) -> None:
    keep(batch.email_consents, told.customer_id, _consent(source, told.email_marketing_consent, None))
    batch.mentioned_customers.add(told.customer_id)


def sms_consent(batch: Batch, source: Source, told: body.SmsConsent) -> None:
    keep(batch.sms_consents, told.id, _consent(source, told.sms_marketing_consent, None))
    batch.mentioned_customers.add(told.id)


def purchasing_summary(batch: Batch, source: Source, told: body.PurchasingSummary, customer_id: int) -> None:
    """Totals as the store counts them, at `occurredAt`."""
    currency = currency_code(told.amountSpent.currencyCode or source.shop.currency)
    spent = minor(told.amountSpent.amount, currency)
    keep(batch.totals, customer_id, rows.Totals(told.numberOfOrders, spent, currency, source.version(told.occurredAt)))
    batch.mentioned_customers.add(customer_id)


def order(batch: Batch, source: Source, told: body.Order) -> None:
    """orders/*: the order with its lines, and the refunds, fulfillments and customer it carries."""
    version = source.version(told.updated_at)
    currency = currency_code(told.currency or source.shop.currency)
    customer_id = _buyer(batch, source, told.customer, told.customer_locale, told.updated_at)
    back = _refunds(batch, source, told.refunds or [], told.id, currency, version)
    batch.order(_order_row(source, told, currency, customer_id, back, version), _lines(source, told, currency))
    for each in told.fulfillments or []:
        keep(batch.fulfillments, each.id, _fulfillment_row(source, each, told.id, source.version(each.updated_at)))


def refund(batch: Batch, source: Source, told: body.Refund) -> None:
    """refunds/create: it says nothing about the order, so that is fetched."""
    if told.order_id is None:
        raise ValueError("The refund names no order.")
    version = source.version(told.processed_at or told.created_at)
    _refunds(batch, source, [told], told.order_id, currency_code(source.shop.currency), version)


def fulfillment(batch: Batch, source: Source, told: body.Fulfillment) -> None:
    if told.order_id is None:
        raise ValueError("The fulfillment names no order.")
    batch.mentioned_orders.add(told.order_id)
    row = _fulfillment_row(source, told, told.order_id, source.version(told.updated_at))
    keep(batch.fulfillments, told.id, row)


def checkout(batch: Batch, source: Source, told: body.Checkout) -> None:
    currency = currency_code(told.currency or source.shop.currency)
    customer_id = _buyer(batch, source, told.customer, told.customer_locale, told.updated_at)
    email = told.email or (told.customer.email if told.customer and told.customer.email is not UNSET else None)
    row = rows.CheckoutRow(
        source.shop.id,
        told.token,
        told.id,
        told.cart_token or None,
        customer_id,
        email_address(email),
        told.phone or None,
        told.customer_locale or None,
        told.abandoned_checkout_url,
        bool(told.buyer_accepts_marketing),
        currency,
        minor(told.subtotal_price, currency),
        minor(told.total_price, currency),
        Jsonb([_checkout_line(line, currency) for line in told.line_items or []]),
        in_utc(told.created_at),
        in_utc(told.updated_at),
        in_utc(told.completed_at),
        in_utc(told.closed_at),
        source.version(told.updated_at),
    )
    keep(batch.checkouts, told.token, row)


def deleted_checkout(batch: Batch, source: Source, told: body.DeletedCheckout) -> None:
    """The body may name the checkout by its token, its old id or its cart: a tombstone for each it names."""
    keys = (told.token, told.id and f"id:{told.id}", told.cart_token and f"cart:{told.cart_token}")
    named = [key for key in keys if key]
    if not named:
        raise ValueError("The deletion names no checkout.")
    for key in named:
        keep(batch.deleted_checkouts, key, source.tombstone(key))


def product(batch: Batch, source: Source, told: body.Product) -> None:
    """products/*. A body that does not hold all variants is answered by a fetch, which does."""
    shop_id, currency = source.shop.id, source.shop.currency
    image = told.image or next(iter(told.images or []), None)
    row = rows.ProductRow(
        shop_id,
        told.id,
        told.title or "",
        told.handle or "",
        told.vendor or None,
        told.product_type or "",
        told.status.lower() if told.status else None,
        tag_list(told.tags),
        image.src if image else None,
        in_utc(told.published_at),
        in_utc(told.created_at),
        in_utc(told.updated_at),
        source.version(told.updated_at),
    )
    variants = {each.id: each for each in told.variants or []}
    batch.product(row, [_variant_row(shop_id, told.id, each, currency) for each in variants.values()])
    if len(told.variant_gids or []) > len(told.variants or []):
        batch.fetch("products", told.id)


def inventory_level(batch: Batch, source: Source, told: body.InventoryLevel) -> None:
    key = told.inventory_item_id, told.location_id
    row = rows.LevelRow(source.shop.id, *key, told.available, in_utc(told.updated_at), source.version(told.updated_at))
    keep(batch.levels, key, row)


def _identity(
    email: str | None,
    phone: str | None,
    first_name: str | None,
    last_name: str | None,
    state: str | None,
    address: body.Address,
) -> tuple[str | None, str | None, str | None, str | None, str | None, str | None, str | None]:
    named = email_address(email), phone or None, first_name or None, last_name or None
    return *named, state.lower() if state else None, address.country_code or None, address.city or None


def _consent(source: Source, told: body.Consent, stamp: datetime | None) -> rows.Consent:
    """Consent is stamped by its own moment of change; a body that names none says what was so from the start."""
    changed_at = in_utc(told.consent_updated_at)
    state, level = (word.lower() if word else None for word in (told.state, told.opt_in_level))
    return rows.Consent(state, level, changed_at, source.version(changed_at or stamp))


def _buyer(
    batch: Batch, source: Source, told: body.Buyer | None, locale: str | None, stamp: datetime | None
) -> int | None:
    """The customer behind an order or checkout: mentioned, and described when the body describes the whole person."""
    if told is None or told.id is None:
        return None
    batch.mentioned_customers.add(told.id)
    if locale:
        keep(batch.locales, told.id, rows.Locale(locale, source.aside(told.updated_at or stamp, locale)))
    fields = told.email, told.phone, told.first_name, told.last_name, told.state
    if UNSET not in fields:
        identity = _identity(*fields, told.default_address or body.Address())  # type: ignore[arg-type]
        said = (*identity, in_utc(told.created_at), in_utc(told.updated_at))
        keep(batch.identities, told.id, rows.Identity(*said, source.aside(told.updated_at, said)))
    return told.id


def _order_row(
    source: Source, told: body.Order, currency: str, customer_id: int | None, back: rows.Back, version: bytes
) -> rows.OrderRow:
    shop_id = source.shop.id
    subtotal, total = minor(told.subtotal_price, currency), minor(told.total_price, currency)
    current = told.current_subtotal_price, told.current_total_price
    return rows.OrderRow(
        shop_id,
        told.id,
        told.name or "",
        customer_id,
        email_address(told.email or told.contact_email),
        told.checkout_token or None,
        told.cart_token or None,
        told.source_name or None,
        told.financial_status.lower() if told.financial_status else None,
        told.fulfillment_status.lower() if told.fulfillment_status else None,
        bool(told.test),
        currency,
        told.presentment_currency or None,
        bool(told.taxes_included),
        subtotal,
        total,
        minor(told.total_tax, currency),
        _shipping(told, currency),
        minor(told.total_discounts, currency),
        # Bodies before 2020 do not say what is left: it is what their refunds leave.
        subtotal - back.lines_minor if current[0] is None else minor(current[0], currency),
        total - back.total_minor if current[1] is None else minor(current[1], currency),
        [each.code for each in told.discount_codes or [] if each.code],
        tag_list(told.tags),
        in_utc(told.processed_at or told.created_at),
        in_utc(told.created_at),
        in_utc(told.updated_at),
        in_utc(told.cancelled_at),
        in_utc(told.closed_at),
        _place(shop_id, told.shipping_address),
        _place(shop_id, told.billing_address),
        version,
    )


def _place(shop_id: int, told: body.Place | None) -> int | None:
    if told is None:
        return None
    return place(shop_id, told.address1, told.address2, told.zip, told.city, told.country_code)


def _shipping(told: body.Order, currency: str) -> int:
    if told.total_shipping_price_set and told.total_shipping_price_set.shop_money:
        return minor(told.total_shipping_price_set.shop_money.amount, currency)
    return sum(minor(line.price, currency) for line in told.shipping_lines or [])


def _lines(source: Source, told: body.Order, currency: str) -> list[rows.LineRow]:
    returned = _returned(told)
    lines = {line.id: (position, line) for position, line in enumerate(told.line_items or [], 1)}
    return [
        rows.LineRow(
            source.shop.id,
            told.id,
            line.id,
            position,
            line.product_id,
            line.variant_id,
            line.title or "",
            line.variant_title or None,
            line.sku or None,
            line.vendor or None,
            line.quantity,
            line.quantity - returned.get(line.id, 0) if line.current_quantity is None else line.current_quantity,
            minor(line.price, currency),
            _discount(line, currency),
            sum(minor(tax.price, currency) for tax in line.tax_lines or []),
            bool(line.gift_card),
        )
        for position, line in lines.values()
    ]


def _discount(line: body.Line, currency: str) -> int:
    """What the line was reduced by, order-wide discounts included: the sum of its allocations."""
    if line.discount_allocations is None:
        return minor(line.total_discount, currency)
    return sum(minor(each.amount, currency) for each in line.discount_allocations)


def _returned(told: body.Order) -> dict[int, int]:
    returned: dict[int, int] = {}
    for refund in told.refunds or []:
        for line in refund.refund_line_items or []:
            returned[line.line_item_id] = returned.get(line.line_item_id, 0) + line.quantity
    return returned


def _refunds(
    batch: Batch, source: Source, told: list[body.Refund], order_id: int, currency: str, version: bytes
) -> rows.Back:
    """Put refunds in; what they gave back in all."""
    batch.mentioned_orders.add(order_id)
    lines_minor = total_minor = 0
    for each in told:
        row, lines, tax = _refund_row(source.shop.id, each, order_id, currency, version)
        batch.refund(row, lines)
        lines_minor += row.lines_minor
        total_minor += row.lines_minor + tax + row.shipping_minor + row.amount_only_minor
    return rows.Back(lines_minor, total_minor)


def _refund_row(
    shop_id: int, told: body.Refund, order_id: int, currency: str, version: bytes
) -> tuple[rows.RefundRow, list[rows.RefundLineRow], int]:
    given = {line.id: line for line in told.refund_line_items or []}
    lines = [_refund_line_row(shop_id, told.id, line, order_id, currency) for line in given.values()]
    goods, tax = sum(line.subtotal_minor for line in lines), sum(line.tax_minor for line in lines)
    shipping = _refunded_shipping(told, currency)
    alone = _amount_only(told, currency, shipping)
    moments = in_utc(told.created_at), in_utc(told.processed_at)
    row = rows.RefundRow(shop_id, told.id, order_id, *moments, goods, shipping, alone, version)
    return row, lines, tax


def _refund_line_row(
    shop_id: int, refund_id: int, told: body.RefundLine, order_id: int, currency: str
) -> rows.RefundLineRow:
    subtotal = minor(_in_shop_money(told.subtotal_set, told.subtotal), currency)
    tax = minor(_in_shop_money(told.total_tax_set, told.total_tax), currency)
    return rows.RefundLineRow(shop_id, refund_id, told.id, order_id, told.line_item_id, told.quantity, subtotal, tax)


def _in_shop_money(told: body.MoneySet | None, plain: body.Money) -> body.Money:
    """The amount in the shop's currency; the plain field is in the buyer's."""
    return told.shop_money.amount if told and told.shop_money and told.shop_money.amount is not None else plain


def _refunded_shipping(told: body.Refund, currency: str) -> int:
    if told.refund_shipping_lines:
        return sum(
            minor(_in_shop_money(each.subtotal_amount_set, None), currency) for each in told.refund_shipping_lines
        )
    return -sum(minor(each.amount, currency) for each in told.order_adjustments or [] if each.kind == SHIPPING)


def _amount_only(told: body.Refund, currency: str, shipping: int) -> int:
    """Money given back without goods: the store books it as a discrepancy, or it is all that was paid back."""
    if told.order_adjustments:
        booked = [each for each in told.order_adjustments if each.kind == DISCREPANCY]
        return max(0, -sum(minor(each.amount, currency) for each in booked))
    if told.refund_line_items:
        return 0
    paid = [each for each in told.transactions or [] if each.kind == "refund" and each.status == "success"]
    return max(0, sum(minor(each.amount, currency) for each in paid) - shipping)


def _fulfillment_row(source: Source, told: body.Fulfillment, order_id: int, version: bytes) -> rows.FulfillmentRow:
    return rows.FulfillmentRow(
        source.shop.id,
        told.id,
        order_id,
        told.status,
        told.shipment_status,
        told.tracking_company,
        told.tracking_numbers or ([told.tracking_number] if told.tracking_number else []),
        told.tracking_urls or ([told.tracking_url] if told.tracking_url else []),
        in_utc(told.created_at),
        in_utc(told.updated_at),
        version,
    )


def _checkout_line(told: body.CheckoutLine, currency: str) -> dict[str, object]:
    return {
        "title": told.title or "",
        "variant": told.variant_title or None,
        "quantity": told.quantity or 0,
        "price_minor": minor(told.price, currency),
        "product_id": told.product_id,
        "variant_id": told.variant_id,
    }


def _variant_row(shop_id: int, product_id: int, told: body.Variant, currency: str) -> rows.VariantRow:
    return rows.VariantRow(
        shop_id,
        product_id,
        told.id,
        told.title or "",
        told.sku or None,
        minor(told.price, currency),
        None if told.compare_at_price is None else minor(told.compare_at_price, currency),
        told.position or 1,
        told.inventory_item_id,
    )
