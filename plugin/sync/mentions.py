"""Whether a body, as the store sent it, names somebody: by number, address or token, however it is escaped."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

_NUMBER = re.compile(rb"(?<![0-9])[0-9]{1,19}(?![0-9])")
_ADDRESS = re.compile(rb"[^\s\"'<>(),;:\\]{1,64}@[^\s\"'<>(),;:\\]{1,255}")


class Mentions:
    """What to look for: ids as whole numbers, words without regard to case."""

    def __init__(self, ids: Iterable[int], words: Iterable[str]) -> None:
        self._words = [word.strip().lower().encode() for word in words if word.strip()]
        self._ids = [str(id).encode() for id in ids]
        numbers = b"|".join(self._ids)
        self._whole = re.compile(rb"(?<![0-9])(?:" + numbers + rb")(?![0-9])") if numbers else None

    def in_body(self, body: bytes) -> bool:
        """Whether the body names any of them."""
        plain = unescaped(body).lower()
        if any(word in plain for word in self._words):
            return True
        # A plain search is many times faster than the expression, which most bodies never need.
        near = any(id in plain for id in self._ids)
        return near and self._whole is not None and self._whole.search(plain) is not None


def names_in(body: bytes) -> tuple[set[int], set[str]]:
    """Every number and every address of a body, whoever they belong to."""
    plain = unescaped(body)
    numbers = {int(number) for number in _NUMBER.findall(plain)}
    return numbers, {word.decode("utf-8", "replace").lower() for word in _ADDRESS.findall(plain)}


def unescaped(body: bytes) -> bytes:
    """A JSON body may write any letter as \\uXXXX and a slash as \\/: read it and write it plainly."""
    if b"\\" not in body:
        return body
    try:
        return json.dumps(json.loads(body), ensure_ascii=False).encode("utf-8", "replace")
    except (ValueError, RecursionError):
        return body
