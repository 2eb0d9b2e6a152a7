"""Bodies of webhooks, typed. What is not listed is skipped unread; what is listed is checked as it is decoded.

The store leaves fields out as its versions go, so all but the keys may be absent or null. UNSET stands where absent and
null mean different things. Ids may come as numbers or as text. Field names are the store's.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

Id = Annotated[int, Meta(ge=1, le=2**63 - 1)]
Number = Annotated[int, Meta(ge=-(2**31), le=2**31)]
Money = str | int | float | None
Moment = datetime | None
Token = Annotated[str, Meta(min_length=1, max_length=500)]


class Amount(Struct):
    amount: Money = None


class MoneySet(Struct):
    shop_money: Amount | None = None


class Address(Struct):
    city: str | None = None
    country_code: str | None = None


class Place(Address):
    """An address of an order: only a number is kept of it (plugin/commerce/places.py)."""

    address1: str | None = None
    address2: str | None = None
    zip: str | None = None


class Consent(Struct):
    state: str | None = None
    opt_in_level: str | None = None
    consent_updated_at: Moment = None


class Customer(Struct):
    """customers/*; bodies before 2025-01 also carry tags, consent and totals."""

    id: Id
    email: str | None = None
    phone: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    state: str | None = None
    default_address: Address | None = None
    created_at: Moment = None
    updated_at: Moment = None
    tags: str | list[str] | None | UnsetType = UNSET
    email_marketing_consent: Consent | None = None
    sms_marketing_consent: Consent | None = None
    orders_count: Annotated[int, Meta(ge=0, le=2**31)] | None | UnsetType = UNSET
    total_spent: Money = None
    currency: str | None = None


class Buyer(Struct):
    """The customer as an order or checkout shows it: whole, in parts, or nothing at all."""

    id: Id | None = None
    email: str | None | UnsetType = UNSET
    phone: str | None | UnsetType = UNSET
    first_name: str | None | UnsetType = UNSET
    last_name: str | None | UnsetType = UNSET
    state: str | None | UnsetType = UNSET
    default_address: Address | None = None
    created_at: Moment = None
    updated_at: Moment = None


class EmailConsent(Struct):
    customer_id: Id
    email_marketing_consent: Consent


class SmsConsent(Struct):
    id: Id
    sms_marketing_consent: Consent


class Spent(Struct):
    amount: Money = None
    currencyCode: str | None = None


class PurchasingSummary(Struct):
    customerId: str
    numberOfOrders: Annotated[int, Meta(ge=0, le=2**31)]
    amountSpent: Spent
    occurredAt: Moment = None
    lastOrderId: str | None = None


class TagChange(Struct):
    customerId: str


class Allocation(Struct):
    amount: Money = None


class TaxLine(Struct):
    price: Money = None


class Line(Struct):
    id: Id
    quantity: Number
    product_id: Id | None = None
    variant_id: Id | None = None
    title: str | None = None
    variant_title: str | None = None
    sku: str | None = None
    vendor: str | None = None
    current_quantity: Number | None = None
    price: Money = None
    total_discount: Money = None
    discount_allocations: list[Allocation] | None = None
    tax_lines: list[TaxLine] | None = None
    gift_card: bool | None = None


class RefundLine(Struct):
    id: Id
    line_item_id: Id
    quantity: Number
    subtotal: Money = None
    total_tax: Money = None
    subtotal_set: MoneySet | None = None
    total_tax_set: MoneySet | None = None


class Adjustment(Struct):
    kind: str | None = None
    amount: Money = None
    tax_amount: Money = None


class RefundShipping(Struct):
    subtotal_amount_set: MoneySet | None = None


class Transaction(Struct):
    kind: str | None = None
    status: str | None = None
    amount: Money = None


class Refund(Struct):
    id: Id
    order_id: Id | None = None
    created_at: Moment = None
    processed_at: Moment = None
    refund_line_items: list[RefundLine] | None = None
    refund_shipping_lines: list[RefundShipping] | None = None
    order_adjustments: list[Adjustment] | None = None
    transactions: list[Transaction] | None = None


class Fulfillment(Struct):
    id: Id
    order_id: Id | None = None
    status: str | None = None
    shipment_status: str | None = None
    tracking_company: str | None = None
    tracking_number: str | None = None
    tracking_numbers: list[str] | None = None
    tracking_url: str | None = None
    tracking_urls: list[str] | None = None
    created_at: Moment = None
    updated_at: Moment = None


class DiscountCode(Struct):
    code: str | None = None


class ShippingLine(Struct):
    price: Money = None


class Order(Struct):
    id: Id
    name: str | None = None
    customer: Buyer | None = None
    email: str | None = None
    contact_email: str | None = None
    customer_locale: str | None = None
    checkout_token: str | None = None
    cart_token: str | None = None
    source_name: str | None = None
    financial_status: str | None = None
    fulfillment_status: str | None = None
    test: bool | None = None
    currency: str | None = None
    presentment_currency: str | None = None
    taxes_included: bool | None = None
    subtotal_price: Money = None
    total_price: Money = None
    total_tax: Money = None
    total_discounts: Money = None
    total_shipping_price_set: MoneySet | None = None
    shipping_lines: list[ShippingLine] | None = None
    current_subtotal_price: Money = None
    current_total_price: Money = None
    discount_codes: list[DiscountCode] | None = None
    tags: str | list[str] | None = None
    line_items: list[Line] | None = None
    refunds: list[Refund] | None = None
    fulfillments: list[Fulfillment] | None = None
    shipping_address: Place | None = None
    billing_address: Place | None = None
    processed_at: Moment = None
    created_at: Moment = None
    updated_at: Moment = None
    cancelled_at: Moment = None
    closed_at: Moment = None


class OrderEdit(Struct):
    order_id: Id


class OrderEdited(Struct):
    order_edit: OrderEdit


class CheckoutLine(Struct):
    title: str | None = None
    variant_title: str | None = None
    quantity: Number | None = None
    price: Money = None
    product_id: Id | None = None
    variant_id: Id | None = None


class Checkout(Struct):
    token: Token
    id: Id | None = None
    cart_token: str | None = None
    customer: Buyer | None = None
    email: str | None = None
    phone: str | None = None
    customer_locale: str | None = None
    abandoned_checkout_url: str | None = None
    buyer_accepts_marketing: bool | None = None
    currency: str | None = None
    subtotal_price: Money = None
    total_price: Money = None
    line_items: list[CheckoutLine] | None = None
    created_at: Moment = None
    updated_at: Moment = None
    completed_at: Moment = None
    closed_at: Moment = None


class DeletedCheckout(Struct):
    """checkouts/delete names no token: the id of old bodies, and the cart."""

    id: Id | None = None
    token: str | None = None
    cart_token: str | None = None


class Image(Struct):
    src: str | None = None


class Variant(Struct):
    id: Id
    title: str | None = None
    sku: str | None = None
    price: Money = None
    compare_at_price: Money = None
    position: Number | None = None
    inventory_item_id: Id | None = None


class VariantName(Struct):
    admin_graphql_api_id: str | None = None


class Product(Struct):
    """products/*: `variants` holds the first 100, `variant_gids` names them all."""

    id: Id
    title: str | None = None
    handle: str | None = None
    vendor: str | None = None
    product_type: str | None = None
    status: str | None = None
    tags: str | list[str] | None = None
    image: Image | None = None
    images: list[Image] | None = None
    variants: list[Variant] | None = None
    variant_gids: list[VariantName] | None = None
    published_at: Moment = None
    created_at: Moment = None
    updated_at: Moment = None


class InventoryLevel(Struct):
    inventory_item_id: Id
    location_id: Id
    available: Number | None = None
    updated_at: Moment = None


class CollectionState(Struct):
    """collections/create and collections/update: everything but the products."""

    id: Id
    title: str | None = None
    handle: str | None = None
    updated_at: Moment = None


class Deleted(Struct):
    id: Id


class CustomersMerged(Struct):
    """customers/merge; ids may be missing from one that failed."""

    admin_graphql_api_customer_kept_id: str | None = None
    admin_graphql_api_customer_deleted_id: str | None = None
    status: str | None = None


class ShopState(Struct):
    """shop/update and app/uninstalled."""

    id: Id
    name: str | None = None
    email: str | None = None
    domain: str | None = None
    myshopify_domain: str | None = None
    currency: str | None = None
    iana_timezone: str | None = None
    country_code: str | None = None
    primary_locale: str | None = None
    plan_name: str | None = None
    updated_at: Moment = None


class Uninstalled(Struct):
    id: Id | None = None
    myshopify_domain: str | None = None


class ScopesUpdate(Struct):
    current: list[str]
    shop_id: str | Id | None = None
    updated_at: Moment = None


class BulkFinished(Struct):
    admin_graphql_api_id: str
