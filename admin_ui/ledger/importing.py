"""Points from another programme: a file, what is wrong with it, its way into the ledger and back."""

from __future__ import annotations

from flask import Blueprint, Response, g, request
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session
from wtforms import FileField, RadioField

from admin_ui.figures import as_csv
from admin_ui.forms import PanelForm, said
from admin_ui.ledger import words
from admin_ui.panel import actor, desk, done, page, refreshed
from plugin.errors import Invalid
from plugin.jobs.doorbell import ring
from plugin.loyalty.books.verifying import Fault
from plugin.loyalty.importing import applying, preparing
from plugin.loyalty.importing.models import PointImportRow
from plugin.loyalty.importing.reading import LARGEST_BYTES

imports = Blueprint("point_imports", __name__, url_prefix="/loyalty/imports")
Answer = str | Response | tuple[str, int]
SHOWN = 100
EXAMPLE = (
    ("customer", "points", "date", "expires", "note"),
    ("anna@example.com", 250, "2025-03-01", "2026-12-31", "Balance of the old programme"),
    ("6543210987654", -100, "2025-06-01", "", "Spent there"),
)


class ImportForm(PanelForm):
    """A file, and what holds for points without a day of expiry."""

    file = FileField(_("CSV file"))
    undated = RadioField(
        _("Points without a last day"),
        choices=[
            ("today", _("expire as the programme says, counted from today")),
            ("date", _("expire as the programme says, counted from their own date")),
            ("never", _("never expire")),
        ],
        default="today",
    )


@imports.get("")
def index() -> str:
    """The form, and the files so far."""
    with desk() as session:
        return _index(session, ImportForm())


@imports.post("")
def upload() -> Answer:
    """Read a file and show what it would do."""
    form, file = ImportForm(request.form), request.files.get("file")
    with desk() as session:
        try:
            if file is None or not file.filename:
                raise Invalid("Choose a file.", "file")
            data = file.stream.read(LARGEST_BYTES + 1)
            with session.begin_nested():
                found = preparing.prepare(session, g.shop, file.filename, data, form.undated.data or "", actor())
        except Invalid as error:
            form.reject(error)
            return _index(session, form), 422
        return refreshed(f"/loyalty/imports/{found.id}")


@imports.get("/example.csv")
def example() -> Response:
    """A file to begin with."""
    return as_csv("points", EXAMPLE[0], EXAMPLE[1:])


@imports.get("/<int:import_id>")
def show(import_id: int) -> str:
    """One file: what it would do, how far it is, what was left out."""
    with desk() as session:
        return page("ledger/import.html", **_one(session, import_id))


@imports.get("/<int:import_id>/progress")
def progress(import_id: int) -> str:
    """The part of the page that moves while it runs."""
    with desk() as session:
        return page("ledger/progress.html", **_one(session, import_id))


@imports.get("/<int:import_id>/problems.csv")
def problems(import_id: int) -> Response:
    """All lines that cannot be imported, as a file."""
    with desk() as session:
        preparing.of_shop(session, g.shop, import_id)
        rows = preparing.problems(session, g.shop, import_id, limit=100_000)
        lines = [[row.line, row.who, row.points if row.points is not None else "", _problem(row)] for row in rows]
    header = [gettext("Line"), gettext("Customer"), gettext("Points"), gettext("Why not")]
    return as_csv("problems", header, lines)


@imports.post("/<int:import_id>/start")
def start(import_id: int) -> Response:
    """Put the lines that are right into the ledger."""
    with desk() as session:
        applying.start(session, g.shop, import_id, actor())
    ring("loyalty.keep_books")
    return refreshed(f"/loyalty/imports/{import_id}")


@imports.post("/<int:import_id>/discard")
def discard(import_id: int) -> Response:
    """Forget a file that was only looked at."""
    with desk() as session:
        preparing.discard(session, g.shop, import_id)
    return done("/loyalty/imports", gettext("The file was forgotten. Nothing was imported."))


@imports.post("/<int:import_id>/take-back")
def take_back(import_id: int) -> Response:
    """Undo all of an import."""
    with desk() as session:
        applying.take_back(session, g.shop, import_id, actor())
    ring("loyalty.keep_books")
    return refreshed(f"/loyalty/imports/{import_id}")


def _index(session: Session, form: ImportForm) -> str:
    return page("ledger/imports.html", form=form, imports=preparing.imports(session, g.shop), words=words)


def _one(session: Session, import_id: int) -> dict[str, object]:
    found = preparing.of_shop(session, g.shop, import_id)
    rows = preparing.problems(session, g.shop, import_id, SHOWN)
    faults = [{"line": row.line, "who": row.who, "points": row.points, "why": _problem(row)} for row in rows]
    return {"found": found, "faults": faults, "words": words, "good": found.lines - found.faulty}


def _problem(row: PointImportRow) -> str:
    kept = row.problem or {"sentence": "", "values": {}}
    return said(Fault(kept["sentence"], **kept["values"]))
