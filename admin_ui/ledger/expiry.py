"""When points are lost, more time for them, expired ones given back, and what staff may move by hand."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, g, request
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session
from wtforms import Form, SelectField, StringField

from admin_ui.forms import AtMost, Given, PanelForm, WholeField, stripped
from admin_ui.ledger import words
from admin_ui.panel import actor, desk, done, page
from plugin.commerce import queries as commerce
from plugin.errors import Invalid
from plugin.jobs.doorbell import ring
from plugin.loyalty import limits, queries
from plugin.loyalty.document import Expiry
from plugin.loyalty.expiry import changing, saving
from plugin.shops import queries as shops

expiry = Blueprint("expiry", __name__, url_prefix="/loyalty/expiry")
Answer = str | Response | tuple[str, int]


class RuleForm(PanelForm):
    """When points are lost, and when people are told."""

    by = SelectField(
        _("Counted from"),
        choices=[
            ("date", _("the day the points could be spent")),
            ("inactivity", _("the customer's last activity, for all their points")),
        ],
    )
    expiry_days = WholeField(_("Points are lost after"))
    warn_days = StringField(_("Warn so many days before"), [AtMost(40)], filters=[stripped])

    def expiry(self) -> Expiry:
        """What is typed. Raises Invalid."""
        try:
            ahead = {int(part) for part in (self.warn_days.data or "").replace(";", ",").split(",") if part.strip()}
        except ValueError as error:
            raise Invalid("Enter up to %(most)s numbers of days, like 30, 7.", "warn_days", most=5) from error
        by = "inactivity" if self.by.data == "inactivity" else "date"
        return Expiry(by, tuple(sorted(ahead, reverse=True)))  # type: ignore[arg-type]


class TimeForm(PanelForm):
    """More time, or expired points back; for everybody unless a customer is named."""

    days = WholeField(_("Time"), [Given()])
    within = WholeField(_("Expired within the last"))
    customer = WholeField(_("Customer number"))
    reason = StringField(_("Reason"), [Given(), AtMost(200)], filters=[stripped])


class LimitForm(PanelForm):
    """What staff may move by hand."""

    most = WholeField(_("Points in one change"), [Given()])
    daily = WholeField(_("Points a day for each member of staff"))


@expiry.get("")
def index() -> str:
    """All of it on one page."""
    with desk() as session:
        return _index(session)


@expiry.post("")
def save() -> Answer:
    """The rule, as a new version of the programme."""
    form = RuleForm(request.form)
    return _written(
        "rule",
        form,
        lambda session: saving.save_expiry(session, g.shop, actor(), form.expiry_days.data, form.expiry()),
        gettext("Saved. It holds for points from now on, and for all points with the next activity."),
    )


@expiry.post("/extend")
def extend() -> Answer:
    """More time for points that are there."""
    form = TimeForm(request.form)

    def act(session: Session) -> None:
        changing.extend(session, g.shop, form.days.data, form.reason.data, actor(), _customer(session, form))

    return _written("extend", form, act, gettext("Points get more time."))


@expiry.post("/reinstate")
def reinstate() -> Answer:
    """Expired points back."""
    form = TimeForm(request.form)

    def act(session: Session) -> None:
        within, who = form.within.data or 0, _customer(session, form)
        changing.reinstate(session, g.shop, form.days.data, form.reason.data, actor(), within, who)

    return _written("reinstate", form, act, gettext("Expired points come back."))


@expiry.post("/<int:change_id>/undo")
def undo(change_id: int) -> Response:
    """A change undone."""
    with desk() as session:
        changing.undo(session, g.shop, change_id, actor())
    ring("loyalty.keep_books")
    return done("/loyalty/expiry", gettext("The change is being undone."))


@expiry.post("/limits")
def limit() -> Answer:
    """What staff may move by hand."""
    form = LimitForm(request.form)
    return _written(
        "limits",
        form,
        lambda session: limits.change(session, g.shop, actor(), form.most.data, form.daily.data),
        gettext("Limits saved."),
    )


def _written(name: str, form: PanelForm, act: Callable[[Session], object], message: str) -> Answer:
    with desk() as session:
        if not form.validate():
            return _index(session, **{name: form}), 422
        try:
            with session.begin_nested():
                act(session)
        except Invalid as error:
            form.reject(error)
            return _index(session, **{name: form}), 422
    ring("loyalty.keep_books")
    return done("/loyalty/expiry", message)


def _customer(session: Session, form: TimeForm) -> int | None:
    """The customer typed, who must exist. Raises NotFound."""
    if form.customer.data is None:
        return None
    return commerce.customer(session, g.shop, form.customer.data).id


def _index(session: Session, **typed: Form) -> str:
    program = queries.latest_program(session, g.shop)
    rule = program.document.expiry if program else Expiry()
    shop = shops.shop(session)
    bounds = limits.of_shop(shop)
    forms: dict[str, Form] = {
        "rule": RuleForm(
            data={
                "by": rule.by,
                "expiry_days": program.expiry_days if program else None,
                "warn_days": ", ".join(map(str, rule.warn_days)),
            }
        ),
        "extend": TimeForm(data={"days": 30}),
        "reinstate": TimeForm(data={"days": 30, "within": 30}),
        "limits": LimitForm(data={"most": bounds.most, "daily": bounds.daily}),
    }
    changes = changing.changes(session, g.shop)
    people = commerce.customers_by_id(session, g.shop, [each.customer_id for each in changes if each.customer_id])
    return page(
        "ledger/expiry.html", forms=forms | typed, program=program, changes=changes, customers=people, words=words
    )
