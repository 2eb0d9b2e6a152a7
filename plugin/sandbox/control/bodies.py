"""Parts of the control API's JSON bodies."""

from typing import Any

from flask import request

from plugin.sandbox.errors import Refused
from plugin.sandbox.records import CartLine


def lines_of(body: dict[str, Any]) -> list[CartLine]:
    """`lines`: [{"variant_id", "quantity"}]; `Refused` when they are not like that."""
    try:
        return [
            CartLine(variant_id=int(line["variant_id"]), quantity=int(line.get("quantity", 1)))
            for line in body.get("lines", [])
        ]
    except (TypeError, ValueError, KeyError, AttributeError) as broken:
        raise Refused("Each line needs a variant_id and a quantity", field=("lines",)) from broken


def whole_number(body: dict[str, Any], name: str) -> int | None:
    """An id that may be missing; a string of digits will do."""
    value = body.get(name)
    try:
        return None if value is None else int(value)
    except (TypeError, ValueError) as broken:
        raise Refused(f"{name} must be a number", field=(name,)) from broken


def asked() -> dict[str, Any]:
    """The JSON object of the request; `Refused` when it is something else."""
    body = request.get_json(force=True, silent=True) if request.get_data() else {}
    if not isinstance(body, dict):
        raise Refused("Send a JSON object")
    return body
