"""Arrays in PostgreSQL's binary form, and a prepared statement that takes them.

Written out here because the driver's own way of adapting lists costs more than everything else a webhook costs.
Form: PostgreSQL's documentation and source, `array_send`: dimensions, whether there are nulls, element type, length,
lower bound, then each element with its length (-1: null).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from struct import Struct

import psycopg
from psycopg import pq

BYTEA, BIGINT, TEXT, TIMESTAMPTZ = 17, 20, 25, 1184
_HEAD = Struct("!iiIii")
_LENGTH = Struct("!i")
_NUMBER = Struct("!q")
_NULL = _LENGTH.pack(-1)
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def bigints(values: Sequence[int]) -> bytes:
    """bigint[]."""
    return _array(BIGINT, [_NUMBER.pack(value) for value in values])


def texts(values: Sequence[str | None]) -> bytes:
    """text[]."""
    return _array(TEXT, [None if value is None else value.encode() for value in values])


def byteas(values: Sequence[bytes]) -> bytes:
    """bytea[]."""
    return _array(BYTEA, values)


def moments(values: Sequence[datetime | None]) -> bytes:
    """timestamptz[]: microseconds since 2000."""
    return _array(TIMESTAMPTZ, [None if value is None else _since(value) for value in values])


def execute(connection: psycopg.Connection, statement: bytes, parameters: Sequence[bytes]) -> None:
    """Run a statement with binary parameters, prepared once a connection. Raises psycopg's errors."""
    name = b"s%d" % id(statement)
    server = connection.pgconn
    result = server.exec_prepared(name, parameters, [pq.Format.BINARY] * len(parameters))
    if result.error_field(pq.DiagnosticField.SQLSTATE) == b"26000":  # not prepared on this connection yet
        _check(server.prepare(name, statement), server)
        result = server.exec_prepared(name, parameters, [pq.Format.BINARY] * len(parameters))
    _check(result, server)


def _check(result: pq.abc.PGresult, server: pq.abc.PGconn) -> None:
    if result.status in (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK):
        return
    if server.status != pq.ConnStatus.OK:
        raise psycopg.OperationalError("The connection to the database was lost.")
    raise psycopg.errors.error_from_result(result)


def _array(element: int, values: Sequence[bytes | None]) -> bytes:
    parts = [_HEAD.pack(1, None in values, element, len(values), 1)]
    for value in values:
        parts += (_NULL,) if value is None else (_LENGTH.pack(len(value)), value)
    return b"".join(parts)


def _since(moment: datetime) -> bytes:
    return _NUMBER.pack((moment - _EPOCH) // _MICROSECOND)
