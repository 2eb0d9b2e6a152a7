"""Customers: the list, and one customer with profile, orders, points and messages."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Blueprint, Response, g, request
from flask_babel import gettext
from sqlalchemy.orm import Session

from admin_ui import listing
from admin_ui.customers import words
from admin_ui.figures import as_csv
from admin_ui.formats import number
from admin_ui.panel import desk, page
from admin_ui.tiers import views as tiers
from plugin.commerce import merges
from plugin.commerce import queries as commerce
from plugin.commerce.models import Customer, CustomerMerge
from plugin.insights import customers as insights
from plugin.loyalty import queries as loyalty
from plugin.loyalty import returning
from plugin.loyalty.models import PointAccount
from plugin.loyalty.tiers import reading
from plugin.messages import queries as messages
from plugin.money import major
from plugin.subscriptions import queries as subscriptions

customers = Blueprint("customers", __name__, url_prefix="/customers")
ENTRIES = 20
EXPORT_PAGE = 1000
MOST_REDEMPTIONS = 10
MOST_MESSAGES = 20


@customers.get("")
def index() -> str:
    """The list, searched, filtered and sorted as the URL says."""
    look = listing.from_query("/customers", request.args, list(commerce.CUSTOMER_COLUMNS), "-last", ["consent"])
    wanted = commerce.Wanted(look.q, look.filters["consent"])
    with desk() as session:
        found = commerce.customers_page(session, g.shop, wanted, look.sort, after=look.after, before=look.before)
        rows = [row[0] for row in found.rows]
        return page(
            "customers/index.html",
            look=look.paged(listing.Edges(found.first, found.last), _count(session, wanted, look.sort)),
            rows=rows,
            accounts=insights.accounts(session, g.shop, [row.id for row in rows]),
            words=words,
        )


@customers.get("/export.csv")
def export() -> Response:
    """The list as it is narrowed and sorted, as a file."""
    look = listing.from_query("/customers", request.args, list(commerce.CUSTOMER_COLUMNS), "-last", ["consent"])
    header = [
        gettext("Name"), gettext("E-mail"), gettext("E-mail marketing"), gettext("Tier"), gettext("Points"),
        gettext("Orders"), gettext("Spent"), gettext("Currency"), gettext("Last order"),
    ]  # fmt: skip
    return as_csv("customers", header, _exported(look))


def _exported(look: listing.Listing) -> Iterator[list[object]]:
    """Page after page, each in a transaction of its own, so that a long download holds no snapshot."""
    wanted, after = commerce.Wanted(look.q, look.filters["consent"]), None
    while True:
        with desk() as session:
            found = commerce.customers_page(session, g.shop, wanted, look.sort, after=after, size=EXPORT_PAGE)
            rows = [row[0] for row in found.rows]
            accounts = insights.accounts(session, g.shop, [row.id for row in rows])
        yield from (_exported_row(row, accounts.get(row.id)) for row in rows)
        after = found.last
        if after is None:
            return


def _exported_row(row: Customer, account: PointAccount | None) -> list[object]:
    currency = row.spent_currency or g.shop.currency
    points = (account.tier_name or "", account.available) if account else ("", 0)
    last = row.last_order_at.isoformat(timespec="minutes") if row.last_order_at else ""
    spent = major(row.spent_minor, currency)
    return [words.name(row), row.email or "", row.email_consent or "", *points, row.orders_count, spent, currency, last]


def _count(session: Session, wanted: commerce.Wanted, sort: str) -> str:
    count = commerce.customers_count(session, g.shop, wanted, sort)
    if count.more and wanted.q:
        return gettext("The first %(number)s matches: type more letters to narrow", number=number(count.number))
    if count.more:
        return gettext("More than %(number)s customers", number=number(count.number))
    return gettext("%(number)s customers", number=number(count.number))


@customers.get("/<int:customer_id>")
def show(customer_id: int) -> str:
    """One customer; for one whom the store merged, where everything went."""
    with desk() as session:
        if merge := merges.of(session, g.shop.id, customer_id):
            return _merged(session, merge)
        customer = commerce.customer(session, g.shop, customer_id)
        orders = commerce.orders_of(session, g.shop, customer_id)
        program, account = loyalty.program(session, g.shop, g.now), loyalty.account(session, g.shop, customer_id, g.now)
        return page(
            "customers/show.html",
            customer=customer,
            customer_id=customer_id,
            orders=orders,
            refunded=commerce.refunded_minor(session, g.shop, [order.id for order in orders]),
            program=program,
            account=account,
            balance=loyalty.shown_balance(account, program),
            standing=reading.standing(session, g.shop, customer_id, g.now),
            **_redeemed(session, customer_id),
            **tiers.shown(session, customer_id),
            messages=messages.of_customer(session, g.shop, customer_id, limit=MOST_MESSAGES),
            subscriptions=subscriptions.of_customer(session, g.shop, customer_id),
            field_labels={row.field.id: row.field.label for row in subscriptions.fields(session, g.shop)},
            merged=merges.into(session, g.shop.id, [customer_id]),
            **_ledger(session, customer_id, None),
        )


def _redeemed(session: Session, customer_id: int) -> dict[str, object]:
    found = loyalty.redemptions(session, g.shop, customer_id, MOST_REDEMPTIONS)
    return {"redemptions": found, "reward_names": returning.reward_names(session, g.shop, list(found))}


def _merged(session: Session, merge: CustomerMerge) -> str:
    kept = commerce.customers_by_id(session, g.shop, [merge.kept_id]).get(merge.kept_id)
    ledger = _ledger(session, merge.from_id, None)
    return page("customers/merged.html", merge=merge, kept=kept, customer_id=merge.from_id, **ledger)


@customers.get("/<int:customer_id>/entries")
def entries(customer_id: int) -> str:
    """The next stretch of the ledger, from before an entry on; it replaces the "show older" button."""
    with desk() as session:
        if merges.of(session, g.shop.id, customer_id) is None:
            commerce.customer(session, g.shop, customer_id)
        before = request.args.get("before", type=int)
        return page("customers/entries.html", customer_id=customer_id, **_ledger(session, customer_id, before))


def _ledger(session: Session, customer_id: int, before: int | None) -> dict[str, object]:
    found = loyalty.entries(session, g.shop, customer_id, before, ENTRIES + 1)
    order_ids = [entry.order_id for entry in found if entry.order_id]
    names = {order.id: order.name for order in commerce.orders_by_id(session, g.shop, order_ids)}
    notes = loyalty.notes(session, g.shop, [entry.id for entry in found])
    shown = {"entries": found[:ENTRIES], "older": len(found) > ENTRIES, "order_names": names, "notes": notes}
    return shown | {"words": words}
