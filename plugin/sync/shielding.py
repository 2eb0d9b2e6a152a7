"""Nobody who was erased comes back: what a batch says about them is taken out before it is written.

Stands in front of every way into the mirror, because webhooks, fetched answers, imports and comparisons all end in
`plugin.sync.apply`. Amounts pass: an order counts, whoever bought it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from plugin.privacy import tombstones
from plugin.privacy.operations import record_request
from plugin.shops import veils
from plugin.shops.models import Shop
from plugin.sync import erasing, inbox, rows
from plugin.sync.batch import Batch, fetch_key
from plugin.sync.mentions import Mentions, names_in

_BURIED = b"\xff" * 32  # the version of an erased row: after every other
_EMPTY = text("UPDATE inbox SET body = '' WHERE shop_id = :shop AND id = ANY (:ids)")

Erased = Mapping[str, datetime]


def shield(session: Session, shop: Shop, batch: Batch) -> None:
    """Empty what the batch holds of erased people; `batch.erased` is then how bodies name them."""
    veil = veils.veil_of(session, batch.shop_id)
    if veil is None:
        return
    words = _words(batch)
    veiled = {word: veil.over(word) for word in words}
    erased = tombstones.among(session, batch.shop_id, [*_id_keys(batch), *_word_keys(veiled)])
    if not erased:
        return
    batch.erased = _named(erased, veiled)
    _customers(batch, erased)
    _merges(session, shop, batch, erased)
    masked = _orders(batch, erased, veiled) | _checkouts(batch, erased, veiled)
    tombstones.put(session, batch.shop_id, masked, max(erased.values()))
    _fulfillments(batch, erased.keys() | masked)


def empty_bodies(session: Session, shop_id: int, rows: Iterable[inbox.Waiting], batch: Batch) -> None:
    """Empty the bodies of those applied rows that name somebody erased."""
    mentions = batch.erased
    if mentions is None:
        return
    ids = [row.id for row in rows if mentions.in_body(row.body)]
    if ids:
        session.execute(_EMPTY, {"shop": shop_id, "ids": ids})


def forget_if_erased(session: Session, shop_id: int, row: inbox.Waiting) -> None:
    """Empty a parked body that names somebody erased: it will not be applied, and must not be kept."""
    veil = veils.veil_of(session, shop_id)
    if veil is None:
        return
    numbers, addresses = names_in(row.body)
    keys = [f"{kind}:{number}" for kind in ("customer", "order") for number in numbers]
    keys += [f"email:{veil.over(address)}" for address in addresses]
    if tombstones.among(session, shop_id, keys):
        erasing.empty(session, shop_id, [row.webhook_id])


def _id_keys(batch: Batch) -> list[str]:
    people = set(batch.mentioned_customers).union(
        batch.identities,
        batch.tags,
        batch.email_consents,
        batch.sms_consents,
        batch.totals,
        batch.locales,
        batch.deleted_customers,
        (row.into_id for row in batch.merges.values()),
        (row.customer_id for row in batch.orders.values() if row.customer_id),
        (row.customer_id for row in batch.checkouts.values() if row.customer_id),
        (payload["id"] for payload in batch.fetches.values() if payload["object"] == "customers"),
    )
    orders = set(batch.orders).union(batch.mentioned_orders)
    return [
        *(f"customer:{id}" for id in people),
        *(f"order:{id}" for id in orders),
        *(f"checkout:{token}" for token in batch.checkouts),
    ]


def _words(batch: Batch) -> set[str]:
    """Addresses and numbers that the batch's orders and checkouts carry."""
    emails = {row.email for row in batch.orders.values()} | {row.email for row in batch.checkouts.values()}
    phones = {row.phone for row in batch.checkouts.values()}
    return {word for word in emails | phones if word}


def _word_keys(veiled: Mapping[str, str]) -> list[str]:
    return [f"{'email' if '@' in word else 'phone'}:{veil}" for word, veil in veiled.items()]


def _named(erased: Erased, veiled: Mapping[str, str]) -> Mentions:
    """How bodies name whoever of this batch was erased."""
    parts = [key.partition(":") for key in erased]
    ids = [int(value) for kind, _, value in parts if kind in ("customer", "order")]
    tokens = [value for kind, _, value in parts if kind == "checkout"]
    words = [word for word, key in zip(veiled, _word_keys(veiled), strict=True) if key in erased]
    return Mentions(ids, tokens + words)


def _customers(batch: Batch, erased: Erased) -> None:
    ids = [int(key.removeprefix("customer:")) for key in erased if key.startswith("customer:")]
    groups = batch.identities, batch.tags, batch.email_consents, batch.sms_consents, batch.locales
    for id in ids:
        for group in groups:
            group.pop(id, None)
        batch.fetches.pop(fetch_key("customers", id), None)


def _merges(session: Session, shop: Shop, batch: Batch, erased: Erased) -> None:
    """News of a merge that came late: whoever is one with somebody erased is erased too.

    The store refuses to merge customers whose data were erased, so the merge was before that.
    """
    for row in batch.merges.values():
        if f"customer:{row.into_id}" in erased and f"customer:{row.from_id}" not in erased:
            body = {"customer": {"id": row.from_id}}
            record_request(session, shop, "customers/redact", body, erased[f"customer:{row.into_id}"])


def _orders(batch: Batch, erased: Erased, veiled: Mapping[str, str]) -> set[str]:
    """Orders of the erased lose what is personal; the keys of those that were not known as theirs."""
    masked = {id for id, row in batch.orders.items() if _is_theirs(f"order:{id}", row, None, erased, veiled)}
    for id in masked:
        batch.orders[id] = batch.orders[id]._replace(email=None, tags=[], shipping_place=None, billing_place=None)
    return {f"order:{id}" for id in masked}


def _checkouts(batch: Batch, erased: Erased, veiled: Mapping[str, str]) -> set[str]:
    """Carts of the erased are buried."""
    gone = [
        token
        for token, row in batch.checkouts.items()
        if _is_theirs(f"checkout:{token}", row, row.phone, erased, veiled)
    ]
    for token in gone:
        del batch.checkouts[token]
        batch.deleted_checkouts[token] = rows.Tombstone(token, max(erased.values()), _BURIED)
    return {f"checkout:{token}" for token in gone}


def _is_theirs(
    key: str,
    row: rows.OrderRow | rows.CheckoutRow,
    phone: str | None,
    erased: Erased,
    veiled: Mapping[str, str],
) -> bool:
    """By its own id, by its customer's, or by an address it carried before that address was erased."""
    if key in erased or f"customer:{row.customer_id}" in erased:
        return True
    words = [word for word in (row.email, phone) if word]
    moments = [erased[found] for found in _word_keys({word: veiled[word] for word in words}) if found in erased]
    return any(row.created_at is None or row.created_at <= moment for moment in moments)


def _fulfillments(batch: Batch, erased: Iterable[str]) -> None:
    orders = {int(key.removeprefix("order:")) for key in erased if key.startswith("order:")}
    for id, row in batch.fulfillments.items():
        if row.order_id in orders:
            batch.fulfillments[id] = row._replace(tracking_numbers=[], tracking_urls=[])
