"""A shop's whole ledger as a zip of JSON lines, with the script that recomputes it. One snapshot; flat in memory."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import msgspec
from sqlalchemy import text
from sqlalchemy.orm import Session

from plugin import clock
from plugin.db import engine as db
from plugin.loyalty.books.lines import lines
from plugin.shops.models import Shop

PIECE = 64 * 1024
ROWS = 2_000
CHECKER = Path(__file__).with_name("checker.py")
README = """The points of {domain}, as of {moment}.

entries.jsonl      every movement of points, oldest first; each line has both sides, which sum to zero
accounts.jsonl     what each customer can spend, what is pending, what is owed
lots.jsonl         points that came together, with what is left of them and their dates
redemptions.jsonl  what points bought
lot_uses.jsonl     from which lots each of them took its points
notes.jsonl        why staff changed points, in their words
seals.jsonl        the chain: a digest a day over that day's entries and the digest before
checker.py         recomputes all of it: python checker.py THIS.zip [customer number] [an older export]

Customers, orders and programmes are named by their numbers in the store. Moments are UTC.
"""
_TABLES = {
    "accounts": """
        SELECT customer_id, available, pending, debt, tier_name FROM point_accounts
        WHERE shop_id = :shop ORDER BY customer_id""",
    "lots": """
        SELECT id, customer_id, order_id, source, granted, remaining, expired, pending, available_at, expires_at,
            created_at FROM point_lots WHERE shop_id = :shop ORDER BY id""",
    "redemptions": """
        SELECT id, customer_id, reward_id, points, value_minor, currency, code, state, used_order_id, created_at,
            issued_at, expires_at FROM redemptions WHERE shop_id = :shop ORDER BY id""",
    "lot_uses": """
        SELECT redemption_id, lot_id, points FROM lot_uses WHERE shop_id = :shop ORDER BY redemption_id, lot_id""",
    "notes": "SELECT entry_id, note FROM point_notes WHERE shop_id = :shop ORDER BY entry_id",
    "seals": """
        SELECT number, day, through_id, entries, points, digest, sealed_at FROM ledger_seals
        WHERE shop_id = :shop ORDER BY number""",
}
_encoder = msgspec.json.Encoder(order="sorted")


def pieces(shop: Shop) -> Iterator[bytes]:
    """The zip in pieces. All rows are on disk before the second piece, so a slow reader holds no snapshot."""
    with TemporaryFile() as out:
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=4) as archive:
            archive.write(CHECKER, "checker.py")
            sent = out.tell()
            yield from _pieces(out, 0)
            with db.snapshot(shop.id) as session:
                _fill(archive, session, shop, clock.now(session))
        yield from _pieces(out, sent)


def write(shop: Shop, path: Path) -> None:
    """The same into a file."""
    with path.open("wb") as out:
        for piece in pieces(shop):
            out.write(piece)


def name(shop: Shop, moment: datetime) -> str:
    """What the file is called."""
    return f"ledger-{shop.domain.partition('.')[0]}-{moment:%Y-%m-%d}.zip"


def _pieces(out: IO[bytes], start: int) -> Iterator[bytes]:
    out.seek(start)
    while piece := out.read(PIECE):
        yield piece


def _fill(archive: zipfile.ZipFile, session: Session, shop: Shop, moment: datetime) -> None:
    archive.writestr("README.txt", README.format(domain=shop.domain, moment=f"{moment:%Y-%m-%d %H:%M} UTC"))
    _member(archive, "entries", (line.text for line in lines(session, shop.id, 0, 2**62)))
    for table, query in _TABLES.items():
        found = session.execute(text(query), {"shop": shop.id}, execution_options={"yield_per": ROWS})
        _member(archive, table, (_encoder.encode(dict(row)) for row in found.mappings()))


def _member(archive: zipfile.ZipFile, table: str, found: Iterable[bytes]) -> None:
    with archive.open(f"{table}.jsonl", "w", force_zip64=True) as member:
        for line in found:
            member.write(line + b"\n")
