"""Objects as the Admin API's GraphQL answers them, typed: single reads and lines of bulk results alike.

In a bulk result the rows of connections are lines of their own with `__parentId`. Field names are the store's.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from msgspec import Struct, field

from plugin.sync.payloads import Moment, Money, Number

T = TypeVar("T")


class Nodes(Struct, Generic[T]):
    nodes: list[T]


class Amount(Struct):
    amount: Money = None
    currencyCode: str | None = None


class Bag(Struct):
    shopMoney: Amount


class Ref(Struct):
    id: str


class Address(Struct):
    city: str | None = None
    countryCodeV2: str | None = None


class Place(Address):
    """An address of an order: only a number is kept of it (plugin/commerce/places.py)."""

    address1: str | None = None
    address2: str | None = None
    zip: str | None = None


class Email(Struct):
    emailAddress: str | None = None
    marketingState: str | None = None
    marketingOptInLevel: str | None = None
    marketingUpdatedAt: Moment = None


class SmsConsent(Struct):
    state: str | None = None
    optInLevel: str | None = None
    updatedAt: Moment = None


class Phone(Struct):
    phoneNumber: str | None = None
    smsMarketingConsent: SmsConsent | None = None


class Customer(Struct):
    id: str
    firstName: str | None = None
    lastName: str | None = None
    locale: str | None = None
    state: str | None = None
    tags: list[str] | None = None
    numberOfOrders: int | None = None
    amountSpent: Amount | None = None
    defaultAddress: Address | None = None
    defaultEmailAddress: Email | None = None
    defaultPhoneNumber: Phone | None = None
    createdAt: Moment = None
    updatedAt: Moment = None


class Tax(Struct):
    priceSet: Bag


class Allocation(Struct):
    allocatedAmountSet: Bag


class Line(Struct):
    id: str
    quantity: Number
    currentQuantity: Number
    originalUnitPriceSet: Bag
    title: str | None = None
    variantTitle: str | None = None
    sku: str | None = None
    vendor: str | None = None
    isGiftCard: bool | None = None
    product: Ref | None = None
    variant: Ref | None = None
    discountAllocations: list[Allocation] | None = None
    taxLines: list[Tax] | None = None
    parent: str | None = field(default=None, name="__parentId")


class RefundLine(Struct):
    quantity: Number
    subtotalSet: Bag
    totalTaxSet: Bag
    lineItem: Ref
    id: str | None = None


class RefundShipping(Struct):
    subtotalAmountSet: Bag


class Adjustment(Struct):
    amountSet: Bag


class Refund(Struct):
    id: str
    totalRefundedSet: Bag | None = None
    createdAt: Moment = None
    processedAt: Moment = None
    refundLineItems: Nodes[RefundLine] | None = None
    refundShippingLines: Nodes[RefundShipping] | None = None
    orderAdjustments: Nodes[Adjustment] | None = None


class RefundedOrder(Struct):
    """An order in the bulk result that is about refunds."""

    id: str
    currencyCode: str
    processedAt: Moment = None
    updatedAt: Moment = None


class RefundPart(Struct):
    """A row below such an order: an agreement with its refund, or a line, shipping or an adjustment of a refund."""

    id: str | None = None
    refund: Refund | None = None
    quantity: Number | None = None
    lineItem: Ref | None = None
    subtotalSet: Bag | None = None
    totalTaxSet: Bag | None = None
    subtotalAmountSet: Bag | None = None
    amountSet: Bag | None = None
    parent: str | None = field(default=None, name="__parentId")


class Tracking(Struct):
    company: str | None = None
    number: str | None = None
    url: str | None = None


class Fulfillment(Struct):
    id: str
    status: str | None = None
    displayStatus: str | None = None
    trackingInfo: list[Tracking] | None = None
    createdAt: Moment = None
    updatedAt: Moment = None


class Order(Struct):
    """`lineItems` is absent in bulk results: there the lines follow; and `refunds` hold nothing but an id."""

    id: str
    currencyCode: str
    name: str | None = None
    email: str | None = None
    customer: Ref | None = None
    checkoutToken: str | None = None
    cartToken: str | None = None
    sourceName: str | None = None
    displayFinancialStatus: str | None = None
    displayFulfillmentStatus: str | None = None
    test: bool | None = None
    presentmentCurrencyCode: str | None = None
    taxesIncluded: bool | None = None
    subtotalPriceSet: Bag | None = None
    totalPriceSet: Bag | None = None
    totalTaxSet: Bag | None = None
    totalDiscountsSet: Bag | None = None
    totalShippingPriceSet: Bag | None = None
    currentSubtotalPriceSet: Bag | None = None
    currentTotalPriceSet: Bag | None = None
    discountCodes: list[str] | None = None
    tags: list[str] | None = None
    lineItems: Nodes[Line] | None = None
    refunds: list[Refund] | None = None
    fulfillments: list[Fulfillment] | None = None
    shippingAddress: Place | None = None
    billingAddress: Place | None = None
    processedAt: Moment = None
    createdAt: Moment = None
    updatedAt: Moment = None
    cancelledAt: Moment = None
    closedAt: Moment = None


class Picture(Struct):
    url: str | None = None


class Preview(Struct):
    image: Picture | None = None


class Media(Struct):
    preview: Preview | None = None


class Variant(Struct):
    id: str
    title: str | None = None
    sku: str | None = None
    price: Money = None
    compareAtPrice: Money = None
    position: Number | None = None
    inventoryItem: Ref | None = None
    parent: str | None = field(default=None, name="__parentId")


class Product(Struct):
    id: str
    title: str | None = None
    handle: str | None = None
    vendor: str | None = None
    productType: str | None = None
    status: str | None = None
    tags: list[str] | None = None
    featuredMedia: Media | None = None
    variants: Nodes[Variant] | None = None
    publishedAt: Moment = None
    createdAt: Moment = None
    updatedAt: Moment = None


class CheckoutLine(Struct):
    quantity: Number
    originalUnitPriceSet: Bag
    title: str | None = None
    variantTitle: str | None = None
    product: Ref | None = None
    variant: Ref | None = None
    parent: str | None = field(default=None, name="__parentId")


class CheckoutCustomer(Struct):
    id: str
    locale: str | None = None
    defaultEmailAddress: Email | None = None
    defaultPhoneNumber: Phone | None = None


class Checkout(Struct):
    id: str
    abandonedCheckoutUrl: str
    lineItems: Nodes[CheckoutLine] | None = None
    customer: CheckoutCustomer | None = None
    subtotalPriceSet: Bag | None = None
    totalPriceSet: Bag | None = None
    completedAt: Moment = None
    createdAt: Moment = None
    updatedAt: Moment = None


def numeric_id(gid: str) -> int:
    """The number in a global id ("gid://shopify/Order/1?x=y" → 1). Raises ValueError when there is none."""
    number = int(gid.rsplit("/", 1)[-1].split("?")[0])
    if not 0 < number < 2**63:
        raise ValueError(f"{gid[:60]!r} names no object.")
    return number
