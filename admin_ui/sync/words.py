"""How the panel names what comes in and where it stands."""

from __future__ import annotations

from flask_babel import gettext, ngettext

from admin_ui.formats import number, span
from plugin.sync import troubles
from plugin.sync.models import SyncRun
from plugin.sync.overview import Progress


def what(name: str) -> str:
    """A kind of object."""
    known = {
        "customers": gettext("Customers"),
        "orders": gettext("Orders"),
        "refunds": gettext("Refunds"),
        "products": gettext("Products"),
        "checkouts": gettext("Abandoned checkouts"),
    }
    return known.get(name, name)


def run_state(state: str) -> tuple[str, str]:
    """Where an import stands, as word and badge tone."""
    known = {
        "waiting": (gettext("Waiting"), "info"),
        "running": (gettext("Importing"), "info"),
        "done": (gettext("Done"), "success"),
        "failed": (gettext("Failed"), "critical"),
        "cancelled": (gettext("Cancelled"), ""),
    }
    return known.get(state, (state, ""))


def note(progress: Progress) -> str:
    """Count, rate and time left, as far as they are known."""
    run = progress.run
    if run.state == "done":
        return gettext("%(count)s imported", count=number(run.rows_done))
    if run.state in ("failed", "cancelled"):
        return gettext("stopped after %(count)s", count=number(run.rows_done))
    if progress.pause is not None:
        return gettext("next try in %(time)s", time=span(progress.pause))
    if not run.rows_total:
        return _preparing(run)
    if not run.rows_done:
        return gettext("%(count)s read, waiting for their turn", count=number(run.rows_total))
    parts = [gettext("%(count)s of %(total)s", count=number(run.rows_done), total=number(run.rows_total))]
    parts.append(gettext("%(rate)s a second", rate=number(round(progress.rate))))
    if progress.left is not None:
        parts.append(gettext("%(time)s left", time=span(progress.left)))
    return ", ".join(parts)


def _preparing(run: SyncRun) -> str:
    read, expected = (run.detail or {}).get("read"), run.expected
    if read and expected and not run.goes_on_from:
        return gettext("the store has read %(count)s of %(total)s", count=number(read), total=number(expected))
    return gettext("the store prepares the data")


def trouble(run: SyncRun) -> str:
    """What went wrong last, and what becomes of it; empty when nothing did."""
    told = troubles.explain(run)
    return told.words(gettext, number) if told else ""


def left_out(run: SyncRun) -> str:
    """How many rows could not be read."""
    count = (run.detail or {}).get("skipped", 0)
    if not count:
        return ""
    return ngettext(
        "%(num)s row could not be read and was left out.", "%(num)s rows could not be read and were left out.", count
    )


def parked_state(state: str) -> tuple[str, str]:
    """Why a webhook is not applied, as word and badge tone."""
    if state == "quarantined":
        return gettext("Set aside"), "warning"
    return gettext("Failed"), "critical"
