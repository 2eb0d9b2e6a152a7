"""When a split began, and who has been on one side all along."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from plugin.insights.profit_split import Span, Version, split

DAY = timedelta(days=1)
START = datetime(2026, 3, 1, tzinfo=UTC)
LATER = START + 100 * DAY


def version(day: int, percent: int, salt: int | None = 7, made: int | None = None) -> Version:
    return Version(START + day * DAY, START + (day if made is None else made) * DAY, percent, salt)


@pytest.mark.parametrize(
    "versions",
    [
        [],
        [version(0, 0)],
        [version(0, 10), version(20, 0)],
        [version(0, 10, salt=None)],
        [version(101, 10)],
    ],
    ids=["no programme", "nobody held out", "no more", "from before there was a salt", "not yet"],
)
def test_there_is_no_split(versions: list[Version]) -> None:
    assert split(versions, LATER) is None


def test_it_begins_where_the_first_were_held_out_and_goes_on_over_versions() -> None:
    found = split([version(0, 0), version(5, 10), version(30, 10), version(40, 20)], LATER)
    assert found is not None and found.started_at == START + 5 * DAY and found.percent == 20
    assert found.weeks(LATER) == 13 and found.at(13) == START + 96 * DAY
    assert found.weeks(START) == 0


def test_a_split_that_was_ended_begins_anew() -> None:
    found = split([version(0, 10), version(20, 0), version(30, 10)], LATER)
    assert found is not None and found.started_at == START + 30 * DAY


def test_past_orders_cannot_have_been_kept_from_anything() -> None:
    found = split([version(-700, 10, made=3)], LATER)
    assert found is not None and found.started_at == START + 3 * DAY


def test_whoever_changed_sides_with_the_share_is_on_none() -> None:
    found = split([version(0, 10), version(40, 20), version(60, 15)], LATER)
    assert found is not None
    until = START + 91 * DAY
    assert found.spans(until) == [
        Span(START, START + 40 * DAY, 1_000, 2_000),
        Span(START + 40 * DAY, START + 60 * DAY, 1_500, 2_000),
        Span(START + 60 * DAY, until, 1_500, 1_500),
    ]
    assert found.spans(START + 35 * DAY) == [Span(START, START + 35 * DAY, 1_000, 1_000)]
