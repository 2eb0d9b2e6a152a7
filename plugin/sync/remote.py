"""Bulk operations of the store, and the results it leaves at an address for seven days."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import requests

from plugin.errors import Unavailable
from plugin.shops import api
from plugin.shops.models import Shop

QUERIES = Path(__file__).parent / "bulk"
TIMEOUTS = 5.0, 60.0  # seconds to connect and between bytes
BLOCK_BYTES = 256 * 2**10


@dataclass(frozen=True)
class Operation:
    """A bulk operation as the store describes it; `url` is None when nothing was found."""

    gid: str
    status: str
    error_code: str | None
    created_at: datetime
    objects: int
    rows: int
    url: str | None


def query(kind: str) -> str:
    """The inner query that reads all objects of a kind: customers, products, orders or checkouts."""
    return (QUERIES / f"{kind}.graphql").read_text(encoding="utf-8")


def begin(shop: Shop, kind: str) -> str:
    """Start the store's bulk operation; its GID. Raises UserErrors when too many are running."""
    operation = api.execute(shop, "BulkRun", {"query": query(kind)})["bulkOperationRunQuery"]["bulkOperation"]
    return str(operation["id"])


def look(shop: Shop, gid: str) -> Operation | None:
    """How far the operation is; None when the store knows it no longer."""
    told = api.execute(shop, "BulkOne", {"id": gid})["bulkOperation"]
    if told is None:
        return None
    counts = int(told["objectCount"]), int(told["rootObjectCount"])
    created_at = datetime.fromisoformat(told["createdAt"])
    return Operation(gid, told["status"], told["errorCode"], created_at, *counts, told["url"] or told["partialDataUrl"])


def lines(url: str, start: int = 0) -> Iterator[tuple[int, bytes]]:
    """The lines of a result from byte `start` on, each with the offset after it; never the whole in memory.

    Raises Unavailable when the connection breaks; what was read stands, and `start` goes on from there.
    """
    headers = {"Range": f"bytes={start}-", "Accept-Encoding": "identity"} if start else {"Accept-Encoding": "identity"}
    try:
        with requests.get(url, headers=headers, stream=True, timeout=TIMEOUTS) as response:
            if response.status_code == 416:  # everything was read before
                return
            if response.status_code not in (200, 206):
                raise Unavailable(
                    "The store's result could not be read (status %(status)s).", status=response.status_code
                )
            skip = start if response.status_code == 200 else 0
            yield from _split(response.iter_content(BLOCK_BYTES), start - skip, skip)
    except requests.RequestException as error:
        raise Unavailable("The connection broke while the store's result was read.") from error


def _split(blocks: Iterator[bytes], offset: int, skip: int) -> Iterator[tuple[int, bytes]]:
    rest = b""
    for block in blocks:
        *whole, rest = (rest + block).split(b"\n")
        for line in whole:
            offset += len(line) + 1
            if offset > skip:
                yield offset, line
    if rest:
        yield offset + len(rest), rest
