"""Tiers: the ladder with its members, who would move, and tiers given by hand."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, g, request
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session
from wtforms import DateField, SelectField, StringField
from wtforms.validators import Optional

from admin_ui.customers import words as people
from admin_ui.forms import AtMost, Given, PanelForm, stripped
from admin_ui.loyalty.forms import ProgramForm
from admin_ui.panel import actor, desk, done, page
from admin_ui.tiers import words
from plugin.commerce import queries as commerce
from plugin.errors import Invalid, NotFound
from plugin.loyalty import queries
from plugin.loyalty.document import PLAIN
from plugin.loyalty.models import PointAccount
from plugin.loyalty.programs import check, rules_of
from plugin.loyalty.replaying.saving import point_value
from plugin.loyalty.tiers import granting, previewing

tiers = Blueprint("tiers", __name__)
Answer = str | Response | tuple[str, int]
PAGE = 25


class GrantForm(PanelForm):
    """A tier by hand. The day is the last one."""

    origin = SelectField(_("Tier"), coerce=int)
    ends_on = DateField(_("Until the end of"), [Optional()])
    reason = StringField(_("Reason"), [Given(), AtMost(granting.LONGEST_REASON)], filters=[stripped])


@tiers.get("/loyalty/tiers")
def index() -> str:
    """The ladder, from the top."""
    with desk() as session:
        program = queries.program(session, g.shop, g.now)
        counts = queries.tier_counts(session, g.shop) if program else {}
        return page("tiers/index.html", program=program, counts=counts, look_back=look_back(session))


@tiers.get("/loyalty/tiers/<int:origin>")
def members(origin: int) -> str:
    """The members of a tier, by customer id."""
    after = request.args.get("after", 0, type=int)
    with desk() as session:
        program = queries.program(session, g.shop, g.now)
        tier = next((tier for tier in program.tiers if tier.origin == origin), None) if program else None
        if tier is None:
            raise NotFound("This tier does not exist any more.")
        mine = PointAccount.shop_id == g.shop.id, PointAccount.tier_id == tier.id, PointAccount.customer_id > after
        accounts = session.scalars(select(PointAccount).where(*mine).order_by(PointAccount.customer_id).limit(PAGE + 1))
        found = accounts.all()
        customers = commerce.customers_by_id(session, g.shop, [each.customer_id for each in found])
        return page(
            "tiers/members.html",
            tier=tier,
            accounts=found[:PAGE],
            more=len(found) > PAGE,
            customers=customers,
            people=people,
            currency=program.currency if program else g.shop.currency,
        )


@tiers.post("/loyalty/tiers/preview")
def preview() -> Answer:
    """A page of those whom the typed programme would move; part of its form."""
    form = ProgramForm(request.form)
    after = request.form.get("after_customer", 0, type=int)
    with desk() as session:
        program = queries.latest_program(session, g.shop)
        document = program.document if program else PLAIN
        if not form.validate():
            return page("tiers/movers.html", movers=None)
        try:
            draft = form.draft(document=document)
            check(draft)
        except Invalid:
            return page("tiers/movers.html", movers=None)
        rules = rules_of(draft, g.shop.currency, program.holdout_salt if program else None)
        found = previewing.movers(session, g.shop, rules, after, PAGE)
        customers = commerce.customers_by_id(session, g.shop, [each.customer_id for each in found])
        told = [
            (each, words.numbers({"numbers": dict(zip(draft.document.tiers.metrics, each.stand.measures, strict=False)),
                                  "currency": rules.currency}))
            for each in found[:PAGE]
        ]  # fmt: skip
        return page("tiers/movers.html", movers=told, more=len(found) > PAGE, customers=customers, people=people)


@tiers.get("/customers/<int:customer_id>/tier")
def new(customer_id: int) -> str:
    """The form that gives a tier."""
    with desk() as session:
        return _form(session, customer_id, GrantForm())


@tiers.post("/customers/<int:customer_id>/tier")
def give(customer_id: int) -> Answer:
    """Give the chosen tier."""
    form = GrantForm(request.form)
    with desk() as session:
        _choices(session, form)
        if not form.validate():
            return _form(session, customer_id, form), 422
        try:
            commerce.customer(session, g.shop, customer_id)
            ends_at = _after(form.ends_on.data) if form.ends_on.data else None
            said = form.origin.data, ends_at, form.reason.data
            given = granting.grant(session, g.shop, actor(), customer_id, *said)
        except Invalid as error:
            form.reject(error)
            return _form(session, customer_id, form), 422
        undo = gettext("Undo"), f"/customers/{customer_id}/tier/{given.id}/end"
    return done(f"/customers/{customer_id}", gettext("Tier given."), undo)


@tiers.post("/customers/<int:customer_id>/tier/<int:grant_id>/end")
def end(customer_id: int, grant_id: int) -> Response:
    """Take a given tier back."""
    with desk() as session:
        granting.end(session, g.shop, actor(), customer_id, grant_id)
    return done(f"/customers/{customer_id}", gettext("Tier taken back. Orders placed meanwhile keep its points."))


def shown(session: Session, customer_id: int) -> dict[str, object]:
    """What a customer's page shows of tiers."""
    given = [each for each in granting.grants(session, g.shop, customer_id) if not each.ends_at or each.ends_at > g.now]
    changes = granting.changes(session, g.shop, customer_id, 10)
    return {"grants": given, "tier_changes": changes, "tier_words": words}


def moves(session: Session, draft_form: ProgramForm) -> dict[str, object]:
    """The sums of a preview for the sentence in the form. Raises Invalid for what cannot be saved."""
    program = queries.latest_program(session, g.shop)
    draft = draft_form.draft(document=program.document if program else PLAIN)
    check(draft)
    found = previewing.preview(session, g.shop, rules_of(draft, g.shop.currency, program and program.holdout_salt))
    value = point_value(session, g.shop)
    costs = {name: round(value * points) if value else None for name, points in _points(found).items()}
    return {"moves": found, "costs": costs, "points": draft.points_many}


def _points(found: previewing.Preview) -> dict[str, int]:
    return {"bonus": found.bonus_points, "yearly": found.yearly_points}


def look_back(session: Session) -> str:
    """As far back as tiers can see."""
    first = previewing.seen_since(session, g.shop)
    return words.look_back(first.processed_at if first else None, "read_all_orders" in g.shop.scopes)


def _form(session: Session, customer_id: int, form: GrantForm) -> str:
    _choices(session, form)
    return page("tiers/grant.html", form=form, customer=commerce.customer(session, g.shop, customer_id), people=people)


def _choices(session: Session, form: GrantForm) -> None:
    program = queries.program(session, g.shop, g.now)
    form.origin.choices = [(tier.origin, tier.name) for tier in program.tiers] if program else []


def _after(last: date) -> datetime:
    """The first moment after a day of the shop."""
    return datetime.combine(last + timedelta(days=1), time(), ZoneInfo(g.shop.timezone))
