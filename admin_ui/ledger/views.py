"""The ledger of a shop: every entry with its why, whether all of it adds up, and all of it as a file."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, g, request, stream_with_context
from flask_babel import gettext
from sqlalchemy.orm import Session

from admin_ui import listing
from admin_ui.customers import words as movements
from admin_ui.figures import as_csv
from admin_ui.forms import said
from admin_ui.ledger import words
from admin_ui.panel import actor, desk, page, refreshed, told
from plugin.commerce import queries as commerce
from plugin.errors import NotFound
from plugin.jobs.doorbell import ring
from plugin.loyalty import queries
from plugin.loyalty.books import browsing, checking, exporting, sealing
from plugin.loyalty.models import PointEntry

ledger = Blueprint("ledger", __name__, url_prefix="/loyalty/ledger")
FILTERS = ("kind", "account", "customer", "order", "since", "until")
EXPORT_PAGE = 1000
MOST_MATCHES = 200  # of a search for customers


@ledger.get("")
def index() -> str:
    """The entries, narrowed as the URL says, and the state of the chain."""
    look = listing.from_query("/loyalty/ledger", request.args, [], "", FILTERS)
    with desk() as session:
        found = browsing.entries_page(session, g.shop, _wanted(session, look), after=look.after, before=look.before)
        entries = [row[0] for row in found.rows]
        return page(
            "ledger/index.html",
            look=look.paged(listing.Edges(found.first, found.last), gettext("Newest first")),
            entries=entries,
            kinds=words.kinds(),
            accounts=words.accounts(),
            **_names(session, entries),
            **_state(session),
        )


@ledger.get("/export.csv")
def export() -> Response:
    """The same list as a file."""
    look = listing.from_query("/loyalty/ledger", request.args, [], "", FILTERS)
    header = [
        gettext("Entry"), gettext("Date"), gettext("Customer"), gettext("Kind"), gettext("Points"),
        gettext("Counter account"), gettext("Points there"), gettext("Order"), gettext("Can be spent from"),
        gettext("Expires on"), gettext("Booked at"),
    ]  # fmt: skip
    return as_csv("ledger", header, _exported(look))


def _exported(look: listing.Listing) -> Iterator[list[object]]:
    """Page after page, each in a transaction of its own, so that a long download holds no snapshot."""
    after = None
    while True:
        with desk() as session:
            found = browsing.entries_page(session, g.shop, _wanted(session, look), after=after, size=EXPORT_PAGE)
            rows = [_exported_row(row[0]) for row in found.rows]
        yield from rows
        after = found.last
        if after is None:
            return


def _exported_row(entry: PointEntry) -> list[object]:
    moments = [entry.available_at, entry.expires_at, entry.created_at]
    return [
        entry.id, entry.occurred_at.isoformat(timespec="seconds"), entry.customer_id, entry.kind, entry.points,
        entry.counter_account, -entry.points, entry.order_id or "",
        *(moment.isoformat(timespec="seconds") if moment else "" for moment in moments),
    ]  # fmt: skip


@ledger.get("/everything.zip")
def everything() -> Response:
    """All of the ledger with the script that recomputes it."""
    with desk():
        disposition = {"Content-Disposition": f'attachment; filename="{exporting.name(g.shop, g.now)}"'}
    found = stream_with_context(exporting.pieces(g.shop))
    return Response(found, mimetype="application/zip", headers=disposition)


@ledger.get("/<int:entry_id>/why")
def why(entry_id: int) -> str:
    """How one entry came about."""
    with desk() as session:
        entry = queries.entry(session, g.shop, entry_id)
        lines = movements.why_points(entry, queries.notes(session, g.shop, [entry_id]).get(entry_id))
        return page("ledger/why.html", entry=entry, lines=lines)


@ledger.get("/state")
def state() -> str:
    """The card of the chain alone, for the page that watches it."""
    with desk() as session:
        return page("ledger/state.html", **_state(session))


@ledger.post("/verify")
def verify() -> Response:
    """Look at the whole ledger."""
    with desk() as session:
        asked = checking.ask(session, g.shop, actor())
    ring("loyalty.keep_books")
    if asked is None:
        return told(gettext("The ledger is being checked already."))
    return refreshed("/loyalty/ledger")


def _state(session: Session) -> dict[str, object]:
    check, last = checking.latest(session, g.shop), sealing.last_seal(session, g.shop)
    open_ = check is not None and check.state in ("waiting", "running")
    shown = {"check": check, "last": last, "running": open_, "words": words}
    return shown | {"faults": [said(fault) for fault in checking.told(check.faults)] if check else []}


def _names(session: Session, entries: list[PointEntry]) -> dict[str, object]:
    customers = commerce.customers_by_id(session, g.shop, [entry.customer_id for entry in entries])
    orders = commerce.orders_by_id(session, g.shop, [entry.order_id for entry in entries if entry.order_id])
    names = {order.id: order.name for order in orders}
    return {"customers": customers, "order_names": names, "movements": movements}


def _wanted(session: Session, look: listing.Listing) -> browsing.Wanted:
    named = look.filters
    return browsing.Wanted(
        kind=named["kind"],
        account=named["account"],
        customer_ids=_customers(session, look.q, _number(named["customer"])),
        order_id=_number(named["order"]),
        since=_moment(named["since"]),
        until=_moment(named["until"], days=1),
    )


def _customers(session: Session, q: str, named: int | None) -> list[int] | None:
    """The customers a search means: by number, else by name, e-mail or phone."""
    if named is not None:
        return [named]
    if not q:
        return None
    if q.lstrip("#").isdecimal():
        return [_number(q.lstrip("#")) or 0]
    found = commerce.customers_page(session, g.shop, commerce.Wanted(q), "name", size=MOST_MATCHES)
    return [row[0].id for row in found.rows]


def _number(typed: str) -> int | None:
    if not typed:
        return None
    if not typed.isdecimal() or int(typed) >= 2**63:
        raise NotFound("This page of the list does not exist; start again from its first page.")
    return int(typed)


def _moment(typed: str, days: int = 0) -> datetime | None:
    """The start of a day of the shop, or of one so many days later; nothing for what is not a day."""
    try:
        day = date.fromisoformat(typed) + timedelta(days=days)
    except (ValueError, OverflowError):
        return None
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(g.shop.timezone))
