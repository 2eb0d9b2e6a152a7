"""How the panel says what the store and the ledger record about a customer."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask_babel import gettext

from admin_ui.actions import words as actions
from admin_ui.customers import counting_words
from admin_ui.formats import day, number
from admin_ui.referrals import words as referrals
from plugin.commerce.models import Customer
from plugin.loyalty.models import PointEntry
from plugin.messages.models import Message


def name(customer: Customer) -> str:
    """The customer's name, else the e-mail, else a word for nobody."""
    full = " ".join(part for part in (customer.first_name, customer.last_name) if part)
    return full or customer.email or gettext("Unnamed customer")


def consent(state: str | None) -> tuple[str, str]:
    """Marketing consent as word and badge tone."""
    known = {
        "subscribed": (gettext("Subscribed"), "success"),
        "not_subscribed": (gettext("Not subscribed"), ""),
        "unsubscribed": (gettext("Unsubscribed"), ""),
        "pending": (gettext("Waiting for confirmation"), "attention"),
        "redacted": (gettext("Erased"), ""),
        "invalid": (gettext("Address does not work"), "warning"),
    }
    return known.get(state or "", (state.replace("_", " ").capitalize() if state else gettext("Unknown"), ""))


def financial(state: str | None) -> tuple[str, str]:
    """How an order is paid, as word and badge tone; the store's own word where we know no better."""
    known = {
        "paid": (gettext("Paid"), ""),
        "pending": (gettext("Payment pending"), "attention"),
        "authorized": (gettext("Authorized"), "attention"),
        "partially_paid": (gettext("Partially paid"), "warning"),
        "partially_refunded": (gettext("Partially refunded"), ""),
        "refunded": (gettext("Refunded"), ""),
        "voided": (gettext("Voided"), ""),
    }
    return known.get(state or "", ((state or "").replace("_", " ").capitalize() or gettext("Unknown"), ""))


def movement(entry: PointEntry, order_name: str | None) -> str:
    """What an entry of the ledger is, in a few words."""
    order = order_name or (f"{entry.order_id}" if entry.order_id else "")
    if "undoes" in entry.explanation:
        return gettext("Adjustment undone")
    if "deed" in entry.explanation:
        return actions.movement(entry.kind, entry.explanation)
    if entry.kind == "claw" and entry.explanation.get("why") == "other_customer":
        return gettext("Taken back: order %(order)s moved to another customer", order=order)
    known = {
        "earn": gettext("Earned with order %(order)s", order=order),
        "claw": gettext("Taken back: order %(order)s was refunded, edited or cancelled", order=order),
        "redeem": gettext("Redeemed for a reward"),
        "return": gettext("Returned from a reward"),
        "expire": gettext("Expired"),
        "unexpire": gettext("Expiry undone"),
        "adjust": gettext("Adjusted by hand"),
        "forgive": gettext("Written off"),
        "import": gettext("Imported"),
        "transfer": _transfer(entry),
        **_referral(entry),
    }
    return known.get(entry.kind, entry.kind)


def _referral(entry: PointEntry) -> dict[str, str]:
    if entry.counter_account != "referrals":
        return {}
    return {"bonus": gettext("Invited a friend"), "unbonus": gettext("Taken back for a friend who did not stay")}


def _transfer(entry: PointEntry) -> str:
    told = entry.explanation
    if entry.customer_id == told.get("from"):
        return gettext("Moved to customer #%(id)s", id=told.get("into"))
    if told.get("what") == "debt":
        return gettext("Debt of customer #%(id)s", id=told.get("from"))
    if told.get("what") == "spent":
        return gettext("Spent before as customer #%(id)s", id=told.get("from"))
    return gettext("Moved from customer #%(id)s", id=told.get("from"))


def merged_on(told: dict[str, Any]) -> str:
    """The day on which the store merged the two customers of a movement."""
    return day(datetime.fromisoformat(told["merged_at"]))


def message_kind(message: Message) -> str:
    """What a message was about."""
    known = {
        "cart": gettext("Abandoned cart"),
        "announcement": gettext("New product"),
        "reward": gettext("Reward code"),
        "points_expiring": gettext("Points about to expire"),
        "referral_welcome": gettext("Welcome code for a friend"),
        "referral_reward": gettext("Reward for inviting a friend"),
        "tier_up": gettext("Tier reached"),
        "tier_risk": gettext("Tier about to be lost"),
        "test": gettext("Test mail"),
    }
    return known.get(message.kind, message.kind)


def message_state(state: str) -> tuple[str, str]:
    """What became of a message, as word and badge tone."""
    known = {
        "queued": (gettext("Queued"), "info"),
        "sending": (gettext("Being sent"), "info"),
        "sent": (gettext("Sent"), "success"),
        "skipped": (gettext("Not sent"), ""),
        "failed": (gettext("Failed"), "critical"),
        "unknown": (gettext("Unknown"), "warning"),
    }
    return known.get(state, (state, ""))


def why_points(entry: PointEntry, note: str | None = None) -> list[tuple[str, str]]:
    """The explanation of an entry as lines of a sum: label and value, in the order of the calculation."""
    told = entry.explanation
    counted = counting_words.of_money(told, why_nothing(str(told.get("why"))))
    lines = [*counted, *_sum_of_points(told), *_of_merge(told), *_of_referral(told), *actions.lines(told)]
    if reason := note or told.get("reason"):
        lines.append((gettext("Reason"), str(reason)))
    if entry.actor:
        lines.append((gettext("By"), _who(entry.actor)))
    return lines


def _of_referral(told: dict[str, Any]) -> list[tuple[str, str]]:
    if "referral" not in told:
        return []
    name = str(told.get("standing", ""))
    why = referrals.standing(name) or referrals.signal({"name": name, "facts": {}})
    return [(gettext("Referral"), f"#{told['referral']}"), (gettext("Because"), why)]


def _of_merge(told: dict[str, Any]) -> list[tuple[str, str]]:
    if "merged_at" not in told:
        return []
    people = gettext("#%(gone)s is now #%(kept)s", gone=told["from"], kept=told["into"])
    return [(gettext("Customers"), people), (gettext("Merged by the store on"), merged_on(told))]


def _sum_of_points(told: dict[str, Any]) -> list[tuple[str, str]]:
    lines = counting_words.of_points(told)
    if "target" in told:
        lines.append((gettext("The order is worth"), number(told["target"])))
        lines.append((gettext("Booked before"), number(told.get("posted", 0))))
    if "program" in told:
        lines.append((gettext("Programme version"), str(told["program"])))
    return lines


def why_nothing(rule: str) -> str:
    """Why an order earns nothing, for the reasons the loyalty rules give."""
    known = {
        "not_paid": gettext("The order is not paid."),
        "cancelled": gettext("The order was cancelled."),
        "deleted": gettext("The order was deleted."),
        "test": gettext("Test orders earn nothing."),
        "paused": gettext("The programme was paused."),
        "other_currency": gettext("The order is in a currency without a rate."),
        "no_program": gettext("No programme was running."),
        "other_customer": gettext("The order moved to another customer."),
        "excluded_customer": gettext("The customer has a tag that earns nothing."),
        "holdout": gettext("The customer is in the group that gets no points, so that their effect can be measured."),
    }
    return known.get(rule, rule.replace("_", " "))


def reason(rule: str) -> str:
    """Why a message was not sent, for the reasons the mail rules give; else as recorded."""
    known = {
        "no_consent": gettext("There is no permission to send marketing to this address."),
        "unsubscribed": gettext("The person unsubscribed."),
        "ordered": gettext("An order was placed in the meantime."),
        "emptied": gettext("The cart was emptied."),
        "closed": gettext("The checkout was closed in the store."),
        "superseded": gettext("The person left a newer cart."),
        "turned_off": gettext("The campaign was turned off."),
        "frequency": gettext("The limit of messages in this period was reached."),
        "unavailable": gettext("The product could not be bought any more."),
        "paused": gettext("The subscription field was paused."),
        "nothing_expiring": gettext("The points were spent or got more time."),
        "uninstalled": gettext("The plugin was removed from the store."),
        "bounced": gettext("The address does not exist."),
        "complained": gettext("The person marked a mail as spam."),
        "redacted": gettext("The person asked to be erased."),
        "invalid": gettext("The address does not work."),
        "address": gettext("This is not an e-mail address."),
        "template": gettext("The template could not be filled."),
        "rejected": gettext("The mail server refused the mail."),
        "not_accepted": gettext("The mail server did not take the mail."),
        "unanswered": gettext("The mail server gave no answer: the mail may have arrived, so it is not sent again."),
        "cut_off": gettext(
            "The program was stopped while sending: the mail may have gone out, so it is not sent again."
        ),
    }
    return known.get(rule, rule.replace("_", " "))


def redemption(state: str) -> str:
    """Where a redemption stands."""
    known = {
        "reserved": gettext("Being made"),
        "issued": gettext("Issued"),
        "used": gettext("Used"),
        "returned": gettext("Returned"),
        "ending": gettext("Being taken back"),
        "expired": gettext("Ran out"),
        "late": gettext("Used"),
    }
    return known.get(state, state)


def _who(actor: str) -> str:
    """A member of the store's staff by their number in the store, which is all we know of them; else as recorded."""
    kind, _, number_there = actor.partition(":")
    return gettext("Staff member %(id)s", id=number_there) if kind == "staff" else actor
