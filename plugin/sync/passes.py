"""One comparison of a shop with its store from beginning to end in this process, for a person at a terminal."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from time import monotonic, sleep

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.db import engine as db
from plugin.effects import performing
from plugin.effects.models import Effect
from plugin.errors import Unavailable
from plugin.shops import queries as shops
from plugin.sync import checks, healing, reconciling
from plugin.sync import drain as draining
from plugin.sync.leased import OPEN
from plugin.sync.models import DriftCheck

PAUSE_SECONDS = 0.2


def run(shop_id: int, kinds: Collection[str] = checks.KINDS, seconds: float = 3600.0) -> Sequence[DriftCheck]:
    """Compare everything of these kinds now and heal what differs; the checks as they ended.

    A check that is open already is brought to its end instead. Workers may help. Raises Unavailable when it takes
    longer than `seconds`.
    """
    with db.transaction(shop_id) as session:
        checks.begin(session, shops.shop(session), "all", "command", kinds)
        ids = [check.id for check in _mine(session, kinds)]
    ends = monotonic() + seconds
    while monotonic() < ends:
        reconciling.drive(shop_id, ends)
        with db.transaction(shop_id) as session:
            ours = session.scalars(select(DriftCheck).where(DriftCheck.id.in_(ids)).order_by(DriftCheck.id)).all()
            waited_for = [key for check in ours for key in healing.still_asked(session, check)]
            effects = _effects(session, waited_for)
        if all(check.state not in OPEN for check in ours):
            return ours
        for effect_id in effects:
            performing.perform_one(shop_id, effect_id)
        if not draining.drain(shop_id, ends - monotonic()) and not effects:
            sleep(PAUSE_SECONDS)
    raise Unavailable("The comparison is not over yet. It goes on in the workers; the Sync page shows its progress.")


def _mine(session: Session, kinds: Collection[str]) -> Sequence[DriftCheck]:
    wanted = DriftCheck.state.in_(OPEN), DriftCheck.object.in_(kinds), DriftCheck.reach == "all"
    return session.scalars(select(DriftCheck).where(*wanted).order_by(DriftCheck.id)).all()


def _effects(session: Session, keys: Collection[str]) -> Sequence[int]:
    due = Effect.kind == "fetch", Effect.key.in_(keys), Effect.state == "pending"
    return session.scalars(select(Effect.id).where(*due).order_by(Effect.id)).all()
