"""Which products a field is about, and for whom a product is news. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

MATCH_KINDS: Final = ("type", "tag")


class Matchable(Protocol):
    """The columns of a product that fields look at."""

    product_type: str
    tags: list[str]


class Available(Protocol):
    """The columns of a product that say whether it can be bought."""

    known: bool
    status: str | None
    published_at: datetime | None
    deleted_at: datetime | None


class Field(Protocol):
    """The columns of a field that name its products."""

    @property
    def match_kind(self) -> str: ...

    @property
    def match_value(self) -> str: ...


@dataclass(frozen=True)
class Wanted:
    """What a field is about, before there is a field."""

    match_kind: str
    match_value: str


def matches(product: Matchable, field: Field) -> bool:
    """Whether the field is about this product: its type or one of its tags, without case and outer spaces."""
    wanted = fold(field.match_value)
    if field.match_kind == "type":
        return fold(product.product_type) == wanted
    return wanted in map(fold, product.tags)


def is_available(product: Available) -> bool:
    """On sale in the online store: active, published, not deleted."""
    return product.known and _is_active(product) and product.published_at is not None and not product.deleted_at


def fold(value: str) -> str:
    """The form in which types and tags are compared."""
    return value.strip().casefold()


def _is_active(product: Available) -> bool:
    return (product.status or "").lower() == "active"
