"""Deleting everything of a shop, ledger included, 48 hours after it left. Runs as the owner of the tables, nobody else.

Web and worker cannot do it: their role may not delete ledger entries, and should not. The shop is taken out of reach
first (its domain, its tokens), so that a merchant who comes back meanwhile gets a fresh one; then its rows go in
stretches, each committed, and the proof row counts them. A process that dies is followed by the next call.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import structlog
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from plugin import clock
from plugin.privacy import proofs
from plugin.privacy.models import ShopErasure

STRETCH = 20_000
log = structlog.get_logger()

_DUE = text("""
    SELECT DISTINCT shop_id FROM privacy_requests WHERE kind = 'shop/redact' AND state = 'open' ORDER BY shop_id
""")
_BEGIN = text("""
    SELECT s.domain, r.id AS request_id, r.received_at,
        s.installed_at IS NOT NULL AND s.uninstalled_at IS NULL AS installed
    FROM shops s JOIN privacy_requests r ON r.shop_id = s.id
    WHERE s.id = :shop AND r.kind = 'shop/redact' AND r.state = 'open' FOR UPDATE
""")
_HOLD = text("UPDATE privacy_requests SET state = 'held', completed_at = :now WHERE shop_id = :shop AND id = :request")
_BEGUN = text("UPDATE privacy_requests SET state = 'erasing' WHERE shop_id = :shop AND kind = 'shop/redact'")
_OUT_OF_REACH = text("""
    UPDATE shops SET domain = 'erased-' || id || '.invalid', name = '', email = '', settings = '{}', veil_key = NULL,
        access_token = NULL, refresh_token = NULL, refreshing_until = NULL, token_serial = token_serial + 1
    WHERE id = :shop
""")
_UNFINISHED = text("SELECT id, erased_shop_id FROM shop_erasures WHERE completed_at IS NULL ORDER BY id")
_STRETCH = """
    DELETE FROM {table} WHERE ctid = ANY (ARRAY(SELECT ctid FROM {table} WHERE {column} = :shop LIMIT :most))
"""
# What came for a shop that is gone. The receiver trusts a domain's id for half a minute, so bodies may have been on
# their way: they are the new shop's when the merchant came back. And strays, also of shops that never were here.
_LATE = (
    """
    UPDATE inbox i SET shop_id = s.id FROM shop_erasures e JOIN shops s
        ON sha256(convert_to(s.domain, 'UTF8')) = e.domain_sha256
    WHERE i.shop_id = e.erased_shop_id AND e.completed_at IS NOT NULL
        AND NOT EXISTS (SELECT FROM inbox there WHERE there.shop_id = s.id AND there.webhook_id = i.webhook_id)
    """,
    "DELETE FROM inbox WHERE shop_id IN (SELECT erased_shop_id FROM shop_erasures)",
    """
    DELETE FROM inbox_strays s WHERE NOT EXISTS (SELECT FROM shops WHERE shops.domain = s.domain)
        AND sha256(convert_to(s.domain, 'UTF8')) IN (SELECT domain_sha256 FROM shop_erasures)
    """,
    """
    DELETE FROM inbox_strays s USING inbox_strays asked
    WHERE asked.domain = s.domain AND asked.topic IN ('shop/redact', 'customers/redact') AND s.id <= asked.id
        AND NOT EXISTS (SELECT FROM shops WHERE shops.domain = s.domain)
    """,
)


def erase_due(owner: Engine, tables: Sequence[str]) -> int:
    """Erase every shop whose request is due; how many. `tables`: all with a shop's rows, children before parents."""
    with Session(owner) as session, session.begin():
        due = list(session.execute(_DUE).scalars())
    for shop_id in due:
        _begin(owner, shop_id)
    with Session(owner) as session, session.begin():
        unfinished = session.execute(_UNFINISHED).all()
    for erasure_id, shop_id in unfinished:
        _delete(owner, erasure_id, shop_id, tables)
    with Session(owner) as session, session.begin():
        for statement in _LATE:
            session.execute(text(statement))
    return len(unfinished)


def _begin(owner: Engine, shop_id: int) -> None:
    """Put the shop out of reach and write the proof's beginning; a shop that is installed again is held instead."""
    with Session(owner) as session, session.begin():
        found = session.execute(_BEGIN, {"shop": shop_id}).first()
        if found is None:
            return
        now = clock.now(session)
        if found.installed:
            session.execute(_HOLD, {"shop": shop_id, "request": found.request_id, "now": now})
            log.warning("privacy.shop_returned", shop_id=shop_id)
            return
        digest = hashlib.sha256(found.domain.encode()).digest()
        proof = {"erased_shop_id": shop_id, "domain_sha256": digest, "received_at": found.received_at, "begun_at": now}
        session.add(ShopErasure(**proof, counts={}))
        session.execute(_BEGUN, {"shop": shop_id})
        session.execute(_OUT_OF_REACH, {"shop": shop_id})


def _delete(owner: Engine, erasure_id: int, shop_id: int, tables: Sequence[str]) -> None:
    for table in tables:
        while _delete_stretch(owner, erasure_id, shop_id, table, "shop_id"):
            pass
    _delete_stretch(owner, erasure_id, shop_id, "shops", "id")
    with Session(owner) as session, session.begin():
        proof = session.get_one(ShopErasure, erasure_id)
        proof.completed_at = clock.now(session)
        proof.manifest_sha256 = proofs.manifest(facts(proof))
        log.info("privacy.shop_erased", shop_id=shop_id, rows=sum(proof.counts.values()))


def _delete_stretch(owner: Engine, erasure_id: int, shop_id: int, table: str, column: str) -> int:
    """Some rows of one table, counted in the proof by the same commit; how many."""
    with Session(owner) as session, session.begin():
        statement = text(_STRETCH.format(table=table, column=column))
        result: Any = session.execute(statement, {"shop": shop_id, "most": STRETCH})
        gone = int(result.rowcount)
        if gone:
            proof = session.get_one(ShopErasure, erasure_id, with_for_update=True)
            proof.counts = proofs.added(proof.counts, {table: gone})
    return gone


def facts(proof: ShopErasure) -> dict[str, Any]:
    """What the digest of a shop's erasure is made over."""
    return {
        "kind": "shop/redact",
        "shop_id": proof.erased_shop_id,
        "domain_sha256": proof.domain_sha256.hex(),
        "received_at": proof.received_at.isoformat(),
        "completed_at": proof.completed_at.isoformat() if proof.completed_at else None,
        "counts": proof.counts,
    }
