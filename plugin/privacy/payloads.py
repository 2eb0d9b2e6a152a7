"""The bodies of the three compliance topics, decoded at the door."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from plugin.errors import Invalid

KINDS = ("customers/data_request", "customers/redact", "shop/redact")
LARGEST_ID = 2**63 - 1


@dataclass(frozen=True)
class Subject:
    """Whom a request is about: a customer by id, or by address alone, and the orders it names; nobody: the shop."""

    customer_id: int | None = None
    email: str | None = None
    phone: str | None = None
    order_ids: tuple[int, ...] = ()
    request_id: int | None = None


def subject_of(kind: str, payload: Mapping[str, Any]) -> Subject:
    """The subject of a compliance body. Raises Invalid when it names none, or the kind is not one of the three."""
    if kind not in KINDS:
        raise Invalid("%(kind)s is no request about personal data.", kind=kind)
    if kind == "shop/redact":
        return Subject()
    customer = _object(payload, "customer")
    subject = Subject(
        customer_id=_id(customer.get("id")),
        email=_text(customer.get("email")),
        phone=_text(customer.get("phone")),
        order_ids=_ids(payload.get("orders_to_redact") or payload.get("orders_requested") or []),
        request_id=_id(_object(payload, "data_request").get("id")),
    )
    if subject.customer_id is None and not (subject.email or subject.phone):
        raise Invalid("The request does not say which customer it is about.")
    return subject


def _object(payload: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = payload.get(name)
    return value if isinstance(value, Mapping) else {}


def _ids(values: Any) -> tuple[int, ...]:
    if not isinstance(values, list):
        raise Invalid("The request names its orders in a way we do not know.")
    return tuple(sorted({id for id in map(_id, values) if id is not None}))


def _id(value: Any) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    if value is None or isinstance(value, bool) or not isinstance(value, int):
        return None
    if not 1 <= value <= LARGEST_ID:
        raise Invalid("The request names an id that no store has.")
    return value


def _text(value: Any) -> str | None:
    return value.replace("\0", "").strip()[:320] or None if isinstance(value, str) else None
