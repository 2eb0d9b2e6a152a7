"""What a figure and a chart are, whichever feature counts them."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from flask import Response, stream_with_context
from flask_babel import get_locale, gettext

from admin_ui import formats


@dataclass(frozen=True)
class Figure:
    """One number: never without its period and how it is counted. `good` colours the change; None leaves it grey."""

    label: str
    value: str
    definition: str
    period: str
    delta: str = ""
    good: bool | None = None
    series: Sequence[float] = ()


@dataclass(frozen=True)
class Line:
    """One series of a chart: the numbers to draw and how each is written in the table."""

    name: str
    values: Sequence[int]
    shown: Sequence[str]
    previous: bool = False


@dataclass(frozen=True)
class Chart:
    """A chart whose title is its message. `kind` is line or bar; `digits` are the decimals cut off for the axis."""

    title: str
    kind: str
    axis: str
    labels: Sequence[str]
    series: Sequence[Line]
    csv: str
    note: str = ""
    currency: str = ""
    digits: int = 0
    locale: str = field(default_factory=lambda: str(get_locale()).replace("_", "-"))


@dataclass(frozen=True)
class Span:
    """From where to where on a picture, in per cent of its width."""

    start: Decimal
    end: Decimal

    @property
    def width(self) -> Decimal:
        return self.end - self.start


@dataclass(frozen=True)
class Range:
    """An interval to be drawn against zero; the label says it in words. Places are per cent of the width."""

    label: str
    thick: Span
    thin: Span
    middle: Decimal
    zero: Decimal


def change(now: int, before: int) -> tuple[str, bool | None]:
    """The change against the period before as text, and whether it grew; nothing when there is nothing to compare."""
    if not before:
        return "", None
    share = formats.percent(abs(now - before), before)
    if now == before:
        return gettext("no change"), None
    return (f"↑ {share}", True) if now > before else (f"↓ {share}", False)


def as_csv(name: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """A CSV file to download, sent row by row. Cells that a spreadsheet would run as a formula get an apostrophe."""
    disposition = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    lines = itertools.chain(["\ufeff"], (_line(row) for row in itertools.chain([header], rows)))
    return Response(stream_with_context(lines), mimetype="text/csv", headers=disposition)


def _line(row: Sequence[object]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow([_harmless(cell) for cell in row])
    return buffer.getvalue()


def _harmless(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell
