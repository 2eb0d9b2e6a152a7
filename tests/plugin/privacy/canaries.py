"""A person made of strings that occur nowhere else, and the search for them in everything that is kept."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from redis import Redis
from sqlalchemy import Engine, text

from plugin.config import config
from tests import payloads

EVERY_TABLE = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1"


@dataclass(frozen=True)
class Canary:
    """Somebody whose every word carries `mark`; numbers that are theirs begin with `number`."""

    mark: str = "zqcanary"
    number: int = 7700
    created_at: str = payloads.at(8)

    @property
    def id(self) -> int:
        return self.number * 10**6 + 501

    @property
    def order_id(self) -> int:
        return self.number * 10**6 + 1001

    @property
    def email(self) -> str:
        return f"{self.mark}.mail@example.com"

    @property
    def phone(self) -> str:
        return f"+49{self.number}55501"

    @property
    def words(self) -> tuple[str, ...]:
        """What a search looks for."""
        return self.mark, self.phone

    def address(self) -> dict[str, Any]:
        return {
            "first_name": f"{self.mark}first",
            "last_name": f"{self.mark}last",
            "name": f"{self.mark}first {self.mark}last",
            "address1": f"{self.mark}street 7",
            "city": f"{self.mark}city",
            "zip": f"{self.mark}zip",
            "phone": self.phone,
            "country_code": "DE",
        }

    def customer(self, **changed: Any) -> dict[str, Any]:
        consent = {"state": "subscribed", "opt_in_level": "single_opt_in", "consent_updated_at": payloads.at(7)}
        mine = {
            "email": self.email,
            "phone": self.phone,
            "first_name": f"{self.mark}first",
            "last_name": f"{self.mark}last",
            "note": f"{self.mark}note",
            "tags": f"{self.mark}tag, regular",
            "addresses": [self.address()],
            "default_address": self.address(),
            "email_marketing_consent": consent,
            "created_at": self.created_at,
        }
        return payloads.customer(**{"id": self.id} | mine | changed)

    def order(self, id: int | None = None, guest: bool = False, **changed: Any) -> dict[str, Any]:
        mine = {
            "customer": None if guest else self.customer(),
            "email": self.email,
            "contact_email": self.email,
            "phone": self.phone,
            "note": f"{self.mark}note",
            "tags": f"{self.mark}tag",
            "note_attributes": [{"name": "Gift for", "value": f"{self.mark}friend"}],
            "billing_address": self.address(),
            "shipping_address": self.address(),
        }
        return payloads.order(id or self.order_id, self.id, **mine | changed)

    def checkout(self, token: str = "", guest: bool = False, **changed: Any) -> dict[str, Any]:
        mine = {
            "email": self.email,
            "phone": self.phone,
            "customer": None if guest else self.customer(),
            "shipping_address": self.address(),
            "abandoned_checkout_url": f"https://vec-shop.myshopify.com/checkouts/{self.mark}-cart/recover?key=secret",
        }
        return payloads.checkout(token or f"cart{self.number}", self.id, **mine | changed)

    def fulfillment(self, id: int = 3001, order_id: int | None = None, **changed: Any) -> dict[str, Any]:
        mine = {
            "id": self.number * 10**6 + id,
            "order_id": order_id or self.order_id,
            "status": "success",
            "email": self.email,
            "destination": self.address(),
            "tracking_company": "DHL",
            "tracking_numbers": [f"{self.mark}parcel"],
            "tracking_urls": [f"https://track.example/{self.mark}parcel"],
            "created_at": payloads.at(14),
            "updated_at": payloads.at(14),
        }
        return mine | changed

    def compliance(self, kind: str = "customers/redact", **changed: Any) -> dict[str, Any]:
        orders = "orders_to_redact" if kind == "customers/redact" else "orders_requested"
        mine: dict[str, Any] = {
            "shop_id": 548380009,
            "shop_domain": "vec-shop.myshopify.com",
            "customer": {"id": self.id, "email": self.email, "phone": self.phone},
            orders: [self.order_id],
        }
        if kind == "customers/data_request":
            mine["data_request"] = {"id": 9999}
        return mine | changed


def in_tables(owner: Engine, words: tuple[str, ...]) -> dict[str, int]:
    """Rows of every table that hold one of the words, in text, JSON or bytes; by table."""
    plain = [f"%{word.lower()}%" for word in words]
    # Bytes are written as hexadecimal digits: look for the words' own, in the ways they are capitalised.
    coded = [f"%{form.encode().hex()}%" for word in words for form in (word, word.lower(), word.capitalize())]
    found = {}
    with owner.connect() as connection:
        for table in connection.execute(text(EVERY_TABLE)).scalars().all():
            held = text(f"SELECT count(*) FROM {table} t WHERE lower(t::text) LIKE ANY (:looks)")
            if count := connection.execute(held, {"looks": plain + coded}).scalar_one():
                found[table] = count
    return found


def in_redis(words: tuple[str, ...]) -> list[str]:
    """Keys of Redis that hold one of the words in name or value."""
    redis = Redis.from_url(config().redis_url)
    looks = re.compile("|".join(map(re.escape, words)), re.IGNORECASE)
    return [key.decode() for key in redis.scan_iter() if looks.search(key.decode("latin-1") + _value(redis, key))]


def _value(redis: Any, key: bytes) -> str:
    reads = {
        b"string": lambda: redis.get(key),
        b"list": lambda: redis.lrange(key, 0, -1),
        b"set": lambda: redis.smembers(key),
        b"hash": lambda: redis.hgetall(key),
        b"zset": lambda: redis.zrange(key, 0, -1),
    }
    return repr(reads[redis.type(key)]())
