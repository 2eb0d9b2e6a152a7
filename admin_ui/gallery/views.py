"""All components on one page, with long names, empty and error states. Only in the sandbox; shows no shop's data."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, abort, g
from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, RadioField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice

from admin_ui.figures import Chart, Figure, Line
from admin_ui.formats import short_money
from admin_ui.forms import Between, Given, MoneyField, PanelForm, RateField, WholeField
from admin_ui.listing import Edges, Listing
from admin_ui.panel import page, without_session
from plugin import clock
from plugin.config import config

gallery = Blueprint("gallery", __name__)
LONG = "Wolfeschlegelsteinhausenbergerdorff-Donaudampfschifffahrtsgesellschaft Олександра-Євгенія"


class Sample(PanelForm):
    """A form with a field of each kind."""

    name = StringField("Name of the points, plural", [Given()])
    rate = RateField("Multiplier")
    points = WholeField("Points per 1.00 spent", [Between(1, 1000)])
    threshold = MoneyField("From spend of", currency="EUR")
    kind = SelectField("Matches", choices=[SelectChoice("type", "Product type"), SelectChoice("tag", "Tag")])
    when = RadioField(
        "When it starts",
        choices=[SelectChoice("now", "At once"), SelectChoice("first", "With the first order ever placed")],
    )
    words = TextAreaField("Consent text")
    active = BooleanField("Show on product pages")


@gallery.get("/_gallery")
@without_session
def show() -> str:
    """The gallery."""
    if not config().sandbox:
        abort(404)
    g.now = clock.machine_now()
    wrong = Sample(MultiDict({"name": " ", "points": "many", "threshold": "12,345.678", "words": LONG, "when": "now"}))
    wrong.validate()
    listing = Listing("/_gallery", q="ol", sort="-spent", filters={"tier": "gold"})
    return page(
        "gallery/gallery.html",
        long=LONG,
        then=g.now - timedelta(hours=3),
        form=Sample(name="beans", points=3, threshold=25000, kind="type", when="now", active=True),
        wrong=wrong,
        figures=_figures(),
        chart=_chart(),
        listing=listing.paged(Edges(None, (1, 2)), "1,204,331 customers"),
        none=Listing("/_gallery", q="zzz"),
    )


LARGE = "€9,876,543,210"


def _figures() -> list[Figure]:
    series = [3, 5, 4, 8, 9, 12, 11, 15, 14, 19]
    period = "Last 30 days"
    return [
        Figure("Members with points", "1,204", "Balance above zero today.", period, "↑ 12.5%", True, series),
        Figure("Points outstanding", LARGE, "Cost if all were redeemed.", period, "↓ 3%", None, series[::-1]),
        Figure("Recovered revenue", short_money(0, "EUR"), "Orders after a mail.", period, "", None, [0] * 10),
        Figure("Repeat-purchase share", "46%", LONG, period, "↓ 3%", False, series),
    ]  # fmt: skip


def _chart() -> Chart:
    months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun"]
    now, before = [12000, 15000, 13000, 19000, 24000, 22000], [9000, 9500, 11000, 12500, 13000, 12000]
    lines = [
        Line("Repeat buyers", now, [short_money(v * 100, "EUR") for v in now]),
        Line("A year before", before, [short_money(v * 100, "EUR") for v in before], previous=True),
    ]
    return Chart(
        "Repeat buyers bring 46% of revenue",
        "line",
        "Month",
        months,
        lines,
        "/_gallery",
        currency="EUR",
        note="Net of refunds, in the shop's currency.",
    )
