"""Rows of the mirror as they travel from a payload to the database: one tuple a table row, in the order of COPY.

Each carries the version of what told it. Whatever shape a telling has (webhook, fetched node, bulk line), it becomes
these.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from plugin.sync.versions import NEVER


class Identity(NamedTuple):
    email: str | None
    phone: str | None
    first_name: str | None
    last_name: str | None
    state: str | None
    country_code: str | None
    city: str | None
    created_at: datetime | None
    updated_at: datetime | None
    version: bytes


class Tags(NamedTuple):
    tags: list[str]
    version: bytes


class Consent(NamedTuple):
    """E-mail or SMS: the store's word in lower case, and when it changed."""

    state: str | None
    level: str | None
    changed_at: datetime | None
    version: bytes


class Totals(NamedTuple):
    orders_count: int
    spent_minor: int
    currency: str | None
    version: bytes


class Locale(NamedTuple):
    locale: str | None
    version: bytes


class OrderRow(NamedTuple):
    shop_id: int
    id: int
    name: str
    customer_id: int | None
    email: str | None
    checkout_token: str | None
    cart_token: str | None
    source_name: str | None
    financial_status: str | None
    fulfillment_status: str | None
    test: bool
    currency: str
    presentment_currency: str | None
    taxes_included: bool
    subtotal_minor: int
    total_minor: int
    tax_minor: int
    shipping_minor: int
    discount_minor: int
    current_subtotal_minor: int
    current_total_minor: int
    discount_codes: list[str]
    tags: list[str]
    processed_at: datetime | None
    created_at: datetime | None
    updated_at: datetime | None
    cancelled_at: datetime | None
    closed_at: datetime | None
    shipping_place: int | None
    billing_place: int | None
    version: bytes


class LineRow(NamedTuple):
    shop_id: int
    order_id: int
    id: int
    position: int
    product_id: int | None
    variant_id: int | None
    title: str
    variant_title: str | None
    sku: str | None
    vendor: str | None
    quantity: int
    current_quantity: int
    price_minor: int
    discount_minor: int
    tax_minor: int
    gift_card: bool


class Back(NamedTuple):
    """What the refunds of an order gave back, in minor units: for goods without tax, and in all."""

    lines_minor: int
    total_minor: int


class RefundRow(NamedTuple):
    shop_id: int
    id: int
    order_id: int
    created_at: datetime | None
    processed_at: datetime | None
    lines_minor: int
    shipping_minor: int
    amount_only_minor: int
    version: bytes


class RefundLineRow(NamedTuple):
    shop_id: int
    refund_id: int
    id: int
    order_id: int
    line_id: int
    quantity: int
    subtotal_minor: int
    tax_minor: int


class FulfillmentRow(NamedTuple):
    shop_id: int
    id: int
    order_id: int
    status: str | None
    shipment_status: str | None
    tracking_company: str | None
    tracking_numbers: list[str]
    tracking_urls: list[str]
    created_at: datetime | None
    updated_at: datetime | None
    version: bytes


class CheckoutRow(NamedTuple):
    shop_id: int
    token: str
    store_id: int | None
    cart_token: str | None
    customer_id: int | None
    email: str | None
    phone: str | None
    locale: str | None
    recovery_url: str | None
    accepts_marketing: bool
    currency: str
    subtotal_minor: int
    total_minor: int
    lines: Any
    created_at: datetime | None
    updated_at: datetime | None
    completed_at: datetime | None
    closed_at: datetime | None
    version: bytes


class ProductRow(NamedTuple):
    shop_id: int
    id: int
    title: str
    handle: str
    vendor: str | None
    product_type: str
    status: str | None
    tags: list[str]
    image_url: str | None
    published_at: datetime | None
    created_at: datetime | None
    updated_at: datetime | None
    version: bytes


class VariantRow(NamedTuple):
    shop_id: int
    product_id: int
    id: int
    title: str
    sku: str | None
    price_minor: int
    compare_at_minor: int | None
    position: int
    inventory_item_id: int | None


class LevelRow(NamedTuple):
    shop_id: int
    inventory_item_id: int
    location_id: int
    available: int | None
    updated_at: datetime | None
    version: bytes


class MergeRow(NamedTuple):
    """`from_id` is gone in the store, and is `into_id` since `merged_at`."""

    from_id: int
    into_id: int
    merged_at: datetime


class Tombstone(NamedTuple):
    """`key` is an id, or a checkout's token."""

    key: Any
    deleted_at: datetime
    version: bytes


# A group that was not told: what the columns hold by default, so that a stub and a first telling agree.
NO_IDENTITY = Identity(None, None, None, None, None, None, None, None, None, NEVER)
NO_TAGS = Tags([], NEVER)
NO_CONSENT = Consent(None, None, None, NEVER)
NO_TOTALS = Totals(0, 0, None, NEVER)
NO_LOCALE = Locale(None, NEVER)
