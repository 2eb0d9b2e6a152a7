"""The store's search syntax as far as reconciliation uses it: `field:value`, `field:>='value'`, joined by AND."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

_TERM = re.compile(r"""(\w+):(>=|<=|>|<)?(?:'([^']*)'|"([^"]*)"|(\S+))""")
_FIELDS = {"updated_at": "updatedAt", "created_at": "createdAt", "processed_at": "processedAt"}


def matches(node: dict[str, Any], query: str) -> bool:
    """Whether the node fits all terms. Terms about what is always so here (status:any) fit."""
    return all(_fits(node, *term) for term in _TERM.findall(query))


def _fits(node: dict[str, Any], field: str, comparison: str, *values: str) -> bool:
    value = next(filter(None, values), "")
    if field == "id":
        return _compared(int(node["id"].rpartition("/")[2]), int(value), comparison)
    if field in _FIELDS:
        return _compared(_moment(node[_FIELDS[field]]), _moment(value), comparison)
    return True


def _compared(held: Any, asked: Any, comparison: str) -> bool:
    return {">=": held >= asked, "<=": held <= asked, ">": held > asked, "<": held < asked}.get(
        comparison, held == asked
    )


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.astimezone()
