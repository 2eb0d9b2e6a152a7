"""How the panel names referrals, where they stand, and what spoke against them."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext, ngettext

from admin_ui.formats import moment, number
from plugin.commerce.models import Customer
from plugin.loyalty.referring.models import Referral
from plugin.loyalty.referring.queries import Found
from plugin.loyalty.referring.rules import STATES


def states() -> list[tuple[str, str]]:
    """All states with their words, for the filter."""
    return [(name, state(name)[0]) for name in STATES]


def state(name: str) -> tuple[str, str]:
    """A state as word and badge tone."""
    known = {
        "claimed": (gettext("Invitation taken up"), ""),
        "held": (gettext("Waiting"), "info"),
        "in_review": (gettext("To look at"), "attention"),
        "rewarded": (gettext("Rewarded"), "success"),
        "taken_back": (gettext("Taken back"), "warning"),
        "rejected": (gettext("Does not count"), ""),
        "lapsed": (gettext("Nothing came of it"), ""),
    }
    return known.get(name, (name, ""))


def reason(referral: Referral) -> str:
    """Why it stands where it stands, in one sentence."""
    if referral.reason == "waiting":
        until = moment(referral.held_until) if referral.held_until else ""
        return gettext("The friend has ordered. It is rewarded on %(day)s, unless the order goes back.", day=until)
    return standing(referral.reason) or signal({"name": referral.reason, "facts": _facts(referral, referral.reason)})


def standing(name: str) -> str:
    """A reason that needs no facts, "" for others."""
    known = {
        "waiting_for_order": gettext("The friend has a code and has not ordered yet."),
        "rewarded": gettext("The friend kept the order until the return window closed."),
        "no_order": gettext("The friend did not order in time. The address is forgotten."),
        "cap": gettext("The monthly limit of this customer was reached before."),
        "below_minimum": gettext("What is left of the order is below the least amount."),
        "refunded": gettext("The order was refunded."),
        "cancelled": gettext("The order was cancelled."),
        "deleted": gettext("The order was deleted in the store, or is somebody else's."),
        "staff": gettext("Your staff said so."),
        "advocate_gone": gettext("Whoever invited is not a customer any more."),
    }
    return known.get(name, "")


def _facts(referral: Referral, name: str) -> dict[str, Any]:
    return next((dict(each["facts"]) for each in referral.signals if each["name"] == name), {})


def signal(told: dict[str, Any]) -> str:
    """What a signal saw."""
    facts = told.get("facts", {})
    orders, claims, before = (int(facts.get(name, 0)) for name in ("orders", "claims", "before"))
    known = {
        "same_customer": gettext("Both sides are the same customer."),
        "same_mailbox": gettext("Both addresses end in the same mailbox, spelt differently."),
        "existing_customer": ngettext(
            "The friend was a customer before: %(number)s order came earlier.",
            "The friend was a customer before: %(number)s orders came earlier.",
            orders,
            number=number(orders),
        ),
        "ring": gettext("They invited each other, directly or around a ring."),
        "same_address_blocked": gettext("Both have goods sent, or bills, to the same address. None counts there."),
        "same_address": gettext(
            "Both have goods sent, or bills, to the same address. Referrals there before: %(number)s.",
            number=number(before),
        ),
        "same_phone": gettext("Both have the same phone number."),
        "similar_email": gettext("The two e-mail addresses differ in digits or dots alone."),
        "velocity": gettext(
            "%(number)s friends took up this link within a day; %(limit)s are usual.",
            number=number(claims),
            limit=number(int(facts.get("limit", 0))),
        ),
        "flood": gettext("%(number)s friends took up this link within a day.", number=number(claims)),
    }
    return known.get(told["name"], told["name"])


def signal_name(name: str) -> str:
    """A signal in two words, for figures."""
    known = {
        "same_customer": gettext("Same customer"),
        "same_mailbox": gettext("Same mailbox"),
        "existing_customer": gettext("Customer before"),
        "ring": gettext("Ring"),
        "same_address_blocked": gettext("Same address"),
        "same_address": gettext("Same address"),
        "same_phone": gettext("Same phone"),
        "similar_email": gettext("Similar e-mail"),
        "velocity": gettext("Many in a day"),
        "flood": gettext("Far too many in a day"),
    }
    return known.get(name, name)


def code_state(referral: Referral) -> str:
    """What became of the friend's code."""
    known = {
        "none": gettext("Not made"),
        "asked": gettext("Being made"),
        "made": gettext("Sent to the friend"),
        "ended": gettext("Ended"),
        "refused": gettext("The store did not make it"),
    }
    return known.get(referral.code_state, referral.code_state)


def person(customer: Customer | None, other: str | None = None) -> str:
    """Somebody's name, else what else is known of them."""
    named = " ".join(part for part in (customer.first_name, customer.last_name) if part) if customer else ""
    return named or (customer.email if customer else None) or other or gettext("Somebody unknown")


def friend(found: Found) -> str:
    """The friend, by name or by the address they gave."""
    return person(found.friend, found.referral.email)
