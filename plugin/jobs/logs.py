"""Logs: one JSON object a line, and only fields that are known to hold no personal data, tokens or signatures.

Allow-listing is the point: a field that is not named here is dropped, and `dropped` says so. Of an exception its class
and the lines of our code are kept, never its text, which may quote a row.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

from plugin.config import ROOT

FIELDS = {
    *("event", "level", "timestamp", "logger", "error", "trace", "dropped", "pid", "port"),
    *("shop_id", "effect_id", "inbox_id", "row_id", "run_id", "customer_id", "order_id", "message_id"),
    *("enrollment_id", "automation_id", "program_id", "request_id"),
    *("kind", "destination", "object", "topic", "state", "attempts", "count", "rows", "batch", "seconds"),
    *("codes", "status", "operation", "task", "method", "path", "endpoint", "served", "asked", "version"),
}
LONGEST_VALUE = 300
CHATTY = ("celery.worker.strategy", "celery.app.trace")  # two lines for each bell that rings
Event = MutableMapping[str, Any]


def set_up(level: int = logging.INFO) -> None:
    """Said once a process: our own events and those of libraries leave in the same form, on standard error."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_log_level,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = _StandardError()
    handler.setFormatter(formatter())
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)


class _StandardError(logging.StreamHandler):  # type: ignore[type-arg]
    """Writes to what standard error is now, not to what it was at the start."""

    @property
    def stream(self) -> Any:
        return sys.stderr

    @stream.setter
    def stream(self, _: Any) -> None:
        """Set by the parent class, and of no use here."""


def formatter() -> logging.Formatter:
    """JSON of the allowed fields; records of libraries keep their text only when they carry no exception."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[_of_library, structlog.stdlib.add_log_level],
        processors=[
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            name_exception,
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            only_known_fields,
            structlog.processors.JSONRenderer(),
        ],
    )


def only_known_fields(_: Any, __: str, event: Event) -> Mapping[str, Any]:
    """Drop what is not allowed; cut what is long; of a path keep the first part, because others may be secrets."""
    kept = {name: _short(value) for name, value in event.items() if name in FIELDS}
    if "path" in kept:
        kept["path"] = "/" + str(kept["path"]).lstrip("/").split("/")[0]
    if unknown := sorted(event.keys() - FIELDS):
        kept["dropped"] = unknown
    return kept


def name_exception(_: Any, __: str, event: Event) -> Event:
    """Replace an exception by its class and where in our code it passed."""
    raised = event.pop("exc_info", None)
    if raised is True:
        raised = sys.exc_info()
    error = raised[1] if isinstance(raised, tuple) else raised
    if isinstance(error, BaseException):
        event["error"] = type(error).__name__
        event["trace"] = _lines(error)
    return event


def _lines(error: BaseException) -> list[str]:
    ours = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(str(ROOT))]
    return [f"{frame.filename.removeprefix(str(ROOT))[1:]}:{frame.lineno}" for frame in ours[-8:]]


def _of_library(logger: Any, method: str, event: Event) -> Event:
    record: logging.LogRecord = event["_record"]
    event["logger"] = record.name
    if record.exc_info:
        # The text of a failed task quotes the exception; the template does not.
        event["event"] = str(record.msg)
        event["exc_info"] = record.exc_info
    return event


def _short(value: Any) -> Any:
    if isinstance(value, str) and len(value) > LONGEST_VALUE:
        return value[:LONGEST_VALUE] + "…"
    return value
