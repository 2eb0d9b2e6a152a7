"""How the panel says what the ledger holds and whether it adds up."""

from __future__ import annotations

from flask_babel import gettext

from admin_ui.formats import number
from plugin.loyalty.books.models import LedgerCheck, LedgerSeal


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


def read_so_far(check: LedgerCheck) -> str:
    """How far a look is."""
    return gettext("%(read)s of %(total)s entries", read=number(check.entries), total=number(check.total))
