"""Bytes that JSON allows and PostgreSQL does not: NUL becomes U+FFFD, and half a character is refused."""

from __future__ import annotations

import re

from plugin.errors import Invalid

_SUSPICIOUS = b"\x00", rb"\u0000", rb"\ud", rb"\uD"  # looked for as they stand: a third of what a pattern costs
_ESCAPE = re.compile(
    rb"\x00"
    rb"|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a pair: one character
    rb"|\\u(?:0000|[dD][89a-fA-F][0-9a-fA-F]{2})"
    rb"|\\."  # any other escape, so that the second half of a backslash pair starts nothing
)
_NUL = (b"\x00", b"\\u0000")
_REPLACEMENT = b"\\ufffd"
_HALF_BYTES = 6


def clean(body: bytes) -> bytes:
    """The body with NUL replaced; the same object when there is nothing to replace.

    Raises Invalid for a lone surrogate: what was meant cannot be known, and it would come back changed.
    """
    if not any(mark in body for mark in _SUSPICIOUS):
        return body
    return _ESCAPE.sub(_replaced, body)


def _replaced(match: re.Match[bytes]) -> bytes:
    found = match.group()
    if found in _NUL:
        return _REPLACEMENT
    if len(found) == _HALF_BYTES:
        raise Invalid("The body holds half a character (a lone surrogate).")
    return found
