"""What a request says, checked once: numbers, keys, where to go back to, who is calling from where."""

from __future__ import annotations

import re
from collections.abc import Mapping

from flask import request

from plugin.errors import Invalid

REQUEST_KEY = re.compile(r"\A[A-Za-z0-9_-]{8,64}\Z")
LARGEST_ID = 2**63 - 1


def number(name: str, values: Mapping[str, str] | None = None) -> int:
    """An id from the form (or `values`). Raises Invalid."""
    text = (request.form if values is None else values).get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) < 20 and 0 < int(text) <= LARGEST_ID):
        raise Invalid("Something is missing in this request. Load the page again.", name)
    return int(text)


def points() -> int | None:
    """How many points to give, where the reward lets choose; None when nothing is said. Raises Invalid."""
    text = request.form.get("points", "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 11):
        raise Invalid("Enter a whole number of points.", "points")
    return int(text)


def request_key() -> str:
    """The name of one click: repeating it repeats nothing. Raises Invalid."""
    key = request.form.get("request_key", "")
    if not REQUEST_KEY.match(key):
        raise Invalid("Something is missing in this request. Load the page again.", "request_key")
    return key


def wants_json() -> bool:
    """The script asks for data; a plain form gets a page."""
    wished = request.accept_mimetypes
    return wished.best_match(["application/json", "text/html"], "application/json") == "application/json"


def back() -> str:
    """Where the visitor came from: a path of the same store, else its front page."""
    path = request.values.get("return_to", "/")
    safe = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path[:500] if safe else "/"


def client() -> str:
    """The caller's address as the platform forwards it; only ever hashed."""
    return request.headers.get("X-Forwarded-For", request.remote_addr or "").split(",")[0].strip()[:64]
