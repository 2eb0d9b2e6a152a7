"""What the store keeps, as plain records.

Money is integer minor units of the shop's currency, prices include tax, tax rates are basis points (1900 = 19 %),
moments are aware datetimes in UTC. What the outside sees (webhook bodies, pages, the Admin API) is drawn from these
records by `documents`, so a derived figure (`current_total_price`) can never disagree with the lines it comes from.
"""

from datetime import UTC, date, datetime

import msgspec


class Record(msgspec.Struct, kw_only=True):
    """Base of everything that is kept; `id` is the key within its kind."""

    id: int | str


class Counter(Record, kw_only=True):
    """A number that only grows: the last id given out, the clock's offset in seconds."""

    id: str
    value: int


class Shop(Record, kw_only=True):
    """The store itself; the only key is `shop`."""

    id: str = "shop"
    number: int = 75_840_192_718
    name: str = "Regulars Roasters"
    domain: str = "regulars-roasters.myshopify.com"
    email: str = "hello@regulars-roasters.example"
    owner: str = "Ines Hartmann"
    time_zone: str = "Europe/Berlin"
    locale: str = "en"
    country: str = "Germany"
    country_code: str = "DE"
    city: str = "Berlin"
    address1: str = "Lausitzer Straße 10"
    zip: str = "10999"
    phone: str = "+493012345678"
    location_id: int = 82_150_391_966
    plan: str = "Basic"
    created_at: datetime = datetime(2024, 1, 8, 9, tzinfo=UTC)
    updated_at: datetime = datetime(2024, 1, 8, 9, tzinfo=UTC)


class Address(msgspec.Struct, kw_only=True):
    """A postal address; `id` is 0 where the address belongs to a document and not to a customer."""

    id: int = 0
    first_name: str | None = None
    last_name: str | None = None
    company: str | None = None
    address1: str | None = None
    address2: str | None = None
    city: str | None = None
    province: str | None = None
    province_code: str | None = None
    zip: str | None = None
    country: str | None = None
    country_code: str | None = None
    phone: str | None = None


class Consent(msgspec.Struct, kw_only=True):
    """Permission to market: `state` is not_subscribed, pending, subscribed, unsubscribed, redacted or invalid."""

    state: str = "not_subscribed"
    opt_in_level: str | None = None
    updated_at: datetime | None = None
    collected_from: str | None = None


class Customer(Record, kw_only=True):
    """A person the store knows; `state` enabled means that he or she can sign in."""

    id: int
    created_at: datetime
    updated_at: datetime
    email: str | None = None
    phone: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    state: str = "enabled"
    note: str | None = None
    verified_email: bool = True
    tax_exempt: bool = False
    locale: str = "en"
    tags: list[str] = []
    addresses: list[Address] = []
    email_consent: Consent = msgspec.field(default_factory=Consent)
    sms_consent: Consent = msgspec.field(default_factory=Consent)

    @property
    def name(self) -> str:
        """First and last name, else the e-mail address, else the id."""
        return " ".join(filter(None, (self.first_name, self.last_name))) or self.email or str(self.id)


class Image(msgspec.Struct, kw_only=True):
    """A picture of a product; `src` is an address or a path of this store."""

    id: int
    src: str
    alt: str | None = None
    width: int = 800
    height: int = 800


class Variant(msgspec.Struct, kw_only=True):
    """What can be put in a cart."""

    id: int
    title: str
    price_minor: int
    inventory_item_id: int
    sku: str | None = None
    compare_at_minor: int | None = None
    options: list[str] = []
    position: int = 1
    inventory_quantity: int = 100
    grams: int = 250
    requires_shipping: bool = True
    barcode: str | None = None
    updated_at: datetime | None = None


class Product(Record, kw_only=True):
    """A page of the catalogue; `option_names` are the axes along which its variants differ."""

    id: int
    title: str
    handle: str
    created_at: datetime
    updated_at: datetime
    variants: list[Variant]
    body_html: str = ""
    vendor: str = ""
    product_type: str = ""
    status: str = "active"
    published_at: datetime | None = None
    tags: list[str] = []
    option_names: list[str] = msgspec.field(default_factory=lambda: ["Title"])
    images: list[Image] = []
    tax_rate_bp: int = 1900
    gift_card: bool = False


class CartLine(msgspec.Struct, kw_only=True):
    """Units of a variant in a cart."""

    variant_id: int
    quantity: int
    properties: dict[str, str] = {}


class Cart(Record, kw_only=True):
    """A cart of the storefront; the key is its token, `code` the discount code the shopper typed."""

    id: str
    created_at: datetime
    updated_at: datetime
    lines: list[CartLine] = []
    note: str | None = None
    code: str | None = None


class Checkout(Record, kw_only=True):
    """A purchase under way; the key is its token, `recovery_key` opens it again from a mail."""

    id: str
    number: int
    cart_token: str
    recovery_key: str
    created_at: datetime
    updated_at: datetime
    lines: list[CartLine]
    customer_id: int | None = None
    email: str | None = None
    phone: str | None = None
    accepts_marketing: bool = False
    locale: str = "en"
    code: str | None = None
    gift_card: str | None = None
    note: str | None = None
    billing_address: Address | None = None
    shipping_address: Address | None = None
    completed_at: datetime | None = None
    order_id: int | None = None


class Discount(Record, kw_only=True):
    """A code discount. `amount_minor` or `percent_bp` is set, or `free_shipping`; no `customer_ids`: for anybody.

    With `product_ids` or `variant_ids` it counts for these goods alone.
    """

    id: int
    title: str
    code: str
    code_id: int
    starts_at: datetime
    created_at: datetime
    updated_at: datetime
    ends_at: datetime | None = None
    amount_minor: int | None = None
    percent_bp: int | None = None
    minimum_minor: int = 0
    usage_limit: int | None = None
    once_per_customer: bool = False
    customer_ids: list[int] = []
    combines_with: list[str] = []
    used_by: list[str] = []
    free_shipping: bool = False
    product_ids: list[int] = []
    variant_ids: list[int] = []

    @property
    def limited(self) -> bool:
        """Whether it counts for some goods alone."""
        return bool(self.product_ids or self.variant_ids)


class GiftCard(Record, kw_only=True):
    """Money behind a code; whoever types it can pay with it, through its last day."""

    id: int
    code: str
    initial_minor: int
    balance_minor: int
    created_at: datetime
    updated_at: datetime
    customer_id: int | None = None
    expires_on: date | None = None
    note: str | None = None
    deactivated_at: datetime | None = None


class CreditMove(Record, kw_only=True):
    """Store credit given or spent; `remaining_minor` is what is left of one that was given."""

    id: int
    customer_id: int
    amount_minor: int
    balance_minor: int
    created_at: datetime
    remaining_minor: int = 0
    expires_at: datetime | None = None
    order_id: int | None = None


class Metafield(Record, kw_only=True):
    """A value attached to a customer, product or the installation; the key is `owner gid|namespace|key`."""

    id: str
    number: int
    owner_id: str
    namespace: str
    key: str
    type: str
    value: str
    created_at: datetime
    updated_at: datetime
