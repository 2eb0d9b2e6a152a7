"""When a cart counts as left behind, when the next mail is due, and why one stays unsent. Pure; time is an argument."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from plugin.messages.rules import Stop, address

LATEST: Final = timedelta(days=14)  # an older cart gets no mail; a later order is not ours
SHORTEST_DELAY: Final = 5  # minutes
LONGEST_DELAY: Final = 13 * 24 * 60
MOST_STEPS: Final = 5
REOPENS: Final = frozenset({"emptied"})  # a cart stopped for these reasons goes on when the reason is gone


class Cart(Protocol):
    """The columns of a checkout that the rules look at."""

    email: str | None
    lines: list[Any]
    created_at: datetime | None
    updated_at: datetime | None
    completed_at: datetime | None
    closed_at: datetime | None
    deleted_at: datetime | None
    accepts_marketing: bool


class Bought(Protocol):
    """The columns of an order that the rules look at."""

    id: int
    checkout_token: str | None
    cart_token: str | None
    customer_id: int | None
    email: str | None
    processed_at: datetime | None
    cancelled_at: datetime | None
    deleted_at: datetime | None
    current_total_minor: int
    test: bool


@dataclass(frozen=True)
class Entered:
    """What an enrollment remembers about its cart and its person."""

    checkout_token: str | None
    cart_token: str | None
    customer_id: int | None
    email: str
    entered_at: datetime


def is_abandoned(cart: Cart, started_at: datetime, now: datetime) -> bool:
    """Whether a checkout enters: an address, lines, not paid, touched since the campaign began."""
    touched = cart.updated_at
    if not cart.email or touched is None or quiet_cart(cart) is not None:
        return False
    return started_at <= touched and touched > now - LATEST


def quiet_cart(cart: Cart) -> Stop | None:
    """Why a checkout needs no mail (any more), or None."""
    if cart.completed_at is not None:
        return Stop("ordered", {"completed_at": cart.completed_at.isoformat()})
    if cart.deleted_at is not None or cart.closed_at is not None:
        return Stop("closed")
    return None if cart.lines else Stop("emptied", {"lines": 0})


def first_wake(steps: Sequence[dict[str, Any]], touched_at: datetime) -> datetime:
    """When the first mail is due: its delay after the cart was last touched."""
    return touched_at + timedelta(minutes=steps[0]["delay_minutes"])


def next_wake(steps: Sequence[dict[str, Any]], step: int, now: datetime) -> datetime | None:
    """When the mail after `step` is due, or None after the last. A late mail keeps its distance to the next."""
    if step + 1 >= len(steps):
        return None
    return now + timedelta(minutes=steps[step + 1]["delay_minutes"] - steps[step]["delay_minutes"])


def is_stale(wake_at: datetime, now: datetime) -> Stop | None:
    """A mail about a cart of two weeks ago (we were away) helps nobody."""
    return Stop("too_late", {"due": wake_at.isoformat()}) if now - wake_at > LATEST else None


def consent_missing(consent: str | None, accepts_marketing: bool) -> Stop | None:
    """Only to subscribed customers, or to who accepted marketing in this very checkout."""
    if consent == "subscribed" or accepts_marketing:
        return None
    return Stop("no_consent", {"consent": consent or "unknown", "accepts_marketing": accepts_marketing})


def is_purchase(entered: Entered, order: Bought) -> bool:
    """Whether this order answers the cart: the same cart, or the same person ordering after it was left."""
    if order.deleted_at is not None:
        return False
    return is_of_cart(entered, order) or _is_later_order(entered, order)


def is_of_cart(entered: Entered, order: Bought) -> bool:
    """Whether the order came out of this very cart."""
    same_checkout = entered.checkout_token is not None and entered.checkout_token == order.checkout_token
    return same_checkout or (entered.cart_token is not None and entered.cart_token == order.cart_token)


def is_recovered(entered: Entered, order: Bought, sent: Iterable[datetime]) -> bool:
    """Attribution: the order has the cart's own token and came within LATEST of the last mail before it.

    An order of the same person with another cart stops the mails and is not claimed; a cancelled order is taken back.
    """
    moment = order.processed_at
    if moment is None or order.test or order.cancelled_at is not None or order.deleted_at is not None:
        return False
    before = [at for at in sent if at.replace(microsecond=0) <= moment]  # the store stamps whole seconds
    return is_of_cart(entered, order) and bool(before) and moment - max(before) <= LATEST


def _is_later_order(entered: Entered, order: Bought) -> bool:
    if order.processed_at is None or order.processed_at < entered.entered_at:
        return False
    same_customer = entered.customer_id is not None and entered.customer_id == order.customer_id
    return same_customer or (bool(order.email) and address(order.email or "") == address(entered.email))
