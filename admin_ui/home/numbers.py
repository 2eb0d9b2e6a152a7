"""The four figures and the chart of Home, in words: each with its period and how it is counted."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from flask_babel import gettext

from admin_ui.figures import Chart, Figure, Line, change
from admin_ui.formats import money, month, number, percent, short_money
from plugin.insights.home import Month, Period, Share
from plugin.money import digits


def members(period: Period, points: str) -> Figure:
    """Customers who have ever earned points."""
    delta, _ = change(period.now, period.before)
    return Figure(
        gettext("Members"),
        number(period.now),
        gettext(
            "Customers who have ever earned %(points)s, by the day of their first order that did. The arrow compares"
            " with 30 days ago.",
            points=points,
        ),
        gettext("Today"),
        delta,
        True if period.now > period.before else None,
        period.series,
    )


def outstanding(period: Period, worth: Decimal | None, points: str, currency: str) -> Figure:
    """In money when a reward says what a point is worth, else in points."""
    delta, _ = change(period.now, period.before)
    definition = gettext(
        "What it would cost if all %(points)s that customers hold, pending ones included, were redeemed for the reward"
        " that gives most for them.",
        points=points,
    )
    if worth is None:
        definition = gettext("All %(points)s that customers hold. Without a reward they have no price.", points=points)
    value = number(period.now) if worth is None else short_money(int(period.now * worth), currency)
    when = gettext("Today: %(number)s %(points)s", number=number(period.now), points=points)
    return Figure(gettext("Outstanding"), value, definition, when, delta, None, period.series)


def recovered(period: Period, currency: str) -> Figure:
    """Money that came back with cart mails."""
    delta, good = change(period.now, period.before)
    return Figure(
        gettext("Recovered revenue"),
        short_money(period.now, currency),
        gettext(
            "Orders that came out of an abandoned cart within 14 days after a cart mail. Some would have been placed"
            " anyway: this is credit, not proof."
        ),
        gettext("Last 30 days"),
        delta,
        good,
        period.series,
    )


def repeat(share: Share) -> Figure:
    """The share of orders by customers who came again."""
    delta, good = _points_of_percent(share)
    return Figure(
        gettext("Repeat orders"),
        percent(share.part, share.whole),
        gettext("Orders placed by customers who had ordered before, among all orders that were not cancelled."),
        gettext("Last 30 days: %(part)s of %(whole)s", part=number(share.part), whole=number(share.whole)),
        delta,
        good,
        share.series,
    )


def _points_of_percent(share: Share) -> tuple[str, bool | None]:
    if not share.whole or not share.whole_before:
        return "", None
    now, before = Decimal(share.part) / share.whole, Decimal(share.part_before) / share.whole_before
    moved = abs(round((now - before) * 100, 1))
    if not moved:
        return gettext("no change"), None
    arrow = "↑" if now > before else "↓"
    return gettext("%(arrow)s %(points)s pp", arrow=arrow, points=number(moved)), now > before


def revenue(months: Sequence[Month], currency: str) -> Chart:
    """Revenue of twelve months by who bought; the title is what it says."""
    total_repeat = sum(m.repeat_minor for m in months)
    whole = total_repeat + sum(m.first_minor for m in months)
    share = percent(total_repeat, whole)
    title = gettext("Repeat buyers bring %(share)s of revenue", share=share) if whole else gettext("No revenue yet")
    return Chart(
        title=title,
        kind="bar",
        axis=gettext("Month"),
        labels=[month(m.first_day) for m in months],
        series=[
            _line(gettext("Repeat buyers"), [m.repeat_minor for m in months], currency),
            _line(gettext("First orders and guests"), [m.first_minor for m in months], currency, previous=True),
        ],
        csv="/revenue.csv",
        note=gettext("Last 12 months in %(currency)s, after refunds, by the day of the order.", currency=currency),
        currency=currency,
        digits=digits(currency),
    )


def _line(name: str, values: list[int], currency: str, previous: bool = False) -> Line:
    return Line(name, values, [money(value, currency) for value in values], previous)
