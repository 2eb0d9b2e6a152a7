"""Working requests off: one shop after the other, each request to its end or to what still waits.

Shops are erased by the owner's own command (plugin.privacy.shop_erasing): web and worker cannot delete a ledger.
"""

from __future__ import annotations

import structlog
from sqlalchemy import select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from plugin import clock
from plugin.db import engine as db
from plugin.db.locks import alone
from plugin.errors import RegularsError
from plugin.privacy import erasing, exporting
from plugin.privacy.models import PrivacyRequest
from plugin.shops import queries as shops

log = structlog.get_logger()


def complete_due() -> None:
    """Work off what is open in any shop."""
    for shop_id in shops.all_ids():
        try:
            complete(shop_id)
        except (SQLAlchemyError, RegularsError) as error:
            log.error("privacy.not_completed", shop_id=shop_id, error=type(error).__name__)


def complete(shop_id: int) -> None:
    """Work off what is open in one shop. What cannot be finished now stays and is taken up again."""
    with alone(f"privacy:{shop_id}") as mine:
        if not mine:
            return
        with db.transaction(shop_id) as session:
            exporting.expire(session, shop_id)
            _hold_returned(session, shop_id)
        # Whoever rings while this is at work is sent away, so what came meanwhile is looked for once more.
        seen: set[int] = set()
        while waiting := [each for each in _open(shop_id) if each[0] not in seen]:
            for request_id, kind in waiting:
                _work_on(shop_id, request_id, kind)
                seen.add(request_id)


def _work_on(shop_id: int, request_id: int, kind: str) -> None:
    if kind == "customers/data_request":
        exporting.export(shop_id, request_id)
    elif not erasing.erase(shop_id, request_id):
        log.info("privacy.waits", shop_id=shop_id, request_id=request_id)


def _open(shop_id: int) -> list[tuple[int, str]]:
    with db.transaction(shop_id) as session:
        return _waiting(session, shop_id)


def _waiting(session: Session, shop_id: int) -> list[tuple[int, str]]:
    """Requests to work on; erasures first, so that nobody is exported who asked to be forgotten."""
    wanted = PrivacyRequest.shop_id == shop_id, PrivacyRequest.state.in_(("open", "reading"))
    rows = session.execute(
        select(PrivacyRequest.id, PrivacyRequest.kind)
        .where(*wanted, PrivacyRequest.kind != "shop/redact")
        .order_by(PrivacyRequest.kind.desc(), PrivacyRequest.id)
    )
    return [(row.id, row.kind) for row in rows]


def _hold_returned(session: Session, shop_id: int) -> None:
    """A shop that has the plugin is not erased: its merchant came back after the store sent the request."""
    if not shops.is_installed(shops.shop(session)):
        return
    there = PrivacyRequest.shop_id == shop_id, PrivacyRequest.kind == "shop/redact", PrivacyRequest.state == "open"
    held = {"state": "held", "completed_at": clock.now(session)}
    for request_id in session.scalars(update(PrivacyRequest).where(*there).values(held).returning(PrivacyRequest.id)):
        log.warning("privacy.shop_returned", shop_id=shop_id, request_id=request_id)
