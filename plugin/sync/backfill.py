"""A bulk result → the mirror, in chunks: constant memory, the shop's lock a chunk, resumable at any line.

Each line is one object; the rows of its connection follow it with `__parentId`. A chunk ends before a parent, so an
order and its lines stay together. Rows whose parent has gone by already (the platform promises only "after") are asked
for with a fetch of that parent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy.orm import Session

from plugin.reactions import react
from plugin.shops.models import Shop
from plugin.sync import node_telling, nodes
from plugin.sync.apply import apply
from plugin.sync.batch import Batch, Source
from plugin.sync.drain import UNREADABLE
from plugin.sync.nodes import numeric_id
from plugin.sync.versions import digest

CHUNK_PARENTS = 1000
_CHILD = b'"__parentId"'

Told = tuple[Any, list[Any], bytes]  # the object, the rows of its connection, the digest of its line


@dataclass(frozen=True)
class Kind:
    """How the lines of one kind of object are read and told."""

    parent: Any
    child: Any
    tell: Callable[[Batch, Source, Any, list[Any]], None]


@dataclass
class Chunk:
    """Some objects in a row. `end` is the offset after their last line."""

    told: dict[str, Told] = field(default_factory=dict)
    orphans: set[str] = field(default_factory=set)
    skipped: list[str] = field(default_factory=list)
    end: int = 0

    @property
    def rows(self) -> int:
        return len(self.told)


def _customer(batch: Batch, source: Source, told: nodes.Customer, _: list[Any]) -> None:
    node_telling.customer(batch, source, told)


def _order(batch: Batch, source: Source, told: nodes.Order, lines: list[nodes.Line]) -> None:
    """Refunds do not come with bulk lines, so an order that has some is read singly as well."""
    node_telling.order_with(batch, source, told, lines)
    node_telling.fulfillments(batch, source, told)
    if told.refunds:
        batch.fetch("orders", numeric_id(told.id))


KINDS = {
    "customers": Kind(nodes.Customer, nodes.Ref, _customer),
    "products": Kind(nodes.Product, nodes.Variant, node_telling.product_with),
    "orders": Kind(nodes.Order, nodes.Line, _order),
    "checkouts": Kind(nodes.Checkout, nodes.CheckoutLine, node_telling.checkout_with),
}


def chunks(kind: str, lines: Iterable[tuple[int, bytes]], size: int = CHUNK_PARENTS) -> Iterator[Chunk]:
    """Lines, each with the offset after it → chunks of `size` objects with their rows."""
    read = Reader(KINDS[kind])
    chunk = Chunk()
    for end, line in lines:
        is_child = _CHILD in line
        if not is_child and chunk.rows >= size:
            yield chunk
            chunk = Chunk()
        if line:
            (read.child if is_child else read.parent)(chunk, line)
        chunk.end = end
    if chunk.end:
        yield chunk


class Reader:
    """Reads the lines of one kind; what cannot be read is noted and left out."""

    def __init__(self, kind: Kind) -> None:
        self._parent = msgspec.json.Decoder(kind.parent, strict=False)
        self._child = msgspec.json.Decoder(kind.child, strict=False)

    def parent(self, chunk: Chunk, line: bytes) -> None:
        try:
            told = self._parent.decode(line)
        except UNREADABLE as error:
            chunk.skipped.append(str(error))
            return
        chunk.told[told.id] = told, [], digest(line)

    def child(self, chunk: Chunk, line: bytes) -> None:
        try:
            row = self._child.decode(line)
        except UNREADABLE as error:
            chunk.skipped.append(str(error))
            return
        if row.parent in chunk.told:
            chunk.told[row.parent][1].append(row)
        else:
            chunk.orphans.add(row.parent)


def write(session: Session, shop: Shop, kind: str, chunk: Chunk, read_at: datetime) -> None:
    """One chunk into the mirror, with everything that follows from it. `read_at`: when the store began to read."""
    batch = Batch(shop.id)
    for gid, (told, rows, sha256) in list(chunk.told.items()):
        try:
            KINDS[kind].tell(batch, Source(shop, read_at, sha256, read_at), told, rows)
        except UNREADABLE as error:
            # Half an object must not stay in the batch: begin again without it.
            del chunk.told[gid]
            chunk.skipped.append(str(error))
            return write(session, shop, kind, chunk, read_at)
    for gid in chunk.orphans if kind in ("orders", "products") else ():
        batch.fetch(kind, numeric_id(gid))
    react(session, shop, apply(session, shop, batch))
    return None
