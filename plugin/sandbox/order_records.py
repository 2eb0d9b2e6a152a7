"""An order and what hangs on it. Money is integer minor units with tax included, tax rates are basis points."""

from datetime import datetime

import msgspec

from plugin.sandbox.records import Address, Record


class Allocation(msgspec.Struct, kw_only=True):
    """The part of a discount that one line carries."""

    amount_minor: int
    application: int = 0


class Application(msgspec.Struct, kw_only=True):
    """One discount on an order or checkout; `value` is minor units (fixed_amount) or basis points (percentage)."""

    code: str
    title: str
    value_type: str
    value: int
    amount_minor: int
    target_type: str = "line_item"


class Line(msgspec.Struct, kw_only=True):
    """One line of an order. `removed` counts units taken away by edits, `added_later` marks a line an edit brought."""

    id: int
    product_id: int | None
    variant_id: int | None
    title: str
    price_minor: int
    quantity: int
    variant_title: str | None = None
    sku: str | None = None
    vendor: str | None = None
    tax_rate_bp: int = 1900
    grams: int = 0
    gift_card: bool = False
    requires_shipping: bool = True
    allocations: list[Allocation] = []
    properties: dict[str, str] = {}
    removed: int = 0
    added_later: bool = False

    @property
    def discount_minor(self) -> int:
        """All discounts on this line."""
        return sum(part.amount_minor for part in self.allocations)

    @property
    def discounted_minor(self) -> int:
        """What the whole line costs after discounts, tax included."""
        return self.price_minor * self.quantity - self.discount_minor


class ShippingLine(msgspec.Struct, kw_only=True):
    """How an order travels and what that costs."""

    id: int
    title: str
    price_minor: int
    code: str = "standard"
    tax_rate_bp: int = 1900
    discount_minor: int = 0

    @property
    def discounted_minor(self) -> int:
        """What is paid for shipping, tax included."""
        return self.price_minor - self.discount_minor


class RefundLine(msgspec.Struct, kw_only=True):
    """Units of one order line given back, with their share of the line's discounted price."""

    id: int
    line_id: int
    quantity: int
    subtotal_minor: int
    tax_minor: int
    restock_type: str = "return"


class Transaction(msgspec.Struct, kw_only=True):
    """Money that moved: `kind` is sale, refund or void."""

    id: int
    kind: str
    amount_minor: int
    created_at: datetime
    gateway: str = "card"
    status: str = "success"
    parent_id: int | None = None


class Refund(msgspec.Struct, kw_only=True):
    """Money or goods given back; `extra_minor` is what was paid back without naming a line."""

    id: int
    created_at: datetime
    lines: list[RefundLine] = []
    transactions: list[Transaction] = []
    note: str | None = None
    shipping_minor: int = 0
    extra_minor: int = 0
    restock: bool = True


class Fulfillment(msgspec.Struct, kw_only=True):
    """A parcel: which units of which lines left the house."""

    id: int
    created_at: datetime
    updated_at: datetime
    quantities: dict[int, int]
    status: str = "success"
    shipment_status: str | None = None
    tracking_company: str | None = None
    tracking_number: str | None = None


class Order(Record, kw_only=True):
    """An order. Its financial state and all `current_*` figures are computed, see `totals`."""

    id: int
    number: int
    token: str
    created_at: datetime
    updated_at: datetime
    processed_at: datetime
    lines: list[Line]
    customer_id: int | None = None
    email: str | None = None
    phone: str | None = None
    checkout_token: str | None = None
    cart_token: str | None = None
    locale: str = "en"
    source_name: str = "web"
    accepts_marketing: bool = False
    note: str | None = None
    note_attributes: dict[str, str] = {}
    tags: list[str] = []
    test: bool = False
    applications: list[Application] = []
    shipping_lines: list[ShippingLine] = []
    billing_address: Address | None = None
    shipping_address: Address | None = None
    transactions: list[Transaction] = []
    refunds: list[Refund] = []
    fulfillments: list[Fulfillment] = []
    cancelled_at: datetime | None = None
    cancel_reason: str | None = None
    closed_at: datetime | None = None

    @property
    def name(self) -> str:
        """What people call the order, such as `#1042`."""
        return f"#{self.number}"
