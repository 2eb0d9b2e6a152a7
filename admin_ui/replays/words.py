"""A replay in words: both programmes side by side, in figures, a chart and tables."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import NamedTuple

from flask_babel import gettext

from admin_ui.figures import Chart, Line
from admin_ui.formats import month, number, percent, short_money
from plugin.loyalty.replaying.models import Replay
from plugin.loyalty.replaying.saving import SCENARIOS, costs
from plugin.loyalty.replaying.tally import NO_TIER, Side, Tally


class Compared(NamedTuple):
    """One line of the comparison."""

    label: str
    help: str
    today: str
    draft: str
    change: str


def state(replay: Replay) -> tuple[str, str]:
    """How it stands, with the badge's tone."""
    if replay.state == "done":
        return gettext("Done"), "success"
    return (gettext("Running"), "info") if replay.state == "running" else (gettext("Stopped"), "")


def name(replay: Replay) -> str:
    if replay.kind == "check":
        return gettext("Check of the ledger")
    return replay.name or gettext("A draft of %(name)s", name=replay.draft["name"])


def share(replay: Replay) -> float:
    """How much is done, 0 to 1."""
    return min(1.0, replay.customers_done / max(1, replay.customers_total))


def compared(found: Tally, value: Fraction | None, currency: str) -> list[Compared]:
    """Today's programme and the draft, line by line."""
    today, draft = found.today, found.draft
    lines = [
        _line(
            gettext("Points issued"),
            gettext("What the orders of this time would have brought, after refunds."),
            today.points,
            draft.points,
        ),
        _line(
            gettext("Orders that earn"),
            gettext("Orders with at least one point."),
            today.orders,
            draft.orders,
        ),
        _line(gettext("People with points"), gettext("Customers with at least one point."), today.people, draft.people),
    ]
    if value is not None:
        lines.append(_liability(today, draft, value, currency))
    return lines


def _line(label: str, help: str, today: int, draft: int) -> Compared:
    return Compared(label, help, number(today), number(draft), _change(today, draft))


def _liability(today: Side, draft: Side, value: Fraction, currency: str) -> Compared:
    amounts = [round(side.points * value) for side in (today, draft)]
    return Compared(
        gettext("Owed if all is redeemed"),
        gettext("All points at the best reward you offer."),
        short_money(amounts[0], currency),
        short_money(amounts[1], currency),
        _change(*amounts),
    )


def _change(before: int, after: int) -> str:
    if before == after:
        return gettext("the same")
    if not before:
        return "–"
    return f"{'+' if after > before else '−'}{percent(abs(after - before), before)}"


class Scenario(NamedTuple):
    """What both cost when a share of the points is redeemed."""

    label: str
    today: str
    today_share: str
    draft: str
    draft_share: str


def scenarios(found: Tally, value: Fraction | None, currency: str) -> list[Scenario]:
    """Costs by how much is redeemed; empty without a reward to price points by."""
    if value is None:
        return []
    sides = [costs(side, value, found.revenue_minor) for side in (found.today, found.draft)]
    return [
        Scenario(
            gettext("%(share)s redeemed", share=percent(share, 100)),
            short_money(today.minor, currency),
            _of(today.share),
            short_money(draft.minor, currency),
            _of(draft.share),
        )
        for share, today, draft in zip(SCENARIOS, *sides, strict=True)
    ]


def _of(share: Fraction | None) -> str:
    return "–" if share is None else percent(share.numerator, share.denominator)


def tiers(found: Tally) -> list[tuple[str, int, int]]:
    """People by tier at the end of the time: today, draft; the largest first, nobody's tier last."""
    names = dict.fromkeys([*found.today.tiers, *found.draft.tiers])
    rows = [(name, found.today.tiers.get(name, 0), found.draft.tiers.get(name, 0)) for name in names]
    ordered = sorted(rows, key=lambda row: (row[0] == NO_TIER, -row[2], -row[1]))
    return [(name or gettext("No tier"), before, after) for name, before, after in ordered]


def points_chart(replay: Replay, found: Tally) -> Chart:
    """Points by month under both."""
    months = sorted({*found.today.months, *found.draft.months})
    more = found.draft.points - found.today.points
    share = percent(abs(more), found.today.points) if found.today.points else ""
    title = gettext("The draft issues as many points as today’s programme")
    if more and share:
        title = (
            gettext("The draft issues %(share)s more points", share=share)
            if more > 0
            else gettext("The draft issues %(share)s fewer points", share=share)
        )
    elif more:
        title = gettext("The draft issues %(points)s points", points=number(found.draft.points))
    return Chart(
        title=title,
        kind="bar",
        axis=gettext("Month"),
        labels=[month(date.fromisoformat(f"{each}-01")) for each in months],
        series=[
            _points(gettext("Today’s programme"), found.today, months, previous=True),
            _points(gettext("The draft"), found.draft, months),
        ],
        csv=f"/loyalty/replays/{replay.id}/months.csv",
        note=gettext("Points by the month of their order."),
    )


def _points(label: str, side: Side, months: list[str], previous: bool = False) -> Line:
    values = [side.months.get(each, 0) for each in months]
    return Line(label, values, [number(value) for value in values], previous)


def point_worth(value: Fraction | None, currency: str, many: str) -> str:
    """What the money figures stand on."""
    if value is None:
        return gettext("Add a reward to see what points would cost.")
    hundred = short_money(round(value * 100), currency)
    return gettext("100 %(points)s count as %(money)s: the best reward you offer.", points=many, money=hundred)
