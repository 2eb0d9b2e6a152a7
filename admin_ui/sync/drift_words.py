"""How the panel says what the comparison with the store found."""

from __future__ import annotations

from flask_babel import gettext, ngettext

from admin_ui.formats import number
from admin_ui.sync.words import what
from plugin.sync.drift import Score
from plugin.sync.models import DriftCheck


def score(one: Score) -> str:
    """ "0 of 12,431 orders differ"."""
    if one.last is None:
        return gettext("%(what)s: not compared yet", what=what(one.kind))
    said = {"num": number(one.differing), "total": number(one.total or 0)}
    sentences = {
        "customers": gettext("%(num)s of %(total)s customers differ", **said),
        "products": gettext("%(num)s of %(total)s products differ", **said),
        "orders": gettext("%(num)s of %(total)s orders differ", **said),
        "checkouts": gettext("%(num)s of %(total)s abandoned checkouts differ", **said),
    }
    return sentences[one.kind]


def looked_at(check: DriftCheck) -> str:
    """What the check compared."""
    said = {"num": number(check.compared)}
    if check.reach == "all":
        return gettext("everything, %(num)s compared", **said)
    return gettext("what had changed, %(num)s compared", **said)


def note(one: Score) -> str:
    """How far a running comparison is."""
    if one.running is None or one.running.state == "waiting":
        return gettext("begins soon")
    if one.running.state == "healing":
        return gettext("fetching what differs")
    if one.is_listing:
        return _listing(one)
    if one.share is None or one.running.total is None:
        return gettext("%(count)s compared", count=number(one.running.compared))
    return gettext(
        "%(count)s of %(total)s compared", count=number(one.running.compared), total=number(one.running.total)
    )


def _listing(one: Score) -> str:
    """How far the store is with the list that it writes for a large comparison."""
    if one.running is None or not one.running.listed or one.running.total is None:
        return gettext("the store prepares the data")
    read = {"count": number(one.running.listed), "total": number(one.running.total)}
    return gettext("the store has read %(count)s of %(total)s", **read)


def reach(check: DriftCheck) -> str:
    return gettext("Everything") if check.reach == "all" else gettext("What had changed")


def outcome(check: DriftCheck) -> tuple[str, str]:
    """A comparison that is over, as word and badge tone."""
    if check.state == "failed":
        return gettext("Failed"), "critical"
    if not check.differed:
        return gettext("No difference"), "success"
    if check.healed == check.differed:
        return ngettext("%(num)s healed", "%(num)s healed", check.healed), "info"
    return gettext("%(healed)s of %(num)s healed", healed=number(check.healed), num=number(check.differed)), "warning"


def reason(name: str) -> str:
    """Why an object was called different."""
    known = {
        "missing": gettext("Was missing here"),
        "older": gettext("Was older here"),
        "different": gettext("Was different here"),
        "gone": gettext("Deleted in the store"),
        "stub": gettext("Only mentioned here"),
    }
    return known.get(name, name)


def groups(names: list[str]) -> str:
    """The groups of columns that were different, in words."""
    known = {
        "person": gettext("name and contact"),
        "tags": gettext("tags"),
        "email_consent": gettext("e-mail consent"),
        "sms_consent": gettext("SMS consent"),
        "totals": gettext("order count and spend"),
        "details": gettext("details"),
        "status": gettext("status"),
        "variants": gettext("variants"),
        "customer": gettext("customer"),
        "amounts": gettext("amounts"),
        "lines": gettext("lines"),
        "refunds": gettext("refunds"),
        "parcels": gettext("parcels"),
    }
    return ", ".join(known.get(name, name) for name in names)


def fault(name: str) -> str:
    """What is wrong with a webhook subscription."""
    known = {
        "missing": gettext("Not registered"),
        "address": gettext("Goes to another address"),
        "version": gettext("Another API version"),
        "format": gettext("Not as JSON"),
        "narrowed": gettext("Filtered or cut"),
        "twice": gettext("Registered twice"),
        "silent": gettext("Silent for a day, though things changed"),
    }
    return known.get(name, name)
