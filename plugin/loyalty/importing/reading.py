"""A CSV file of points as it is typed: columns by name, in any order; problems are told at their line. Pure.

Columns: customer (an e-mail address or the store's number), points (negative for what was spent), and if wanted date,
expires (the last day on which the points can be spent) and note. Comma, semicolon or tab between them; UTF-8.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from plugin.errors import Invalid

LARGEST_BYTES = 30 * 1024 * 1024
MOST_LINES = 300_000
MOST_POINTS = 10_000_000
LONGEST_NOTE = 200
FIRST_YEAR = 1990
NAMES: Final = {
    "customer": ("customer", "email", "e-mail", "customer id", "customer_id", "customer email", "id"),
    "points": ("points", "balance", "points balance", "amount"),
    "date": ("date", "earned on", "created at", "created_at", "day"),
    "expires": ("expires", "expires on", "expires_on", "expiry", "expiry date", "expires at", "expires_at"),
    "note": ("note", "reason", "description", "comment"),
}
NEEDED: Final = ("customer", "points")
_WHOLE = re.compile(r"[+-]?\d{1,15}")


class Line(NamedTuple):
    """A line that can be read. Moments are UTC; `expires_at` is the first one at which the points are gone."""

    number: int
    who: str
    points: int
    occurred_at: datetime | None
    expires_at: datetime | None
    note: str


class Unreadable(NamedTuple):
    """A line that cannot be."""

    number: int
    who: str
    problem: Invalid


def read(data: bytes, timezone: str, now: datetime) -> Iterator[Line | Unreadable]:
    """The lines of a file, blank ones left out. Raises Invalid("file") when the whole of it cannot be read."""
    if len(data) > LARGEST_BYTES:
        raise Invalid("This file is larger than %(most)s MB. Split it.", "file", most=LARGEST_BYTES // 2**20)
    text = _text(data)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    try:
        header = next(rows, [])
        places = _places(header)
        for count, row in enumerate(rows, start=1):
            if count > MOST_LINES:
                raise Invalid("This file has more than %(most)s lines. Split it.", "file", most=MOST_LINES)
            if any(cell.strip() for cell in row):
                yield _line(rows.line_num, row, places, len(header), ZoneInfo(timezone), now)
    except csv.Error as error:
        raise Invalid(
            "Line %(line)s cannot be read: a quotation mark is not closed, or the file was cut off there.",
            "file",
            line=rows.line_num,
        ) from error


def _text(data: bytes) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Invalid("This is not a CSV file in UTF-8. Save it as “CSV UTF-8” and try again.", "file") from error
    if not text.strip() or "\0" in text:
        raise Invalid("This file is empty or not a CSV file.", "file")
    return text


def _delimiter(text: str) -> str:
    first = text.lstrip().partition("\n")[0]
    return max(",;\t", key=first.count)


def _places(header: Sequence[str]) -> dict[str, int]:
    """Column → its place. Raises Invalid that names what is not known, double or missing."""
    known = {name: column for column, names in NAMES.items() for name in names}
    places: dict[str, int] = {}
    for place, cell in enumerate(header):
        column = known.get(" ".join(cell.split()).lower())
        if column is None:
            raise Invalid(
                "The column “%(name)s” is not known. Known are: customer, points, date, expires, note.",
                "file",
                name=cell.strip()[:40],
            )
        if column in places:
            raise Invalid("Two columns say “%(name)s”.", "file", name=column)
        places[column] = place
    if missing := [column for column in NEEDED if column not in places]:
        raise Invalid("The column “%(name)s” is missing.", "file", name=missing[0])
    return places


def _line(
    number: int, row: Sequence[str], places: dict[str, int], width: int, zone: ZoneInfo, now: datetime
) -> Line | Unreadable:
    cells = {column: row[place].strip() if place < len(row) else "" for column, place in places.items()}
    who = cells["customer"][:320]
    try:
        if len(row) != width:
            raise Invalid("This line has %(found)s cells, the first line has %(width)s.", found=len(row), width=width)
        if not who:
            raise Invalid("The customer is missing.")
        occurred = _occurred(cells.get("date", ""), zone, now)
        expires = _expires(cells.get("expires", ""), zone, occurred or now)
        points = _points(cells["points"])
        return Line(number, who, points, occurred, expires, cells.get("note", "")[:LONGEST_NOTE])
    except Invalid as problem:
        return Unreadable(number, who, problem)


def _points(typed: str) -> int:
    bare = re.sub(r"[\s\u00a0\u202f'’]", "", typed)
    if not _WHOLE.fullmatch(bare):
        raise Invalid("“%(typed)s” is not a whole number of points.", typed=typed[:40])
    points = int(bare)
    if not points or abs(points) > MOST_POINTS:
        raise Invalid("Points must be other than 0 and at most %(most)s.", most=MOST_POINTS)
    return points


def _occurred(typed: str, zone: ZoneInfo, now: datetime) -> datetime | None:
    if not typed:
        return None
    moment = _moment(typed, zone)
    if moment > now:
        raise Invalid("%(day)s is in the future.", day=typed)
    return moment


def _expires(typed: str, zone: ZoneInfo, occurred: datetime) -> datetime | None:
    """The start of the day after the last one, on the shop's clocks."""
    if not typed:
        return None
    last = _moment(typed, zone).astimezone(zone).date()
    gone = datetime.combine(last + timedelta(days=1), time(), zone).astimezone(UTC)
    if gone <= occurred:
        raise Invalid("These points would have expired on %(day)s, before they came.", day=typed)
    return gone


def _moment(typed: str, zone: ZoneInfo) -> datetime:
    try:
        moment = datetime.fromisoformat(typed)
    except ValueError as error:
        raise Invalid("“%(typed)s” is not a date like 2026-03-01.", typed=typed[:40]) from error
    if not FIRST_YEAR <= moment.year < date.max.year:
        raise Invalid("“%(typed)s” is not a date like 2026-03-01.", typed=typed[:40])
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
