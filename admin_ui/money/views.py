"""Loyalty › Money: points by month to the point, what they owe and cost, and where each figure comes from."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, Response, g
from flask_babel import gettext

from admin_ui import figures
from admin_ui.money import words
from admin_ui.panel import desk, page
from plugin.errors import NotFound
from plugin.insights import money as insights
from plugin.money import major

money = Blueprint("money", __name__, url_prefix="/loyalty/money")


@money.get("")
def index() -> str:
    """The page."""
    with desk() as session:
        months = insights.by_month(session, g.shop, g.now)
        picture = insights.picture(session, g.shop) if months else None
        currency = g.shop.currency
        return page(
            "money/index.html",
            words=words,
            months=months[-words.SHOWN_MONTHS :],
            earlier=len(months) - words.SHOWN_MONTHS,
            figures=words.figures(months, picture, currency) if months else [],
            points=words.points_chart(months) if months else None,
            ages=words.ages_chart(picture, currency) if picture else None,
            costs=words.costs_chart(picture, currency) if picture else None,
        )


@money.get("/<int:year>-<int:number>")
def show(year: int, number: int) -> str:
    """One month: every kind of movement and every account, opening to closing."""
    first_day = _month(year, number)
    with desk() as session:
        months = insights.by_month(session, g.shop, g.now)
        found = next((each for each in months if each.first_day == first_day), None)
        if found is None:
            raise NotFound("There were no points in this month.")
        return page(
            "money/month.html",
            words=words,
            month=found,
            moved=[each for each in insights.movements(session, g.shop) if each.month == first_day],
            accounts=[each for each in insights.by_account(session, g.shop, g.now) if each.month == first_day],
        )


def _month(year: int, number: int) -> date:
    try:
        return date(year, number, 1)
    except ValueError:
        raise NotFound("This month does not exist.") from None


@money.get("/points.csv")
def points_csv() -> Response:
    """Every month since the first, as numbers."""
    with desk() as session:
        months = insights.by_month(session, g.shop, g.now)
    header = [
        gettext("Month"), gettext("At the start"), gettext("Issued"), gettext("Spent"), gettext("Expired"),
        gettext("Taken back"), gettext("Other"), gettext("At the end"),
    ]  # fmt: skip
    rows = [
        [each.first_day, each.opening, each.issued, each.spent, each.expired, each.taken_back, each.other, each.closing]
        for each in months
    ]
    return figures.as_csv("points", header, rows)


@money.get("/accounts.csv")
def accounts_csv() -> Response:
    """Every account of every month: both sides of the ledger."""
    with desk() as session:
        found = insights.by_account(session, g.shop, g.now)
    header = [gettext("Month"), gettext("Account"), gettext("At the start"), gettext("Moved"), gettext("At the end")]
    rows = ([each.month, words.account(each.account), each.opening, each.movement, each.closing] for each in found)
    return figures.as_csv("accounts", header, rows)


@money.get("/ages.csv")
def ages_csv() -> Response:
    """Points owed by age."""
    with desk() as session:
        picture = insights.picture(session, g.shop)
    return figures.as_csv("ages", [gettext("Age"), gettext("Points")], words.ages(picture) if picture else [])


@money.get("/costs.csv")
def costs_csv() -> Response:
    """Cost of rewards, sales and what became of the points, by month."""
    with desk() as session:
        picture = insights.picture(session, g.shop)
        currency = g.shop.currency
    header = [
        gettext("Month"), gettext("Cost of rewards"), gettext("Sales"), gettext("Redeemed"), gettext("Granted"),
        gettext("Pending"), gettext("To be spent"), gettext("Expired"),
    ]  # fmt: skip
    rows = [
        [each.month, major(each.cost_minor, currency), major(each.revenue_minor, currency), each.redeemed]
        + [each.granted, each.pending, each.open, each.expired]
        for each in (picture.months if picture else ())
    ]
    return figures.as_csv("costs", header, rows)
