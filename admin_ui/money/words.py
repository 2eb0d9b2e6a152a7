"""The money view in words: figures with their definitions, charts whose title is what they say."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from flask_babel import gettext

from admin_ui.figures import Chart, Figure, Line
from admin_ui.formats import day, money, month, number, percent, short_money
from admin_ui.ledger import words as ledger
from plugin.insights.models import MoneyMonth
from plugin.insights.money import Picture
from plugin.insights.money_rules import CUSTOMERS, Month, later
from plugin.money import digits

SHOWN_MONTHS = 12
AGES = (3, 6, 12)  # months; older ones are together


def figures(months: Sequence[Month], picture: Picture | None, currency: str) -> list[Figure]:
    """Four figures: what is owed, how much of what was issued was used, how much was lost, and what it cost."""
    outstanding = months[-1].closing
    owed = picture.cost(outstanding) if picture else None
    return [
        Figure(
            gettext("Outstanding"),
            number(outstanding),
            gettext(
                "All points customers hold, pending ones included, less what they owe. In money: what they cost if all"
                " are redeemed, at what redeemed points have cost so far or, before the first, at the best reward on"
                " offer."
            ),
            gettext("Today: %(money)s", money=short_money(owed, currency)) if owed is not None else gettext("Today"),
            series=[each.closing for each in months[-SHOWN_MONTHS:]],
        ),
        Figure(
            gettext("Redemption rate"),
            _share(sum(each.spent for each in months), _kept(months)),
            gettext(
                "Points spent on rewards, less returned ones, as a share of all points issued that were not taken back."
            ),
            gettext("Since the programme began"),
        ),
        Figure(
            gettext("Breakage"),
            _share(sum(each.expired for each in months), _kept(months)),
            gettext("Points that expired unspent, as a share of all points issued that were not taken back."),
            gettext("Since the programme began"),
        ),
        _cost(picture, currency),
    ]


def _kept(months: Sequence[Month]) -> int:
    return sum(each.issued - each.taken_back for each in months)


def _share(part: int, whole: int) -> str:
    return percent(part, whole) if whole > 0 else "–"


def _cost(picture: Picture | None, currency: str) -> Figure:
    recent = picture.last(SHOWN_MONTHS) if picture else ()
    cost, revenue = sum(each.cost_minor for each in recent), sum(each.revenue_minor for each in recent)
    return Figure(
        gettext("Cost of rewards"),
        _share(cost, revenue),
        gettext(
            "What redeemed rewards cost, as a share of all sales after refunds. Used ones count what they did cost,"
            " unused ones what they are expected to, expired ones nothing."
        ),
        gettext("Last 12 months: %(money)s", money=short_money(cost, currency)),
    )


def points_chart(months: Sequence[Month]) -> Chart:
    """What came and what went, month by month."""
    shown = months[-SHOWN_MONTHS:]
    issued, spent = sum(each.issued for each in shown), sum(each.spent for each in shown)
    title = gettext("%(share)s of the points issued in a year were spent", share=percent(spent, issued))
    return Chart(
        title=title if issued else gettext("No points were issued in the last 12 months"),
        kind="bar",
        axis=gettext("Month"),
        labels=[month(each.first_day) for each in shown],
        series=[
            _points(gettext("Issued"), [each.issued for each in shown]),
            _points(gettext("Spent"), [each.spent for each in shown]),
            _points(gettext("Expired"), [each.expired for each in shown]),
            _points(gettext("Taken back"), [each.taken_back for each in shown], previous=True),
        ],
        csv="/loyalty/money/points.csv",
        note=gettext("Last 12 months in points, by the day of what moved them."),
    )


def ages_chart(picture: Picture, currency: str) -> Chart:
    """How old the points are that can still be spent, by the month from which they could be."""
    rows = ages(picture)
    old = rows[-1][1]
    return Chart(
        title=gettext("%(share)s of the points owed are older than a year", share=percent(old, sum(p for _, p in rows)))
        if any(points for _, points in rows)
        else gettext("Nobody holds any points"),
        kind="bar",
        axis=gettext("Age"),
        labels=[label for label, _ in rows],
        series=[Line(gettext("Points"), [p for _, p in rows], [_with_cost(p, picture, currency) for _, p in rows])],
        csv="/loyalty/money/ages.csv",
        note=_as_of(picture),
    )


def _with_cost(points: int, picture: Picture, currency: str) -> str:
    cost = picture.cost(points)
    if cost is None:
        return number(points)
    return gettext("%(points)s, about %(money)s", points=number(points), money=short_money(cost, currency))


def ages(picture: Picture) -> list[tuple[str, int]]:
    """Points in lots by age; their sum is what accounts hold."""
    starts = [later(picture.month, 1 - age) for age in AGES]
    labels = [
        gettext("Pending"),
        gettext("Up to 3 months"),
        gettext("4 to 6 months"),
        gettext("7 to 12 months"),
        gettext("Older"),
    ]
    found = [0] * len(labels)
    found[0] = sum(each.pending for each in picture.months)
    for each in picture.months:
        found[1 + sum(each.month < start for start in starts)] += each.open
    return list(zip(labels, found, strict=True))


def costs_chart(picture: Picture, currency: str) -> Chart:
    """What redeemed rewards cost by the month in which they were bought."""
    shown = picture.last(SHOWN_MONTHS)
    total = sum(each.cost_minor for each in shown)
    return Chart(
        title=gettext("Rewards cost %(money)s in 12 months", money=money(total, currency)),
        kind="bar",
        axis=gettext("Month"),
        labels=[month(each.month) for each in shown],
        series=[
            Line(
                gettext("Cost of rewards"),
                [each.cost_minor for each in shown],
                [_of_revenue(each, currency) for each in shown],
            )
        ],
        csv="/loyalty/money/costs.csv",
        note=_as_of(picture),
        currency=currency,
        digits=digits(currency),
    )


def _of_revenue(each: MoneyMonth, currency: str) -> str:
    cost = money(each.cost_minor, currency)
    if not each.revenue_minor:
        return cost
    return gettext("%(cost)s, %(share)s of sales", cost=cost, share=percent(each.cost_minor, each.revenue_minor))


def _as_of(picture: Picture) -> str:
    return gettext("As of %(day)s; counted anew every day.", day=day(picture.taken_at))


def _points(name: str, values: list[int], previous: bool = False) -> Line:
    return Line(name, values, [number(value) for value in values], previous)


def kind(name: str) -> str:
    """What an entry of the ledger did."""
    return dict(ledger.kinds()).get(name, name)


def account(name: str) -> str:
    """Where points come from and go to."""
    return gettext("What customers hold") if name == CUSTOMERS else ledger.account(name)


def named(first_day: date) -> str:
    """A month as it stands in an address."""
    return f"{first_day:%Y-%m}"
