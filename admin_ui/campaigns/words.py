"""How the panel says why a cart got no mail, and where it stands."""

from __future__ import annotations

from flask_babel import gettext

from plugin.campaigns.models import Enrollment


def reason(rule: str) -> str:
    """A rule that said no, in the merchant's words; as recorded where we know no better."""
    known = {
        "ordered": gettext("Ordered before the mail"),
        "superseded": gettext("A newer cart took its place"),
        "closed": gettext("The checkout was closed in the store"),
        "emptied": gettext("The cart was emptied"),
        "no_consent": gettext("No permission for marketing"),
        "unsubscribed": gettext("Unsubscribed"),
        "frequency": gettext("Too many mails in a week"),
        "too_late": gettext("The cart was too old when its turn came"),
        "turned_off": gettext("The campaign was turned off"),
        "uninstalled": gettext("The plugin was removed from the store"),
        "bounced": gettext("The address does not exist"),
        "complained": gettext("Marked a mail as spam"),
        "redacted": gettext("Erased on request"),
        "invalid": gettext("The address does not work"),
    }
    return known.get(rule, rule.replace("_", " ").capitalize())


def mail(state: str, step: int | None) -> str:
    """What became of one mail of the campaign."""
    known = {
        "queued": gettext("Mail %(number)s waits to be sent", number=step or ""),
        "sending": gettext("Mail %(number)s is being sent", number=step or ""),
        "sent": gettext("Mail %(number)s was sent", number=step or ""),
        "skipped": gettext("Mail %(number)s was not sent", number=step or ""),
        "failed": gettext("Mail %(number)s failed", number=step or ""),
        "unknown": gettext("Nobody knows whether mail %(number)s was sent", number=step or ""),
    }
    return known.get(state, state)


def standing(enrollment: Enrollment) -> tuple[str, str]:
    """Where a cart stands, as word and badge tone."""
    if enrollment.recovered_minor > 0:
        return gettext("Recovered"), "success"
    known = {
        "waiting": (gettext("Waiting"), "info"),
        "done": (gettext("All mails sent"), ""),
        "stopped": (gettext("Stopped"), ""),
    }
    return known.get(enrollment.state, (enrollment.state, ""))


def delay(minutes: int) -> str:
    """A delay in its largest whole unit."""
    if minutes % 1440 == 0:
        return gettext("%(number)s d", number=minutes // 1440)
    if minutes % 60 == 0:
        return gettext("%(number)s h", number=minutes // 60)
    return gettext("%(number)s min", number=minutes)
