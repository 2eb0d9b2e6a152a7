"""Logs hold known fields only, and no texts of exceptions."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from plugin.jobs import logs

CANARY = "canary@example.com"


@pytest.fixture
def written(capsys: pytest.CaptureFixture) -> Iterator[pytest.CaptureFixture]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    logs.set_up()
    yield capsys
    root.handlers[:] = before
    root.setLevel(level)
    structlog.reset_defaults()


def lines(capsys: pytest.CaptureFixture) -> list[dict]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_unknown_fields_are_dropped_and_named(written: pytest.CaptureFixture) -> None:
    structlog.get_logger().info("customer_seen", shop_id=7, email=CANARY, token="shpat_secret")
    [line] = lines(written)
    assert (line["event"], line["shop_id"], line["level"]) == ("customer_seen", 7, "info")
    assert line["dropped"] == ["email", "token"] and CANARY not in str(line) and "shpat" not in str(line)


def test_an_exception_leaves_its_class_and_our_lines_alone(written: pytest.CaptureFixture) -> None:
    try:
        logs.only_known_fields(None, "", CANARY)
    except AttributeError:
        structlog.get_logger().exception("broken", shop_id=7)
    [line] = lines(written)
    assert line["error"] == "AttributeError" and CANARY not in str(line)
    assert any(place.startswith("plugin/jobs/logs.py:") for place in line["trace"])


def test_libraries_write_in_the_same_form(written: pytest.CaptureFixture) -> None:
    logging.getLogger("celery.worker").warning("connection to %s lost", "redis")
    try:
        raise ValueError(CANARY)
    except ValueError as error:
        logging.getLogger("celery.app.trace").error("Task raised: %s", error, exc_info=True)
    first, second = lines(written)
    assert (first["event"], first["logger"]) == ("connection to redis lost", "celery.worker")
    assert second["error"] == "ValueError" and CANARY not in json.dumps(second)


def test_of_a_path_only_the_first_part_is_kept(written: pytest.CaptureFixture) -> None:
    structlog.get_logger().info("asked", path="/u/a-secret-token")
    assert lines(written)[0]["path"] == "/u"
