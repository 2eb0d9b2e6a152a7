"""From a row of the inbox to what it tells: one line a topic.

`fetched/…` and `absent/…` are our own topics: answers to `fetch` effects, which come in through the same door.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from sqlalchemy.orm import Session

from plugin.errors import Refused
from plugin.shops.models import Shop
from plugin.sync import merging, node_telling, nodes, notices, telling
from plugin.sync import payloads as body
from plugin.sync.batch import Batch, Source, keep
from plugin.sync.cleaning import clean
from plugin.sync.nodes import numeric_id


class OtherShop(Refused):
    """The body names another store than the one its delivery is addressed to: headers are not signed."""


@dataclass(frozen=True)
class Reader:
    """How a topic's body is decoded, and either told to the batch or noticed in the transaction."""

    shape: Any
    tell: Callable[[Batch, Source, Any], None] | None = None
    notice: Callable[[Session, Source, Any], None] | None = None
    names_store: bool = False  # the body's own `id` is the store's

    def decode(self, data: bytes) -> Any:
        return _decoder(self.shape).decode(data)


def _tags_changed(batch: Batch, source: Source, told: body.TagChange) -> None:
    batch.fetch("customers", numeric_id(told.customerId))


def _purchases(batch: Batch, source: Source, told: body.PurchasingSummary) -> None:
    telling.purchasing_summary(batch, source, told, numeric_id(told.customerId))


def _order_edited(batch: Batch, source: Source, told: body.OrderEdited) -> None:
    batch.fetch("orders", told.order_edit.order_id)


def _customer_deleted(batch: Batch, source: Source, told: body.Deleted) -> None:
    keep(batch.deleted_customers, told.id, source.tombstone(told.id))


def _order_deleted(batch: Batch, source: Source, told: body.Deleted) -> None:
    keep(batch.deleted_orders, told.id, source.tombstone(told.id))


def _product_deleted(batch: Batch, source: Source, told: body.Deleted) -> None:
    keep(batch.deleted_products, told.id, source.tombstone(told.id))


READERS: Final[dict[str, Reader]] = {
    "customers/create": Reader(body.Customer, telling.customer),
    "customers/update": Reader(body.Customer, telling.customer),
    "customers/delete": Reader(body.Deleted, _customer_deleted),
    "customers/merge": Reader(body.CustomersMerged, merging.tell),
    "customers_email_marketing_consent/update": Reader(body.EmailConsent, telling.email_consent),
    "customers_marketing_consent/update": Reader(body.SmsConsent, telling.sms_consent),
    "customer.tags_added": Reader(body.TagChange, _tags_changed),
    "customer.tags_removed": Reader(body.TagChange, _tags_changed),
    "customers/purchasing_summary": Reader(body.PurchasingSummary, _purchases),
    "orders/create": Reader(body.Order, telling.order),
    "orders/updated": Reader(body.Order, telling.order),
    "orders/paid": Reader(body.Order, telling.order),
    "orders/cancelled": Reader(body.Order, telling.order),
    "orders/fulfilled": Reader(body.Order, telling.order),
    "orders/edited": Reader(body.OrderEdited, _order_edited),
    "orders/delete": Reader(body.Deleted, _order_deleted),
    "refunds/create": Reader(body.Refund, telling.refund),
    "checkouts/create": Reader(body.Checkout, telling.checkout),
    "checkouts/update": Reader(body.Checkout, telling.checkout),
    "checkouts/delete": Reader(body.DeletedCheckout, telling.deleted_checkout),
    "fulfillments/create": Reader(body.Fulfillment, telling.fulfillment),
    "fulfillments/update": Reader(body.Fulfillment, telling.fulfillment),
    "products/create": Reader(body.Product, telling.product),
    "products/update": Reader(body.Product, telling.product),
    "products/delete": Reader(body.Deleted, _product_deleted),
    "collections/create": Reader(body.CollectionState, notice=notices.collection_changed),
    "collections/update": Reader(body.CollectionState, notice=notices.collection_changed),
    "collections/delete": Reader(body.Deleted, notice=notices.collection_deleted),
    "inventory_levels/update": Reader(body.InventoryLevel, telling.inventory_level),
    "shop/update": Reader(body.ShopState, notice=notices.shop_updated, names_store=True),
    "app/uninstalled": Reader(body.Uninstalled, notice=notices.uninstalled, names_store=True),
    "app/scopes_update": Reader(body.ScopesUpdate, notice=notices.scopes_changed),
    "bulk_operations/finish": Reader(body.BulkFinished, notice=notices.bulk_finished),
    "customers/data_request": Reader(dict, notice=notices.data_request),
    "customers/redact": Reader(dict, notice=notices.customers_redact),
    "shop/redact": Reader(dict, notice=notices.shop_redact),
    "fetched/customers": Reader(nodes.Customer, node_telling.customer),
    "fetched/orders": Reader(nodes.Order, node_telling.order),
    "fetched/products": Reader(nodes.Product, node_telling.product),
    "fetched/checkouts": Reader(nodes.Checkout, node_telling.checkout),
    "absent/customers": Reader(body.Deleted, _customer_deleted),
    "absent/orders": Reader(body.Deleted, _order_deleted),
    "absent/products": Reader(body.Deleted, _product_deleted),
}


class _Named(msgspec.Struct):
    """Where a body of any topic may name its store."""

    shop_id: int | str | None = None
    shop_domain: str | None = None
    myshopify_domain: str | None = None
    id: Any = None


def decode(topic: str, data: bytes, shop: Shop) -> tuple[Reader, Any]:
    """The topic's reader and its typed body.

    Raises OtherShop, KeyError for a topic that is not read, and msgspec's errors or RecursionError for what is no such
    body. NUL characters come out as U+FFFD; a lone surrogate is no body.
    """
    reader = READERS[topic]
    cleaned = clean(data)
    _check_shop(reader, cleaned, shop)
    return reader, reader.decode(cleaned)


def _check_shop(reader: Reader, data: bytes, shop: Shop) -> None:
    if not (reader.names_store or b'"shop_id"' in data or b'shop_domain"' in data or b'myshopify_domain"' in data):
        return
    named = _decoder(_Named).decode(data)
    store = named.id if reader.names_store else named.shop_id
    number = numeric_id(str(store)) if store else None
    if number and shop.store_id and number != shop.store_id:
        raise OtherShop(
            "The body names store %(named)s, and this shop is store %(ours)s.",
            named=str(number),
            ours=str(shop.store_id),
        )
    domain = named.shop_domain or named.myshopify_domain
    if domain and domain.lower() != shop.domain:
        raise OtherShop("The body names %(named)s, and this shop is %(ours)s.", named=domain[:100], ours=shop.domain)


_decoders: dict[Any, Any] = {}


def _decoder(shape: Any) -> Any:
    """Decoders are made once; lax, because ids may come as text."""
    if shape not in _decoders:
        _decoders[shape] = msgspec.json.Decoder(shape, strict=False)
    return _decoders[shape]
