"""Referrals: what came of personal links, the queue of those in doubt, one of them with its reasons, and the terms."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from flask import Blueprint, Response, g, request
from flask_babel import gettext, ngettext
from sqlalchemy.orm import Session

from admin_ui import listing
from admin_ui.figures import as_csv
from admin_ui.formats import number
from admin_ui.panel import actor, desk, done, page
from admin_ui.referrals import words
from admin_ui.referrals.forms import TermsForm, of_terms
from plugin.errors import Invalid, Refused
from plugin.loyalty import queries as loyalty
from plugin.loyalty.referring import deciding, queries
from plugin.loyalty.referring.queries import Found
from plugin.loyalty.referring.saving import save_terms
from plugin.loyalty.rules import ProgramRules
from plugin.money import digits

referrals = Blueprint("referrals", __name__, url_prefix="/loyalty/referrals")
Answer = str | Response | tuple[str, int]
PERIOD = timedelta(days=30)
QUEUE = "/loyalty/referrals?state=in_review"
EXPORT_PAGE = 1000


@referrals.get("")
def index() -> str:
    """The figures and the list, as the URL narrows it."""
    look = listing.from_query("/loyalty/referrals", request.args, list(queries.SORTS), "-claimed", ["state"])
    q, state = look.q, look.filters["state"]
    with desk() as session:
        found = queries.listed(session, g.shop, q=q, state=state, sort=look.sort, after=look.after, before=look.before)
        counted = gettext("%(number)s referrals", number=number(queries.count(session, g.shop, q, state)))
        return page(
            "referrals/index.html",
            look=look.paged(listing.Edges(found.first, found.last), counted),
            rows=[Found(*row) for row in found.rows],
            figures=queries.figures(session, g.shop, g.now - PERIOD),
            program=loyalty.latest_program(session, g.shop),
            words=words,
        )


@referrals.get("/export.csv")
def export() -> Response:
    """The list as it is narrowed, as a file."""
    look = listing.from_query("/loyalty/referrals", request.args, list(queries.SORTS), "-claimed", ["state"])
    header = [
        gettext("Invited by"), gettext("Friend"), gettext("Taken up"), gettext("Ordered"), gettext("State"),
        gettext("Reason"), gettext("Points"), gettext("Code"),
    ]  # fmt: skip
    return as_csv("referrals", header, _exported(look))


def _exported(look: listing.Listing) -> Iterator[list[object]]:
    """Page after page, each in a transaction of its own."""
    after = None
    while True:
        with desk() as session:
            found = queries.listed(
                session, g.shop, q=look.q, state=look.filters["state"], sort=look.sort, after=after, size=EXPORT_PAGE
            )
            rows = [_exported_row(Found(*row)) for row in found.rows]
        yield from rows
        after = found.last
        if after is None:
            return


def _exported_row(found: Found) -> list[object]:
    row = found.referral
    ordered = row.ordered_at.isoformat(timespec="minutes") if row.ordered_at else ""
    taken_up = row.claimed_at.isoformat(timespec="minutes")
    state = words.state(row.state)[0]
    return [
        words.person(found.advocate), words.friend(found), taken_up, ordered, state, words.reason(row), row.points,
        row.code,
    ]  # fmt: skip


@referrals.get("/<int:referral_id>")
def show(referral_id: int) -> str:
    """One referral: both sides, its way so far, and what spoke against it."""
    with desk() as session:
        found = queries.one(session, g.shop, referral_id)
        return page("referrals/show.html", found=found, referral=found.referral, words=words)


@referrals.post("/<int:referral_id>/decide")
def decide(referral_id: int) -> Answer:
    """Accept or reject one, with a note."""
    verdict = request.form.get("verdict", "")
    with desk() as session:
        deciding.decide(session, g.shop, actor(), [referral_id], verdict, request.form.get("note", ""))
    undo = gettext("Undo"), f"/loyalty/referrals/undo?ids={referral_id}"
    return done(f"/loyalty/referrals/{referral_id}", _said(verdict, 1), undo)


@referrals.post("/decide")
def decide_many() -> Answer:
    """The same for all that are ticked."""
    verdict = request.form.get("verdict", "")
    with desk() as session:
        changed = deciding.decide(session, g.shop, actor(), _ids(request.form.getlist("id")), verdict)
    undo = gettext("Undo"), f"/loyalty/referrals/undo?ids={','.join(map(str, changed))}"
    return done(QUEUE, _said(verdict, len(changed)), undo if changed else None)


@referrals.post("/undo")
def undo() -> Answer:
    """Take back what was said."""
    ids = _ids(request.args.get("ids", "").split(","))
    with desk() as session:
        deciding.undo(session, g.shop, actor(), ids)
    back = f"/loyalty/referrals/{ids[0]}" if len(ids) == 1 else QUEUE
    return done(back, gettext("Taken back. The signals count again."))


def _ids(given: list[str]) -> list[int]:
    ids = [int(each) for each in given if each.isascii() and each.isdigit() and len(each) < 19]
    if not ids:
        raise Refused("Tick at least one referral.")
    return ids


def _said(verdict: str, count: int) -> str:
    if verdict == "accepted":
        return ngettext("Referral accepted.", "%(number)s referrals accepted.", count, number=number(count))
    return ngettext("Referral rejected.", "%(number)s referrals rejected.", count, number=number(count))


@referrals.get("/settings")
def settings() -> str:
    """The form of the terms."""
    with desk() as session:
        program = loyalty.latest_program(session, g.shop)
        return _form(session, _filled(program) if program else TermsForm(), program)


@referrals.post("/settings")
def save() -> Answer:
    """Keep the typed terms as a new version of the programme."""
    form = TermsForm(request.form)
    with desk() as session:
        program = loyalty.latest_program(session, g.shop)
        if not form.validate():
            return _form(session, form, program), 422
        try:
            save_terms(session, g.shop, actor(), form.terms(), form.shown)
        except Invalid as error:
            form.reject(error)
            return _form(session, form, program), 422
    return done("/loyalty/referrals/settings", gettext("Saved. Invitations taken up before keep their terms."))


def _filled(program: ProgramRules) -> TermsForm:
    unit = 10 ** digits(program.currency)
    return TermsForm(data=of_terms(program.document.referrals, program.version, unit))


def _form(session: Session, form: TermsForm, program: ProgramRules | None) -> str:
    return page("referrals/settings.html", form=form, program=program)
