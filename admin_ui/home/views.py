"""Home: is it working, what did it bring, what comes next."""

from __future__ import annotations

from flask import Blueprint, Response, g
from flask_babel import gettext
from sqlalchemy.orm import Session

from admin_ui import figures
from admin_ui.formats import money, month
from admin_ui.home import guide, numbers
from admin_ui.panel import actor, desk, done, page, refreshed
from plugin import clock
from plugin.insights import home as insights
from plugin.loyalty import queries as loyalty
from plugin.privacy import queries as privacy
from plugin.shops import operations as shops
from plugin.sync import overview

home = Blueprint("home", __name__)


@home.get("/")
def index() -> str:
    """The page."""
    with desk() as session:
        today = clock.today(g.now, g.shop.timezone)
        months = insights.revenue_by_month(session, g.shop, today)
        imports = overview.imports(session, g.shop, clock.machine_now())
        steps = guide.steps(insights.set_up(session, g.shop), imports, g.shop)
        exports = [one for one in privacy.open_requests(session, g.shop.id) if one.state == "ready"]
        return page(
            "home/index.html",
            steps=steps,
            figures=_figures(session),
            chart=numbers.revenue(months, g.shop.currency),
            health=overview.health(session, g.shop),
            running=any(one.open for one in imports),
            embed=g.shop.settings.get("embed", ""),
            exports=exports,
            urgent=any(privacy.urgency(one, g.now) for one in exports),
        )


def _figures(session: Session) -> list[figures.Figure]:
    today = clock.today(g.now, g.shop.timezone)
    program = loyalty.program(session, g.shop, g.now)
    name = program.points_many if program else gettext("points")
    return [
        numbers.members(insights.members(session, g.shop, today), name),
        numbers.outstanding(
            insights.points_outstanding(session, g.shop, today),
            insights.point_worth(session, g.shop),
            name,
            g.shop.currency,
        ),
        numbers.recovered(insights.recovered(session, g.shop, today), g.shop.currency),
        numbers.repeat(insights.repeat_share(session, g.shop, today)),
    ]


@home.get("/revenue.csv")
def revenue_csv() -> Response:
    """The chart's data as a file."""
    with desk() as session:
        months = insights.revenue_by_month(session, g.shop, clock.today(g.now, g.shop.timezone))
    header = [gettext("Month"), gettext("Repeat buyers"), gettext("First orders and guests")]
    currency = g.shop.currency
    rows = [[month(m.first_day), money(m.repeat_minor, currency), money(m.first_minor, currency)] for m in months]
    return figures.as_csv("revenue", header, rows)


@home.post("/embed/<any(on, off):state>")
def embed(state: str) -> Response:
    """What App Bridge says about the app embed of the published theme; the page is drawn again with it."""
    with desk() as session:
        shops.change_settings(session, g.shop, actor(), {"embed": state})
    return refreshed("/")


@home.post("/guide/<step>")
def settle_step(step: str) -> Response:
    """Mark a step of the guide as done where only a person can know."""
    with desk() as session:
        dismissed = sorted({*g.shop.settings.get("dismissed", []), step} & guide.BY_HAND)
        shops.change_settings(session, g.shop, actor(), {"dismissed": dismissed})
    return done("/", gettext("Marked as done."))
