"""Refunds of imported orders: by an operation of their own, and singly where it leaves anything in doubt.

The import of orders notes which have refunds (`import_lines` of the refunds' import, without a line). That import marks
those whose refunds came with at least one row each. At its end the others are read singly; and all of them when it ends
badly, or when rows came apart from their refund, since then nobody can say what is whole.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from plugin.shops.models import Shop
from plugin.sync import nodes
from plugin.sync.apply import apply
from plugin.sync.backfill import Chunk, refunds_of
from plugin.sync.batch import Batch
from plugin.sync.held import OPEN
from plugin.sync.models import ImportLine, SyncRun
from plugin.sync.nodes import numeric_id

NOTED, WHOLE = b"", b"whole"


def note(session: Session, shop: Shop, chunk: Chunk) -> None:
    """Keep in mind which of these orders have refunds; read them singly when no import of refunds is to come."""
    ids = {numeric_id(told.id) for told, *_ in chunk.told.values() if told.refunds}
    coming = SyncRun.shop_id == shop.id, SyncRun.object == "refunds", SyncRun.state.in_(OPEN)
    run_id = session.scalar(select(SyncRun.id).where(*coming).limit(1))
    if run_id is None:
        _read_singly(session, shop, ids)
    elif ids:
        noted = [{"shop_id": shop.id, "run_id": run_id, "parent": id, "line": NOTED} for id in ids]
        session.execute(insert(ImportLine), noted)


def mark(session: Session, shop: Shop, run_id: int, chunk: Chunk) -> None:
    """The orders of the chunk whose refunds are here with their rows."""
    whole = [numeric_id(told.id) for told, parts, _ in chunk.told.values() if _is_whole(refunds_of(parts))]
    mine = ImportLine.shop_id == shop.id, ImportLine.run_id == run_id, ImportLine.parent.in_(whole)
    session.execute(update(ImportLine).where(*mine).values(line=WHOLE))


def read_rest(session: Session, shop: Shop, run: SyncRun) -> None:
    """What the import of refunds, which ends here, did not bring for certain is read singly."""
    mine = ImportLine.shop_id == shop.id, ImportLine.run_id == run.id
    is_sure = run.state == "done" and not run.detail.get("loose")
    doubtful = (*mine, ImportLine.line == NOTED) if is_sure else mine
    _read_singly(session, shop, session.scalars(select(ImportLine.parent).where(*doubtful)).all())
    session.execute(delete(ImportLine).where(*mine))


def _is_whole(refunds: Collection[nodes.Refund]) -> bool:
    return bool(refunds) and all(_has_rows(refund) for refund in refunds)


def _has_rows(refund: nodes.Refund) -> bool:
    rows = refund.refundLineItems, refund.refundShippingLines, refund.orderAdjustments
    return any(each.nodes for each in rows if each)


def _read_singly(session: Session, shop: Shop, ids: Iterable[int]) -> None:
    batch = Batch(shop.id)
    for id in ids:
        batch.fetch("orders", id)
    if batch.fetches:
        apply(session, shop, batch)
