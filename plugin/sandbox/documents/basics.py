"""Pieces that every body shares: ids, moments in the shop's time zone, addresses."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from plugin.sandbox.records import Address
from plugin.sandbox.world import World

Body = dict[str, Any]


def gid(kind: str, number: int | str) -> str:
    """The global id, such as `gid://shopify/Customer/1`."""
    return f"gid://shopify/{kind}/{number}"


@lru_cache(maxsize=8)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def stamp(world: World, moment: datetime | None) -> str | None:
    """ISO 8601 with the shop's offset, whole seconds; None stays None."""
    return shop_time(world, moment).isoformat(timespec="seconds") if moment else None


def shop_time(world: World, moment: datetime) -> datetime:
    """The same moment on the shop's clock."""
    return moment.astimezone(_zone(world.shop.time_zone))


def utc_stamp(moment: datetime) -> str:
    """ISO 8601 in UTC with milliseconds, as the newer topics write it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def address(record: Address | None) -> Body | None:
    """An address of an order or checkout."""
    if record is None:
        return None
    return {
        "first_name": record.first_name,
        "last_name": record.last_name,
        "name": " ".join(filter(None, (record.first_name, record.last_name))),
        "company": record.company,
        "address1": record.address1,
        "address2": record.address2,
        "city": record.city,
        "zip": record.zip,
        "province": record.province,
        "province_code": record.province_code,
        "country": record.country,
        "country_code": record.country_code,
        "phone": record.phone,
        "latitude": None,
        "longitude": None,
    }
