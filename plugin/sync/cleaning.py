"""Bytes that JSON allows and PostgreSQL does not: NUL characters and lone surrogates become U+FFFD."""

from __future__ import annotations

import re

_SUSPICIOUS = re.compile(rb"\x00|\\u0000|\\u[dD][89a-fA-F]")
_ESCAPE = re.compile(
    rb"\x00"
    rb"|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a pair: one character
    rb"|\\u(?:0000|[dD][89a-fA-F][0-9a-fA-F]{2})"
    rb"|\\."  # any other escape, so that the second half of a backslash pair starts nothing
)
_REPLACEMENT = b"\\ufffd"
_PAIR_BYTES = 12


def clean(body: bytes) -> bytes:
    """The body with what cannot be stored replaced; the same object when there is nothing to replace."""
    if _SUSPICIOUS.search(body) is None:
        return body
    return _ESCAPE.sub(_replaced, body)


def _replaced(match: re.Match[bytes]) -> bytes:
    found = match.group()
    if found == b"\x00":
        return _REPLACEMENT
    if len(found) == _PAIR_BYTES or not found.startswith(b"\\u"):
        return found
    return _REPLACEMENT
