"""The rules of a programme version beside its columns: one document, typed, with a default for everything.

An empty document is a simple programme. A version keeps the document it was saved with, so what it gave can be
explained, and taken back, by it. Unknown names are refused, so that a misspelt rule is never silently ignored.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final, Literal

import msgspec

from plugin.loyalty.acting.terms import Actions
from plugin.loyalty.holdout import Holdout
from plugin.loyalty.referring.terms import Referrals
from plugin.loyalty.tiers.terms import Ladder

Rounding = Literal["down", "nearest", "up"]
Availability = Literal["days", "fulfilled"]
Shortfall = Literal["debt", "floor", "negative"]
Join = Literal["automatic", "opt_in"]
Ratio = tuple[int, int]  # numerator, denominator


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A part of the document."""


class Goods(Part, frozen=True):
    """Some of what is sold; a line belongs to it when any list names it. Empty lists name nothing."""

    products: tuple[int, ...] = ()
    collections: tuple[int, ...] = ()
    tags: tuple[str, ...] = ()
    vendors: tuple[str, ...] = ()

    @property
    def names_any(self) -> bool:
        return bool(self.products or self.collections or self.tags or self.vendors)


class Multiplier(Part, frozen=True):
    """Points times `rate` where everything that is set agrees: goods, weekday, window [starts, ends), tier.

    Weekdays count from Monday = 0 in the shop's time zone; tiers go by name, which versions share.
    """

    name: str
    rate: Ratio
    goods: Goods = Goods()
    weekdays: tuple[int, ...] = ()
    starts: datetime | None = None
    ends: datetime | None = None
    tiers: tuple[str, ...] = ()


class Excluded(Part, frozen=True):
    """Who and what earns nothing. Names of tags are compared without regard to case, as the store does."""

    goods: Goods = Goods()
    customer_tags: tuple[str, ...] = ()


class Earn(Part, frozen=True):
    """What an order is worth beside the rate of the version.

    `rates`: points per minor units for orders in another currency than the version's. Of `multipliers` the first that
    matches a line wins; it comes on top of the tier's rate unless `instead_of_tier`.
    """

    rates: dict[str, Ratio] = {}
    rounding: Rounding = "down"
    before_discounts: bool = False  # count prices before discounts; what points paid for never counts
    shipping: bool = False
    gift_cards: bool = False  # whether buying a gift card earns
    multipliers: tuple[Multiplier, ...] = ()
    instead_of_tier: bool = False
    excluded: Excluded = Excluded()
    available: Availability = "days"  # the return days count from the order, or from when all of it was fulfilled
    shortfall: Shortfall = "debt"  # points to take back that were spent: owed, written off, or shown as a minus


class Expiry(Part, frozen=True):
    """When points are lost: the version's days after they came, or after the customer last earned or spent any.

    `warn_days`: so many days before, a mail says so.
    """

    by: Literal["date", "inactivity"] = "date"
    warn_days: tuple[int, ...] = ()


class Document(Part, frozen=True):
    """Everything. `join`: whether people take part until they leave, or from when they join."""

    earn: Earn = Earn()
    actions: Actions = Actions()
    referrals: Referrals = Referrals()
    holdout: Holdout = Holdout()
    expiry: Expiry = Expiry()
    tiers: Ladder = Ladder()
    join: Join = "automatic"

    @property
    def is_plain(self) -> bool:
        """Whether an order's points depend on its summed lines alone."""
        earn = self.earn
        return not (earn.multipliers or earn.excluded.goods.names_any or earn.shipping or earn.before_discounts)

    @property
    def asks_more(self) -> bool:
        """Whether more than summed lines must be read of orders."""
        earn = self.earn
        named = any(some.names_any for some in self.goods()) or bool(earn.excluded.customer_tags)
        return named or earn.shipping or earn.before_discounts or earn.available == "fulfilled"

    def goods(self) -> Iterator[Goods]:
        """Every description of goods in the rules of earning."""
        yield self.earn.excluded.goods
        for multiplier in self.earn.multipliers:
            yield multiplier.goods


PLAIN: Final = Document()


def read(raw: dict[str, Any]) -> Document:
    """The document of a version. Raises msgspec.ValidationError for one that a newer release wrote."""
    return msgspec.convert(raw, Document) if raw else PLAIN


def written(document: Document) -> dict[str, Any]:
    """As it is kept: JSON values, defaults left out."""
    kept: dict[str, Any] = msgspec.to_builtins(document)
    return kept
