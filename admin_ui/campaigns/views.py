"""Campaigns: the abandoned-cart automation, its mails, its report, and every cart in it."""

from __future__ import annotations

from flask import Blueprint, Response, g, request
from flask_babel import gettext
from sqlalchemy.orm import Session

from admin_ui import listing
from admin_ui.campaigns import previews, words
from admin_ui.campaigns.forms import AutomationForm, TestForm, filled
from admin_ui.formats import number
from admin_ui.panel import actor, desk, done, page, told
from plugin.campaigns import operations, queries
from plugin.campaigns.models import Automation
from plugin.errors import Invalid
from plugin.insights import campaigns as insights
from plugin.jobs.doorbell import ring

campaigns = Blueprint("campaigns", __name__, url_prefix="/campaigns")
Answer = str | Response | tuple[str, int]
STATES = ("waiting", "stopped", "done", "recovered")


@campaigns.get("")
def index() -> str:
    """The campaign with its report and the carts in it."""
    with desk() as session:
        automation = operations.ensure_default(session, g.shop)
        look = listing.from_query("/campaigns", request.args, [], "", ["state"])
        state = look.filters["state"] if look.filters["state"] in STATES else ""
        found = insights.enrollments(
            session, g.shop, automation.id, state, after=look.after, before=look.before, size=25
        )
        flow = queries.report(session, g.shop, automation.id)
        return page(
            "campaigns/index.html",
            automation=automation,
            flow=flow,
            look=look.paged(listing.Edges(found.first, found.last), _count(flow, state)),
            state=state,
            rows=[row[0] for row in found.rows],
            words=words,
        )


def _count(flow: queries.FlowReport, state: str) -> str:
    stopped = sum(flow.stopped.values())
    numbers = {"waiting": flow.waiting, "stopped": stopped, "done": flow.done, "recovered": flow.recovered_orders}
    counted = numbers.get(state, flow.entered)
    return gettext("%(number)s carts", number=number(counted))


@campaigns.get("/carts/<int:enrollment_id>")
def story(enrollment_id: int) -> str:
    """What happened to one cart and why; opened in place."""
    with desk() as session:
        return page("campaigns/story.html", story=queries.why(session, g.shop, enrollment_id), words=words)


@campaigns.get("/<int:automation_id>")
def edit(automation_id: int) -> str:
    """The form of the mails."""
    with desk() as session:
        automation, version = queries.automation(session, g.shop, automation_id)
        return _form(automation, filled(version.steps))


@campaigns.post("/<int:automation_id>")
def save(automation_id: int) -> Answer:
    """Keep the typed mails as a new version."""
    form = AutomationForm(request.form)
    with desk() as session:
        automation, _version = queries.automation(session, g.shop, automation_id)
        if not form.validate() or not _saved(session, automation, form):
            return _form(automation, form), 422
    return done(
        f"/campaigns/{automation_id}", gettext("Mails saved. Carts under way finish with the mails they began.")
    )


def _saved(session: Session, automation: Automation, form: AutomationForm) -> bool:
    try:
        operations.save_version(session, g.shop, automation.id, form.values(), actor=actor())
    except Invalid as error:
        form.reject(error)
        return False
    return True


@campaigns.post("/<int:automation_id>/on")
def turn_on(automation_id: int) -> Response:
    """Start the campaign."""
    with desk() as session:
        operations.turn_on(session, g.shop, automation_id, actor=actor())
    return done("/campaigns", gettext("Campaign started. Carts left from now on get mails."))


@campaigns.post("/<int:automation_id>/off")
def turn_off(automation_id: int) -> Response:
    """Stop the campaign."""
    with desk() as session:
        operations.turn_off(session, g.shop, automation_id, actor=actor())
    return done("/campaigns", gettext("Campaign stopped. Nothing more is sent."))


@campaigns.post("/<int:automation_id>/test/<int:step>")
def send_test(automation_id: int, step: int) -> Answer:
    """One mail, as it is kept, with sample contents to the address that was typed."""
    test = TestForm(request.form, prefix=f"test-{step}-")
    with desk() as session:
        automation, version = queries.automation(session, g.shop, automation_id)
        kept = filled(version.steps)
        try:
            if not test.validate():
                return _form(automation, kept, test), 422
            previews.send_test(session, version, step, str(test.email.data))
        except Invalid as error:
            test.reject(Invalid.at("email", error))
            return _form(automation, kept, test), 422
    ring("messages.send_due")
    return told(gettext("A test mail is on its way to %(email)s.", email=test.email.data))


def _form(automation: Automation, form: AutomationForm, test: TestForm | None = None) -> str:
    tests = [TestForm(data={"email": g.shop.email}, prefix=f"test-{step}-") for step in range(len(form.steps))]
    if test is not None:
        tests = [test if test.email.name == one.email.name else one for one in tests]
    return page(
        "campaigns/form.html",
        automation=automation,
        form=form,
        ticket=previews.ticket(g.shop.id),
        tests=tests,
    )
