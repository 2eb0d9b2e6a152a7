"""What a batch of tellings says, newest first: each row once, by its key and version.

A batch touches no database. Parents that are only mentioned become stubs unless they are known; what cannot be told
from the body is asked for with a `fetch` effect.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Protocol, TypeVar

from plugin import money
from plugin.errors import Invalid
from plugin.shops.models import Shop
from plugin.sync import rows, versions
from plugin.sync.mentions import Mentions


class Versioned(Protocol):
    @property
    def version(self) -> bytes: ...


K = TypeVar("K")
V = TypeVar("V", bound=Versioned)


@dataclass
class Batch:
    """Rows by key. Lines, refund lines and variants come with the row they belong to and live or fall with it."""

    shop_id: int
    imported: bool = False  # customers of new orders are counted and settled when the import ends
    identities: dict[int, rows.Identity] = field(default_factory=dict)
    tags: dict[int, rows.Tags] = field(default_factory=dict)
    email_consents: dict[int, rows.Consent] = field(default_factory=dict)
    sms_consents: dict[int, rows.Consent] = field(default_factory=dict)
    totals: dict[int, rows.Totals] = field(default_factory=dict)
    locales: dict[int, rows.Locale] = field(default_factory=dict)
    mentioned_customers: set[int] = field(default_factory=set)  # customers an order or checkout points at
    mentioned_orders: set[int] = field(default_factory=set)  # orders a refund or fulfillment points at
    orders: dict[int, rows.OrderRow] = field(default_factory=dict)
    lines: dict[int, Sequence[rows.LineRow]] = field(default_factory=dict)
    refunds: dict[int, rows.RefundRow] = field(default_factory=dict)
    refund_lines: dict[int, Sequence[rows.RefundLineRow]] = field(default_factory=dict)
    fulfillments: dict[int, rows.FulfillmentRow] = field(default_factory=dict)
    checkouts: dict[str, rows.CheckoutRow] = field(default_factory=dict)
    products: dict[int, rows.ProductRow] = field(default_factory=dict)
    variants: dict[int, Sequence[rows.VariantRow]] = field(default_factory=dict)
    levels: dict[tuple[int, int], rows.LevelRow] = field(default_factory=dict)
    merges: dict[int, rows.MergeRow] = field(default_factory=dict)
    deleted_customers: dict[int, rows.Tombstone] = field(default_factory=dict)
    deleted_orders: dict[int, rows.Tombstone] = field(default_factory=dict)
    deleted_products: dict[int, rows.Tombstone] = field(default_factory=dict)
    deleted_checkouts: dict[str, rows.Tombstone] = field(default_factory=dict)
    fetches: dict[str, dict[str, Any]] = field(default_factory=dict)  # by the effect's key
    erased: Mentions | None = None  # how bodies name whom the shield found in here (plugin.sync.shielding)

    def fetch(self, kind: str, id: int) -> None:
        """Ask the store how this object is now: customers, orders or products."""
        self.fetches[fetch_key(kind, id)] = fetch_payload(kind, id)

    def order(self, row: rows.OrderRow, lines: Sequence[rows.LineRow]) -> None:
        if keep(self.orders, row.id, row):
            self.lines[row.id] = lines

    def refund(self, row: rows.RefundRow, lines: Sequence[rows.RefundLineRow]) -> None:
        if keep(self.refunds, row.id, row):
            self.refund_lines[row.id] = lines

    def product(self, row: rows.ProductRow, variants: Sequence[rows.VariantRow]) -> None:
        if keep(self.products, row.id, row):
            self.variants[row.id] = variants


def keep(into: dict[K, V], key: K, row: V) -> bool:
    """Put the row in unless one at least as new is there; whether it went in."""
    there = into.get(key)
    if there is not None and there.version >= row.version:
        return False
    into[key] = row
    return True


def fetch_key(kind: str, id: int) -> str:
    return f"{kind}:{id}"


def fetch_payload(kind: str, id: int) -> dict[str, Any]:
    return {"object": kind, "id": id}


@dataclass(frozen=True)
class Source:
    """Where a telling comes from: the shop, the moment of the event, and the body's digest.

    `heard_at` is the moment of the event, or of receipt where the store named none: deletions are dated by it.
    """

    shop: Shop
    triggered_at: datetime | None
    sha256: bytes
    heard_at: datetime

    def version(self, stamp: datetime | None) -> bytes:
        return versions.version(stamp, self.triggered_at, self.sha256)

    def aside(self, stamp: datetime | None, said: Any) -> bytes:
        """The version of what a body says in passing about another object, such as an order about its buyer.

        It is named by its content, so that a hundred bodies which say the same write once; what the object's own
        body says at the same `stamp` is greater.
        """
        return versions.version(stamp, None, versions.digest(repr(said).encode()))

    def tombstone(self, key: int | str) -> rows.Tombstone:
        return rows.Tombstone(key, self.heard_at, versions.deletion(self.triggered_at, self.sha256))


@lru_cache(maxsize=65536)
def minor(amount: str | int | float | None, currency: str) -> int:
    """`money.minor`, remembered: the same few prices come again and again."""
    return money.minor(amount, currency)


@lru_cache(maxsize=256)
def currency_code(code: str) -> str:
    """The currency in upper case. Raises Invalid for what is no ISO 4217 code."""
    if len(code) != 3 or not code.isascii() or not code.isalpha():
        raise Invalid("“%(code)s” is not a currency.", code=code[:20])
    return code.upper()


def tag_list(tags: str | list[str] | None) -> list[str]:
    """Tags of a body: one text with commas, or a list."""
    given = tags.split(",") if isinstance(tags, str) else tags or []
    return [tag for tag in (each.strip() for each in given) if tag]


def email_address(value: str | None) -> str | None:
    """An address as the mirror keeps it: lower case as the store does, None when empty."""
    return value.strip().lower() or None if value else None
