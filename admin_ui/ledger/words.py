"""How the panel says what the ledger holds and whether it adds up."""

from __future__ import annotations

from flask_babel import gettext, ngettext

from admin_ui.customers import words as movements
from admin_ui.formats import day, number
from plugin.commerce.models import Customer
from plugin.loyalty.books.models import LedgerCheck, LedgerSeal
from plugin.loyalty.expiry.models import ExpiryChange


def kinds() -> list[tuple[str, str]]:
    """Kinds of entries with a word for each, in the order of a point's life."""
    return [
        ("earn", gettext("Earned")),
        ("claw", gettext("Taken back")),
        ("forgive", gettext("Written off")),
        ("bonus", gettext("Bonus")),
        ("unbonus", gettext("Bonus taken back")),
        ("redeem", gettext("Redeemed")),
        ("return", gettext("Returned")),
        ("expire", gettext("Expired")),
        ("unexpire", gettext("Expiry undone")),
        ("adjust", gettext("By hand")),
        ("import", gettext("Imported")),
        ("transfer", gettext("Moved")),
    ]


def accounts() -> list[tuple[str, str]]:
    """The accounts on the other side of customers' points."""
    return [
        ("sales", gettext("Sales")),
        ("rewards", gettext("Rewards")),
        ("breakage", gettext("Expiry")),
        ("staff", gettext("Staff")),
        ("actions", gettext("Actions")),
        ("tiers", gettext("Tiers")),
        ("referrals", gettext("Referrals")),
        ("imports", gettext("Imports")),
        ("customers", gettext("Customers")),
    ]


def account(name: str) -> str:
    return dict(accounts()).get(name, name)


def state(check: LedgerCheck | None, last: LedgerSeal | None) -> tuple[str, str]:
    """Whether the ledger adds up, as word and badge tone."""
    if check is None:
        return gettext("Not checked yet"), ""
    if check.state in ("waiting", "running"):
        return gettext("Being checked"), "info"
    if check.state == "sound":
        return gettext("Adds up"), "success"
    return gettext("Does not add up"), "critical"


def sealed(last: LedgerSeal) -> str:
    """How far the chain of seals reaches."""
    told = {"day": day(last.day), "seals": number(last.number)}
    return ngettext("Sealed until %(day)s, with one seal", "Sealed until %(day)s, %(seals)s seals", last.number, **told)


def read_so_far(check: LedgerCheck) -> str:
    """How far a look is."""
    return gettext("%(read)s of %(total)s entries", read=number(check.entries), total=number(check.total))


def import_state(state: str) -> tuple[str, str]:
    """Where an import stands, as word and badge tone."""
    known = {
        "ready": (gettext("Not imported yet"), "attention"),
        "running": (gettext("Being imported"), "info"),
        "done": (gettext("Imported"), "success"),
        "undoing": (gettext("Being taken back"), "info"),
        "undone": (gettext("Taken back"), ""),
    }
    return known.get(state, (state, ""))


def change(change: ExpiryChange) -> str:
    """What a change of expiry did."""
    if change.kind == "extend":
        return gettext("%(days)s days more", days=number(change.days))
    return gettext("Back for %(days)s days", days=number(change.days))


def change_state(state: str) -> tuple[str, str]:
    """Where a change stands, as word and badge tone."""
    known = {
        "running": (gettext("Under way"), "info"),
        "done": (gettext("Done"), "success"),
        "undoing": (gettext("Being undone"), "info"),
        "undone": (gettext("Undone"), ""),
    }
    return known.get(state, (state, ""))


def person(customer: Customer | None, customer_id: int) -> str:
    return movements.name(customer) if customer else f"#{customer_id}"


def staff(actor: str) -> str:
    """A member of staff by the number the store gives them."""
    kind, _, there = actor.partition(":")
    return gettext("Staff member %(id)s", id=there) if kind == "staff" else actor
