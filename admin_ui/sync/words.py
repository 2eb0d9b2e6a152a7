"""How the panel names what comes in and where it stands."""

from __future__ import annotations

from flask_babel import gettext

from admin_ui.formats import number, span
from plugin.sync.overview import Progress


def what(name: str) -> str:
    """A kind of object."""
    known = {
        "customers": gettext("Customers"),
        "orders": gettext("Orders"),
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
    if run.state == "failed":
        return gettext("stopped after %(count)s", count=number(run.rows_done))
    if not run.rows_done:
        return gettext("the store prepares the data")
    parts = [gettext("%(count)s so far", count=number(run.rows_done))]
    if run.rows_total:
        parts = [gettext("%(count)s of %(total)s", count=number(run.rows_done), total=number(run.rows_total))]
    parts.append(gettext("%(rate)s a second", rate=number(round(progress.rate))))
    if progress.left is not None:
        parts.append(gettext("%(time)s left", time=span(progress.left)))
    return ", ".join(parts)


def parked_state(state: str) -> tuple[str, str]:
    """Why a webhook is not applied, as word and badge tone."""
    if state == "quarantined":
        return gettext("Set aside"), "warning"
    return gettext("Failed"), "critical"
