"""Bulk operations of the store, and the results it leaves at an address for seven days."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import requests
from urllib3.exceptions import HTTPError

from plugin.errors import Unavailable
from plugin.shops import api
from plugin.shops.models import Shop

QUERIES = Path(__file__).parent / "bulk"
TIMEOUTS = 5.0, 20.0  # seconds to connect and between bytes
BLOCK_BYTES = 256 * 2**10
GONE = (400, 401, 403, 404, 410)  # what signed addresses answer once they have expired
ROOTS = {"checkouts": "abandonedCheckouts", "refunds": "orders"}  # connections that are not named like their kind
UNREFUNDED = ("pending", "authorized", "partially_paid", "paid", "voided", "expired")
ONLY = {"refunds": " ".join(f"-financial_status:{status}" for status in UNREFUNDED)}  # searches that always hold


class Gone(Exception):
    """The result is not at its address any more: the operation has to be asked for anew."""


class Broken(Exception):
    """The connection broke while a result was read: what was read stands."""


@dataclass(frozen=True)
class Operation:
    """A bulk operation as the store describes it.

    `url` holds the whole result, `partial_url` what there is of one that failed; both are None when nothing was found.
    `size` is the result's bytes where the store says so.
    """

    gid: str
    status: str
    error_code: str | None
    created_at: datetime
    objects: int
    rows: int
    url: str | None
    partial_url: str | None = None
    size: int | None = None


def query(kind: str, goes_on_from: str | None = None, mark: str = "") -> str:
    """The inner query that reads all objects of a kind, or those that a search finds.

    `mark` is a word by which the operation can be found again when the answer to our asking was lost.
    """
    text = (QUERIES / f"{kind}.graphql").read_text(encoding="utf-8")
    if search := " ".join(part for part in (ONLY.get(kind), goes_on_from) if part):
        root = ROOTS.get(kind, kind)
        text = text.replace(f"  {root} {{", f"  {root}(query: {json.dumps(search)}) {{", 1)
    return f"# {mark}\n{text}" if mark else text


def begin(shop: Shop, kind: str, goes_on_from: str | None = None, mark: str = "") -> str:
    """Start the store's bulk operation; its GID. Raises UserErrors when too many are running."""
    return start(shop, query(kind, goes_on_from, mark))


def start(shop: Shop, text: str) -> str:
    """Start a bulk operation for this inner query; its GID. Raises UserErrors when too many are running."""
    return str(api.execute(shop, "BulkRun", {"query": text})["bulkOperationRunQuery"]["bulkOperation"]["id"])


def cancel(shop: Shop, gid: str) -> None:
    """Stop a bulk operation. Raises UserErrors when it has ended."""
    api.execute(shop, "BulkCancel", {"id": gid})


def find(shop: Shop, mark: str) -> str | None:
    """The GID of the operation that carries this mark, among the store's latest."""
    latest = api.execute(shop, "BulkLatest")["bulkOperations"]["nodes"]
    return next((str(one["id"]) for one in latest if one["query"].startswith(f"# {mark}\n")), None)


def count(shop: Shop, kind: str) -> int | None:
    """How many objects of a kind the store has; None when it does not say."""
    if kind in ONLY:
        return None
    root = ROOTS.get(kind, kind)
    told = api.execute(shop, "HowMany").get(f"{root}Count")
    return int(told["count"]) if told else None


def look(shop: Shop, gid: str) -> Operation | None:
    """How far the operation is; None when the store knows it no longer."""
    told = api.execute(shop, "BulkOne", {"id": gid})["bulkOperation"]
    if told is None:
        return None
    return Operation(
        gid,
        told["status"],
        told["errorCode"],
        datetime.fromisoformat(told["createdAt"]),
        int(told["objectCount"]),
        int(told["rootObjectCount"]),
        told["url"],
        told["partialDataUrl"],
        int(told["fileSize"]) if told["fileSize"] else None,
    )


def lines(url: str, start: int = 0, size: int | None = None, whole: bool = True) -> Iterator[tuple[int, bytes]]:
    """The lines of a result from byte `start` on, each with the offset after it; never all of it in memory.

    `size` is where it must end. A result that is not `whole` may end within a line, which is left out. Raises Broken
    when the connection breaks or the end is missing, and `start` goes on from there; Unavailable, and Gone when the
    address has expired.
    """
    if size is not None and start >= size:
        return
    end = start
    try:
        with requests.get(url, headers=_headers(start), stream=True, timeout=TIMEOUTS) as response:
            if response.status_code == 416:  # everything was read before
                return
            _check(response.status_code)
            skip = start if response.status_code == 200 else 0
            for end, line in _split(_blocks(response), start - skip, skip, size, whole):
                yield end, line
    except requests.RequestException as error:
        raise Broken from error
    if whole and size is not None and end < size:
        raise Broken


def _headers(start: int) -> dict[str, str]:
    plain = {"Accept-Encoding": "identity"}
    return plain | {"Range": f"bytes={start}-"} if start else plain


def _check(status: int) -> None:
    if status in GONE:
        raise Gone
    if status not in (200, 206):
        raise Unavailable("The store's result could not be read (status %(status)s).", status=status)


def _blocks(response: requests.Response) -> Iterator[bytes]:
    """The body as it comes: what is there when the connection breaks is not lost."""
    try:
        while block := response.raw.read1(BLOCK_BYTES):
            yield block
    except HTTPError as error:
        raise Broken from error


def _split(
    blocks: Iterator[bytes], offset: int, skip: int, size: int | None = None, whole: bool = True
) -> Iterator[tuple[int, bytes]]:
    """Whole lines only: what stands behind the last line break counts when it reaches the end that is known."""
    rest = b""
    for block in blocks:
        *lines, rest = (rest + block).split(b"\n")
        for line in lines:
            offset += len(line) + 1
            if offset > skip:
                yield offset, line
    if rest and whole and size in (None, offset + len(rest)):
        yield offset + len(rest), rest
