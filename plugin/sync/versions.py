"""Versions: which of two tellings about the same thing is the newer one.

32 bytes whose byte order is the order of (stamp, triggered, sha256 of the body): the store's own moment of the change,
then the moment of the event, then the content, so that any two different bodies have an order and every process agrees
on it. The greater wins, hence deliveries may come in any order and any number. An empty version is older than all.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

NEVER = b""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_ZERO = 2**63  # moments before 1970 sort below
_GONE = b"\xff" * 8  # above every stamp: nothing comes after a deletion, ids are never used again


def version(stamp: datetime | None, triggered_at: datetime | None, sha256: bytes) -> bytes:
    """The version of what a body says at `stamp` (the object's own time of change; None sorts first)."""
    return _moment(stamp) + _moment(triggered_at) + sha256[:16]


def deletion(triggered_at: datetime | None, sha256: bytes) -> bytes:
    """The version of a tombstone: greater than that of any state."""
    return _GONE + _moment(triggered_at) + sha256[:16]


def told_at(triggered_at: datetime | None) -> bytes:
    """Bytes 9 to 16 of every version of something told by an event of this moment."""
    return _moment(triggered_at)


def digest(body: bytes) -> bytes:
    """SHA-256 of a body."""
    return hashlib.sha256(body).digest()


def in_utc(moment: datetime | None) -> datetime | None:
    """A moment of a payload; one that names no time zone is taken as UTC."""
    if moment is None or moment.tzinfo is not None:
        return moment
    return moment.replace(tzinfo=UTC)


def _moment(moment: datetime | None) -> bytes:
    if moment is None:
        return bytes(8)
    since = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH
    return (_ZERO + since // _MICROSECOND).to_bytes(8, "big")
