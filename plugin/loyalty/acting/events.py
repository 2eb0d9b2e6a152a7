"""Events that the shop's other tools tell us of: a review written, a survey filled, a visit to the store.

Whether a customer is known does not show: an event of nobody is taken and forgotten, the answer is the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin import clock
from plugin.commerce import merges
from plugin.commerce.models import Customer
from plugin.errors import Invalid
from plugin.loyalty import queries
from plugin.loyalty.acting import recording
from plugin.loyalty.acting.terms import EVENT_NAME
from plugin.shops.models import Shop

EVENT_ID: Final = re.compile(r"\A[A-Za-z0-9_.-]{1,100}\Z")
FIELDS: Final = ("customer", "event", "id", "occurred_at")
AHEAD: Final = timedelta(minutes=5)  # how far a sender's clock may be before ours
LARGEST_ID: Final = 2**63 - 1


class Event(NamedTuple):
    """`customer` is the store's id, or an e-mail in lower case. `occurred_at` is None for now."""

    customer: int | str
    name: str
    id: str
    occurred_at: datetime | None


def read(body: Any) -> Event:
    """The event that a body tells of. Raises Invalid at the field."""
    if not isinstance(body, Mapping):
        raise Invalid("Send a JSON object.")
    for name in body:
        if name not in FIELDS:
            raise Invalid("This field is not known. Known are customer, event, id and occurred_at.", str(name)[:50])
    name, id = body.get("event"), body.get("id")
    customer = _customer(body.get("customer"))
    if not isinstance(name, str) or not EVENT_NAME.match(name):
        raise Invalid("Name the event in small letters, digits and _, beginning with a letter, 40 at most.", "event")
    if not isinstance(id, str) or not EVENT_ID.match(id):
        raise Invalid("Give the event an id of its own: 1 to 100 letters, digits, and . _ - in a string.", "id")
    return Event(customer, name, id, _moment(body.get("occurred_at")))


def _customer(said: Any) -> int | str:
    text = str(said).strip() if isinstance(said, str | int) and not isinstance(said, bool) else ""
    text = text.removeprefix("gid://shopify/Customer/")
    if text.isascii() and text.isdigit() and len(text) < 20 and 0 < int(text) <= LARGEST_ID:
        return int(text)
    if re.fullmatch(r"[^@\s\0]+@[^@\s\0]+", text) and len(text) <= 254:
        return text.lower()
    raise Invalid("Name the customer by the store's id or by e-mail.", "customer")


def _moment(said: Any) -> datetime | None:
    if said is None:
        return None
    try:
        moment = datetime.fromisoformat(said)
    except (TypeError, ValueError) as error:
        raise Invalid("Write the moment in ISO 8601, like 2026-03-02T12:00:00Z.", "occurred_at") from error
    if moment.tzinfo is None or not 2000 <= moment.year <= 9000:
        raise Invalid("Write the moment with its time zone, like 2026-03-02T12:00:00Z.", "occurred_at")
    return moment.astimezone(UTC)


def tell(session: Session, shop: Shop, event: Event) -> None:
    """Record the event once by its id. Raises Invalid for a name that nothing is earned with, and for the future."""
    now = clock.now(session)
    if event.occurred_at is not None and event.occurred_at > now + AHEAD:
        raise Invalid("This moment has not come yet.", "occurred_at")
    moment, thing = min(event.occurred_at or now, now), f"event.{event.name}"
    program = queries.latest_program(session, shop)
    if program is None or all(way.thing != thing for way in program.document.actions.ways):
        raise Invalid("There is no way to earn with an event of this name. Add it under Ways to earn.", "event")
    customer_id = _known(session, shop, event.customer)
    if customer_id is not None:
        deed = {"key": f"event:{event.id}", "customer_id": customer_id, "thing": thing, "occurred_at": moment}
        recording.record(session, shop, [deed])


def _known(session: Session, shop: Shop, customer: int | str) -> int | None:
    named = Customer.id == customer if isinstance(customer, int) else Customer.email == customer
    mine = Customer.shop_id == shop.id, named
    there = session.scalar(select(Customer.id).where(*mine).order_by(Customer.deleted_at.is_not(None), Customer.id))
    return None if there is None else merges.kept_for(session, shop.id, there)
