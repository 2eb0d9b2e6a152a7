"""Loyalty › Profit: what the programme brings, measured against customers who do without it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, g, request
from flask_babel import gettext
from sqlalchemy.orm import Session

from admin_ui import figures
from admin_ui.panel import actor, desk, done, page
from admin_ui.profit import words
from admin_ui.profit.forms import ProfitForm
from plugin.errors import Invalid
from plugin.insights import profit as insights
from plugin.insights import profit_counting
from plugin.jobs.doorbell import ring
from plugin.loyalty import queries
from plugin.loyalty.holding_out import hold_out
from plugin.loyalty.rules import ProgramRules
from plugin.money import major
from plugin.shops import operations as shops

profit = Blueprint("profit", __name__, url_prefix="/loyalty/profit")
Answer = str | Response | tuple[str, int]


@profit.get("")
def index() -> str:
    """The page."""
    with desk() as session:
        program = queries.latest_program(session, g.shop)
        return _page(session, ProfitForm(data=_kept(program)), program)


@profit.post("")
def save() -> Answer:
    """Keep who is held out, and the costs."""
    form = ProfitForm(request.form)
    with desk() as session:
        program = queries.latest_program(session, g.shop)
        if not form.validate():
            return _page(session, form, program), 422
        costs = {"goods_percent": form.goods_percent.data, "mails_minor": form.mails_minor.data or 0}
        try:
            shops.change_settings(session, g.shop, actor(), costs)
            changed = hold_out(session, g.shop, actor(), form.percent.data, form.version.data or 0)
        except Invalid as error:
            form.reject(error)
            return _page(session, form, program), 422
    if changed is not None:
        ring("loyalty.settle_due")
    return done("/loyalty/profit", gettext("Saved. Costs count from the next look on."))


@profit.get("/weeks.csv")
def weeks_csv() -> Response:
    """Every week's figures as numbers."""
    with desk() as session:
        report = insights.report(session, g.shop)
        currency = g.shop.currency
    header = [
        gettext("Week"), gettext("Until"), gettext("With the programme"), gettext("Without it"),
        gettext("Lift per customer"), gettext("At least"), gettext("At most"),
    ]  # fmt: skip
    found = [(one, one.lift) for one in (report.readings if report else ()) if one.lift is not None]
    rows = [
        [one.week, one.until.date()]
        + [
            major(round(value), currency)
            for value in (lift.programme, lift.holdout, lift.difference, lift.interval.low, lift.interval.high)
        ]
        for one, lift in found
    ]
    return figures.as_csv("profit", header, rows)


def _kept(program: ProgramRules | None) -> dict[str, Any]:
    terms = profit_counting.terms(g.shop)
    return {
        "percent": program.document.holdout.percent if program else 0,
        "goods_percent": terms.goods_percent,
        "mails_minor": terms.mails_minor,
        "version": program.version if program else 0,
    }


def _page(session: Session, form: ProfitForm, program: ProgramRules | None) -> str:
    report = insights.report(session, g.shop)
    return page(
        "profit/index.html",
        form=form,
        program=program,
        report=report,
        headline=words.headline(report, g.shop.currency) if report else None,
        **(_shown(report.latest, report) if report and report.latest else {}),
    )


def _shown(latest: insights.Reading, report: insights.Report) -> dict[str, Any]:
    """What there is to draw: nothing while there are too few buyers for any figure to be believed."""
    currency, found = g.shop.currency, latest.lift
    shown: dict[str, Any] = {"latest": latest, "judgements": words.judgements(report)}
    if found is None or not found.enough:
        return shown
    return shown | {
        "figures": words.figures(latest, found, currency),
        "range": words.picture(found, currency),
        "parts": words.parts(latest, found, currency),
        "weeks": words.weeks(report, currency),
    }
