"""How records become GraphQL objects: a node wraps a record, its methods are the fields (snake_case for camelCase).

A field that is no method is looked up on the record. Nodes are lazy: only what a query asks for is computed.
"""

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, ClassVar

from plugin.sandbox import money
from plugin.sandbox.admin_api.request import Api
from plugin.sandbox.documents.basics import gid
from plugin.sandbox.errors import NotFound

Fields = dict[str, Any]


class Node:
    """A GraphQL object around a record (or anything with attributes)."""

    type_name: ClassVar[str] = ""
    kinds: ClassVar[dict[str, type["Node"]]] = {}

    def __init_subclass__(cls) -> None:
        Node.kinds[cls.type_name] = cls

    def __init__(self, api: Api, record: Any) -> None:
        self.api = api
        self.record = record

    def __getattr__(self, name: str) -> Any:
        return getattr(self.record, name)

    def make(self, type_name: str, record: Any) -> "Node | None":
        """The node of another type around a record; None stays None."""
        return Node.kinds[type_name](self.api, record) if record is not None else None

    def id(self) -> str:
        """The global id."""
        return gid(self.type_name, self.record.id)

    def legacy_resource_id(self) -> str:
        """The number in the global id."""
        return str(self.record.id)

    def created_at(self) -> str:
        """When it was made."""
        return instant(self.record.created_at)

    def updated_at(self) -> str:
        """When it last changed."""
        return instant(self.record.updated_at)


def instant(moment: datetime) -> str:
    """ISO 8601 in UTC, whole seconds."""
    in_utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return in_utc.isoformat()[:19] + "Z"


def optional_instant(moment: datetime | None) -> str | None:
    """The same, None stays None."""
    return instant(moment) if moment else None


def money_v2(minor: int) -> Fields:
    """`MoneyV2`."""
    return {"amount": money.short_text(minor), "currencyCode": money.CURRENCY}


def money_bag(minor: int) -> Fields:
    """`MoneyBag`: the shop's currency is also the buyer's."""
    return {"shopMoney": money_v2(minor), "presentmentMoney": money_v2(minor)}


def attributes(pairs: dict[str, str]) -> list[Fields]:
    """`Attribute` list."""
    return [{"key": key, "value": value} for key, value in pairs.items()]


def tax_line(tax_minor: int, rate_bp: int) -> Fields:
    """`TaxLine`."""
    return {
        "title": "DE MwSt",
        "rate": rate_bp / 10_000,
        "ratePercentage": rate_bp / 100,
        "priceSet": money_bag(tax_minor),
        "channelLiable": False,
    }


def number_of(global_id: str, kind: str) -> int:
    """The number in a global id of this kind (a bare number will not do); `NotFound` otherwise."""
    found = re.fullmatch(rf"gid://shopify/{kind}/(\d{{1,19}})(?:\?.*)?", global_id)
    if not found:
        raise NotFound(f"Invalid global id '{global_id}'")
    return int(found.group(1))


def kind_of(global_id: str) -> str:
    """The type in a global id; `NotFound` when it is none."""
    found = re.fullmatch(r"gid://shopify/(\w+)/.+", global_id)
    if not found:
        raise NotFound(f"Invalid global id '{global_id}'")
    return found.group(1)


@lru_cache(maxsize=2048)
def snake(name: str) -> str:
    """camelCase as snake_case; digits stay where they are (`addressesV2` is `addresses_v2`)."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


def newest_first(records: list[Any]) -> list[Any]:
    """Records by creation, newest first."""
    return sorted(records, key=lambda record: (record.created_at, record.id), reverse=True)
