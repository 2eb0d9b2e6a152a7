"""The measured profit in words: what is known, how surely, and what comes next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from flask_babel import gettext, ngettext

from admin_ui.figures import Chart, Figure, Line, Range, Span
from admin_ui.formats import day, money, number, percent, short_money
from plugin.insights.profit import Reading, Report
from plugin.insights.profit_counting import Side
from plugin.insights.profit_rules import USEFUL, Interval, Lift
from plugin.loyalty.holdout import HOLDOUT, MOST_PERCENT, PROGRAMME
from plugin.money import digits


@dataclass(frozen=True)
class Headline:
    """The sentence on top of the page, its tone, and what it rests on."""

    title: str
    tone: str
    text: str


def amount(value: float, currency: str, sign: bool = False) -> str:
    """Fractions of minor units as money, with a plus where it is told what is added."""
    shown = money(round(value), currency)
    return f"+{shown}" if sign and round(value) > 0 else shown


def share(value: float | None) -> str:
    return "–" if value is None else percent(round(value * 1000), 1000)


def between(interval: Interval, currency: str) -> str:
    return gettext(
        "%(low)s and %(high)s", low=amount(interval.low, currency, True), high=amount(interval.high, currency, True)
    )


def headline(report: Report, currency: str) -> Headline:
    """What the readings say; the latest verdict stands until another one is given."""
    latest, judged = report.latest, report.judged
    if latest is None:
        first = day(report.split.at(1))
        return Headline(gettext("Counting has begun"), "info", gettext("The first look is on %(day)s.", day=first))
    if judged is None or judged.lift is None:
        return Headline(gettext("Not enough data yet: %(wait)s", wait=_wait(report)), "info", _meanwhile(report))
    titles = {
        "more": gettext("The programme brings more profit"),
        "less": gettext("The programme costs more than it brings"),
        "same": gettext("The programme makes no useful difference"),
    }
    tones = {"more": "success", "less": "warning", "same": "info"}
    text = gettext(
        "Judged on %(day)s, after %(weeks)s weeks: between %(between)s a customer.",
        day=day(judged.until),
        weeks=number(judged.week),
        between=between(judged.lift.strict, currency),
    )
    return Headline(titles[judged.verdict], tones[judged.verdict], text)


def _wait(report: Report) -> str:
    left = report.weeks_left
    if left is None:
        return gettext("it will take more than two years")
    return ngettext("about %(num)s more week", "about %(num)s more weeks", left)


def _meanwhile(report: Report) -> str:
    """What can be known by when, and what would make it sooner."""
    useful = gettext(
        "A lift counts as useful from %(share)s of the profit per customer on.", share=percent(round(USEFUL * 100), 100)
    )
    if report.weeks_left is None and report.latest and report.split.percent < MOST_PERCENT:
        useful = " ".join((useful, gettext("Holding out more customers makes it quicker to know.")))
    week = report.next_week
    seen = report.visible(week) if week is not None else None
    if week is None or seen is None:
        return useful
    return " ".join(
        (
            useful,
            gettext(
                "The next verdict is on %(day)s: by then a lift of about %(share)s can be told from none.",
                day=day(report.split.at(week)),
                share=share(seen),
            ),
        )
    )


def picture(found: Lift, currency: str) -> Range:
    """The interval against zero: the thick part is for one look, the thin one for all verdicts together."""
    low, high = (
        pick(found.strict.low, found.interval.low, found.strict.high, found.interval.high, 0.0) for pick in (min, max)
    )
    room = (high - low) * 0.06 or 1.0

    def place(value: float) -> Decimal:
        return Decimal(round((value - low + room) / (high - low + 2 * room) * 100, 2)).quantize(Decimal("0.01"))

    return Range(
        label=gettext(
            "%(middle)s a customer: between %(between)s",
            middle=amount(found.difference, currency, True),
            between=between(found.interval, currency),
        ),
        thick=Span(place(found.interval.low), place(found.interval.high)),
        thin=Span(place(found.strict.low), place(found.strict.high)),
        middle=place(found.difference),
        zero=place(0.0),
    )


def figures(reading: Reading, found: Lift, currency: str) -> list[Figure]:
    """Profit per customer on both sides, and the difference."""
    people = reading.side(PROGRAMME).sums.people
    period = gettext("%(weeks)s weeks until %(day)s", weeks=number(reading.week), day=day(reading.until))
    how = gettext(
        "Goods of paid orders after discounts and refunds, without tax; less what they cost, rewards and mails; since"
        " each customer came into the split. Corrected for what both sides had bought before it."
    )
    return [
        Figure(gettext("With the programme"), amount(found.programme, currency), how, period),
        Figure(gettext("Without it"), amount(found.holdout, currency), how, period),
        Figure(
            gettext("Lift per customer"),
            amount(found.difference, currency, True),
            gettext("The difference of the two. The range below says how far luck alone may have moved it."),
            share(found.share(found.difference)),
        ),
        Figure(
            gettext("All customers together"),
            short_money(round(found.difference * people), currency),
            gettext("The lift times the customers who have the programme, and its range."),
            _in_short(found.interval, people, currency),
        ),
    ]


def _in_short(interval: Interval, people: int, currency: str) -> str:
    low, high = (short_money(round(bound * people), currency) for bound in (interval.low, interval.high))
    return gettext("Between %(low)s and %(high)s", low=low, high=high)


def parts(reading: Reading, found: Lift, currency: str) -> list[tuple[str, str, str]]:
    """What the profit per customer is made of, on both sides; the rows add up."""
    sides = reading.side(PROGRAMME), reading.side(HOLDOUT)

    def row(label: str, name: str, sign: int = 1) -> tuple[str, str, str]:
        one, other = (amount(sign * getattr(side, name) / max(side.sums.people, 1), currency) for side in sides)
        return label, one, other

    corrected = [amount(value, currency) for value in found.correction]
    return [
        (gettext("Customers"), *(number(side.sums.people) for side in sides)),  # type: ignore[list-item]
        (gettext("Of them bought something"), *(_bought(side) for side in sides)),  # type: ignore[list-item]
        row(gettext("Orders"), "orders"),
        row(gettext("Cost of goods"), "goods", -1),
        row(gettext("Rewards that are no discount"), "rewards", -1),
        row(gettext("Mails"), "mails", -1),
        (gettext("Correction for what was bought before"), corrected[0], corrected[1]),
        (gettext("Profit per customer"), amount(found.programme, currency), amount(found.holdout, currency)),
    ]


def _bought(side: Side) -> str:
    return gettext(
        "%(number)s, %(share)s", number=number(side.sums.buyers), share=percent(side.sums.buyers, side.sums.people)
    )


def weeks(report: Report, currency: str) -> Chart:
    """How the lift and its interval moved from week to week."""
    seen = [(one, one.lift) for one in report.readings if one.lift is not None and one.lift.enough]

    def line(name: str, values: list[float], previous: bool = False) -> Line:
        return Line(
            name, [round(value) for value in values], [amount(value, currency, True) for value in values], previous
        )

    return Chart(
        title=gettext(
            "After %(weeks)s weeks the lift is between %(between)s",
            weeks=number(seen[-1][0].week),
            between=between(seen[-1][1].interval, currency),
        ),
        kind="line",
        axis=gettext("Week"),
        labels=[number(one.week) for one, _ in seen],
        series=[
            line(gettext("Lift per customer"), [found.difference for _, found in seen]),
            line(gettext("At least"), [found.interval.low for _, found in seen], True),
            line(gettext("At most"), [found.interval.high for _, found in seen], True),
        ],
        csv="/loyalty/profit/weeks.csv",
        note=gettext("Profit per customer in %(currency)s, with the range of each week.", currency=currency),
        currency=currency,
        digits=digits(currency),
    )


def judgements(report: Report) -> list[tuple[str, datetime, str, str]]:
    """The days of verdicts, past and to come: week, day, what was said, its tone."""
    said = {
        "more": (gettext("More profit"), "success"),
        "less": (gettext("Less profit"), "warning"),
        "same": (gettext("No useful difference"), "info"),
        "open": (gettext("Not known yet"), ""),
    }
    rows = [(number(one.week), one.until, *said[one.verdict]) for one in report.readings if one.judges]
    if report.next_week is not None:
        rows.append((number(report.next_week), report.split.at(report.next_week), gettext("To come"), ""))
    return rows
