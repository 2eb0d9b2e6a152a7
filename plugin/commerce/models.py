"""Our mirror of the store: customers, orders, checkouts, products as the store has them.

Keys are the store's own numeric ids. `known = false` marks a stub that stands in for a parent not seen yet;
`deleted_at` marks a tombstone: the emptied row stays so that late news about it changes nothing. Each group of columns
has a version, the order-preserving bytes of (stamp, triggered_at, body hash): the greater wins
(plugin/sync/versions.py).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from plugin.db.base import Base, Key, OfShop, Version


class Customer(OfShop, Base):
    __tablename__ = "customers"
    __table_args__ = (
        ForeignKeyConstraint(["shop_id"], ["shops.id"]),
        Index("ix_customers_spent", "shop_id", "spent_minor", "id"),
        Index("ix_customers_orders", "shop_id", "orders_count", "id"),
        Index("ix_customers_last_order", "shop_id", "last_order_at", "id"),
        Index("ix_customers_created", "shop_id", "created_at", "id"),
        Index("ix_customers_name", "shop_id", "sort_name", "id"),
        Index("ix_customers_email", "shop_id", "email"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    known: Mapped[bool] = mapped_column(server_default="true")
    email: Mapped[Key | None]
    phone: Mapped[str | None]
    first_name: Mapped[str | None]
    last_name: Mapped[str | None]
    sort_name: Mapped[Key] = mapped_column(server_default="")  # folded "last first", for sorting and keyset pages
    state: Mapped[str | None]
    country_code: Mapped[Key | None]
    city: Mapped[str | None]
    created_at: Mapped[datetime | None]
    updated_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]
    version: Mapped[Version]

    locale: Mapped[str | None]  # customers/* bodies lack it; orders, checkouts and fetched customers have it
    locale_version: Mapped[Version]

    tags: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    tags_version: Mapped[Version]

    email_consent: Mapped[Key | None]  # the store's word, lower case: subscribed, not_subscribed, pending, …
    email_consent_level: Mapped[str | None]
    email_consent_at: Mapped[datetime | None]
    email_consent_version: Mapped[Version]

    sms_consent: Mapped[Key | None]
    sms_consent_level: Mapped[str | None]
    sms_consent_at: Mapped[datetime | None]
    sms_consent_version: Mapped[Version]

    orders_count: Mapped[int] = mapped_column(server_default="0")
    spent_minor: Mapped[int] = mapped_column(server_default="0")
    spent_currency: Mapped[str | None]
    last_order_id: Mapped[int | None]
    last_order_at: Mapped[datetime | None]
    totals_version: Mapped[Version]


class CustomerMerge(OfShop, Base):
    """The store made one person of two: `from_id` is gone there, and what it had belongs to `kept_id`.

    Rows are never changed but for `kept_id`, which follows when the kept customer is merged in turn. No cycles.
    """

    __tablename__ = "customer_merges"
    __table_args__ = (
        ForeignKeyConstraint(
            ["shop_id", "from_id"], ["customers.shop_id", "customers.id"], name="fk_customer_merges_from"
        ),
        ForeignKeyConstraint(
            ["shop_id", "into_id"], ["customers.shop_id", "customers.id"], name="fk_customer_merges_into"
        ),
        CheckConstraint("from_id <> into_id AND from_id <> kept_id", name="two_people"),
        Index("ix_customer_merges_kept", "shop_id", "kept_id"),
    )

    from_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    into_id: Mapped[int]  # whom the store kept that day
    kept_id: Mapped[int]  # who is kept today, at the end of the chain
    merged_at: Mapped[datetime]


class CustomerTerm(OfShop, Base):
    """Folded words of a customer's name and e-mail; search is a prefix range over them.

    No foreign key: words are written in their customer's own transaction by the shop's one writer, and the table's
    policy keeps them in the shop. A check of each would lock and mark the customer's row.
    """

    __tablename__ = "customer_terms"
    __table_args__ = (Index("ix_customer_terms_customer", "shop_id", "customer_id"),)

    term: Mapped[Key] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class Order(OfShop, Base):
    """Money in minor units of `currency`, the shop's currency (shop_money)."""

    __tablename__ = "orders"
    __table_args__ = (
        ForeignKeyConstraint(["shop_id", "customer_id"], ["customers.shop_id", "customers.id"]),
        Index("ix_orders_customer", "shop_id", "customer_id", "processed_at"),
        Index("ix_orders_processed", "shop_id", "processed_at", "id"),
        Index("ix_orders_checkout_token", "shop_id", "checkout_token"),
        Index("ix_orders_cart_token", "shop_id", "cart_token"),
        Index(
            "ix_orders_guest", "shop_id", "email", postgresql_where=text("customer_id IS NULL AND email IS NOT NULL")
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    known: Mapped[bool] = mapped_column(server_default="true")
    name: Mapped[str] = mapped_column(server_default="")
    customer_id: Mapped[int | None]
    email: Mapped[Key | None]
    checkout_token: Mapped[Key | None]
    cart_token: Mapped[Key | None]
    source_name: Mapped[str | None]
    financial_status: Mapped[Key | None]
    fulfillment_status: Mapped[Key | None]
    test: Mapped[bool] = mapped_column(server_default="false")
    currency: Mapped[str] = mapped_column(server_default="")
    presentment_currency: Mapped[str | None]
    taxes_included: Mapped[bool] = mapped_column(server_default="false")
    subtotal_minor: Mapped[int] = mapped_column(server_default="0")
    total_minor: Mapped[int] = mapped_column(server_default="0")
    tax_minor: Mapped[int] = mapped_column(server_default="0")
    shipping_minor: Mapped[int] = mapped_column(server_default="0")
    discount_minor: Mapped[int] = mapped_column(server_default="0")
    current_subtotal_minor: Mapped[int] = mapped_column(server_default="0")
    current_total_minor: Mapped[int] = mapped_column(server_default="0")
    discount_codes: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    processed_at: Mapped[datetime | None]
    created_at: Mapped[datetime | None]
    updated_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]
    shipping_place: Mapped[int | None]  # numbers of addresses (plugin/commerce/places.py): no address is kept
    billing_place: Mapped[int | None]
    version: Mapped[Version]


class OrderLine(OfShop, Base):
    """One line. Its rows are replaced as a set whenever its order's version moves forward.

    No foreign key, for the reason that `CustomerTerm` has none.
    """

    __tablename__ = "order_lines"
    __table_args__ = (Index("ix_order_lines_product", "shop_id", "product_id"),)

    order_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    position: Mapped[int]
    product_id: Mapped[int | None]
    variant_id: Mapped[int | None]
    title: Mapped[str] = mapped_column(server_default="")
    variant_title: Mapped[str | None]
    sku: Mapped[str | None]
    vendor: Mapped[str | None]
    quantity: Mapped[int]
    current_quantity: Mapped[int]
    price_minor: Mapped[int]  # one unit before discounts
    discount_minor: Mapped[int]  # all discounts of the line as bought, for `quantity` units
    tax_minor: Mapped[int]  # for `quantity` units
    gift_card: Mapped[bool] = mapped_column(server_default="false")


class Refund(OfShop, Base):
    __tablename__ = "refunds"
    __table_args__ = (
        ForeignKeyConstraint(["shop_id", "order_id"], ["orders.shop_id", "orders.id"]),
        Index("ix_refunds_order", "shop_id", "order_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    order_id: Mapped[int]
    created_at: Mapped[datetime | None]
    processed_at: Mapped[datetime | None]
    lines_minor: Mapped[int] = mapped_column(server_default="0")  # goods, as priced in the refund's lines
    shipping_minor: Mapped[int] = mapped_column(server_default="0")
    amount_only_minor: Mapped[int] = mapped_column(server_default="0")  # money back without goods
    version: Mapped[Version]


class RefundLine(OfShop, Base):
    __tablename__ = "refund_lines"
    __table_args__ = (
        ForeignKeyConstraint(["shop_id", "refund_id"], ["refunds.shop_id", "refunds.id"], ondelete="CASCADE"),
        Index("ix_refund_lines_order", "shop_id", "order_id"),
    )

    refund_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    order_id: Mapped[int]
    line_id: Mapped[int]
    quantity: Mapped[int]
    subtotal_minor: Mapped[int]
    tax_minor: Mapped[int]


class Checkout(OfShop, Base):
    """Not yet an order. The token is its only key; `recovery_url` holds a secret key and is never logged."""

    __tablename__ = "checkouts"
    __table_args__ = (
        ForeignKeyConstraint(["shop_id", "customer_id"], ["customers.shop_id", "customers.id"]),
        Index("ix_checkouts_cart_token", "shop_id", "cart_token"),
        Index("ix_checkouts_customer", "shop_id", "customer_id"),
        Index("ix_checkouts_updated", "shop_id", "updated_at"),
    )

    token: Mapped[Key] = mapped_column(primary_key=True)
    store_id: Mapped[int | None]
    cart_token: Mapped[Key | None]
    customer_id: Mapped[int | None]
    email: Mapped[Key | None]
    phone: Mapped[str | None]
    locale: Mapped[str | None]
    recovery_url: Mapped[str | None]
    accepts_marketing: Mapped[bool] = mapped_column(server_default="false")
    currency: Mapped[str] = mapped_column(server_default="")
    subtotal_minor: Mapped[int] = mapped_column(server_default="0")
    total_minor: Mapped[int] = mapped_column(server_default="0")
    lines: Mapped[list[Any]] = mapped_column(server_default="[]")  # title, variant, quantity, price_minor, product_id
    created_at: Mapped[datetime | None]
    updated_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]
    version: Mapped[Version]


class Fulfillment(OfShop, Base):
    __tablename__ = "fulfillments"
    __table_args__ = (
        ForeignKeyConstraint(["shop_id", "order_id"], ["orders.shop_id", "orders.id"]),
        Index("ix_fulfillments_order", "shop_id", "order_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    order_id: Mapped[int]
    status: Mapped[str | None]
    shipment_status: Mapped[str | None]
    tracking_company: Mapped[str | None]
    tracking_numbers: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    tracking_urls: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    created_at: Mapped[datetime | None]
    updated_at: Mapped[datetime | None]
    version: Mapped[Version]


class Product(OfShop, Base):
    __tablename__ = "products"
    __table_args__ = (
        ForeignKeyConstraint(["shop_id"], ["shops.id"]),
        Index("ix_products_type", "shop_id", "product_type"),
        Index("ix_products_published", "shop_id", "published_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    known: Mapped[bool] = mapped_column(server_default="true")
    title: Mapped[str] = mapped_column(server_default="")
    handle: Mapped[Key] = mapped_column(server_default="")
    vendor: Mapped[str | None]
    product_type: Mapped[Key] = mapped_column(server_default="")
    status: Mapped[Key | None]
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    image_url: Mapped[str | None]
    published_at: Mapped[datetime | None]
    created_at: Mapped[datetime | None]
    updated_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]
    version: Mapped[Version]


class Collection(OfShop, Base):
    """A collection of the store; which products it has is in `collection_products`."""

    __tablename__ = "collections"
    __table_args__ = (ForeignKeyConstraint(["shop_id"], ["shops.id"]),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    title: Mapped[str] = mapped_column(server_default="")
    handle: Mapped[Key] = mapped_column(server_default="")
    updated_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]
    version: Mapped[Version]


class CollectionProduct(OfShop, Base):
    """A product in a collection, as the store said last. The product may still be unknown to us."""

    __tablename__ = "collection_products"
    __table_args__ = (
        ForeignKeyConstraint(["shop_id", "collection_id"], ["collections.shop_id", "collections.id"]),
        Index("ix_collection_products_product", "shop_id", "product_id"),
    )

    collection_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    product_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class Variant(OfShop, Base):
    """Rows are replaced as a set whenever their product's version moves forward."""

    __tablename__ = "variants"
    __table_args__ = (
        ForeignKeyConstraint(["shop_id", "product_id"], ["products.shop_id", "products.id"]),
        Index("ix_variants_inventory_item", "shop_id", "inventory_item_id"),
    )

    product_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    title: Mapped[str] = mapped_column(server_default="")
    sku: Mapped[str | None]
    price_minor: Mapped[int] = mapped_column(server_default="0")
    compare_at_minor: Mapped[int | None]
    position: Mapped[int] = mapped_column(server_default="1")
    inventory_item_id: Mapped[int | None]


class InventoryLevel(OfShop, Base):
    __tablename__ = "inventory_levels"
    __table_args__ = (ForeignKeyConstraint(["shop_id"], ["shops.id"]),)

    inventory_item_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    location_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    available: Mapped[int | None]
    updated_at: Mapped[datetime | None]
    version: Mapped[Version]


# Stubs wait for a `fetch` effect; this finds those that still wait.
Index("ix_customers_stub", Customer.shop_id, Customer.id, postgresql_where=text("NOT known"))
Index("ix_orders_stub", Order.shop_id, Order.id, postgresql_where=text("NOT known"))
