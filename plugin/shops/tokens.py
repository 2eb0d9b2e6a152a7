"""A valid access token of a shop, and who may fetch a new one.

One process at a time: it takes a committed lease (`refreshing_until`, by the database's clock), calls the store without
a transaction, and stores the pair in one UPDATE that compares `token_serial`. The others re-read, never holding a
transaction. After a crash the lease runs out and the old refresh token still works: the store accepts it until its
replacement is used ("Expiring offline access tokens").
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from plugin import clock
from plugin.crypto import secrets
from plugin.db import engine as db
from plugin.effects import breakers
from plugin.effects import operations as effects
from plugin.effects.breakers import ADMIN_API
from plugin.errors import RemoteError, Throttled, Unauthorized, Unavailable
from plugin.shops import remote
from plugin.shops.models import Shop

REFRESH_BELOW_SECONDS = 300
IDLE_BELOW_DAYS = 60
LEASE_SECONDS = 20
PATIENCE_SECONDS = 25.0
PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 0.8
REST_AFTER_FAILURE_SECONDS = 2
REOPEN = "The store's permission has ended. Open Regulars from the store's admin to renew it."


@dataclass(frozen=True)
class Stored:
    """What the row says now; `seconds_left` by the database's clock."""

    domain: str
    serial: int
    access_token: str | None
    seconds_left: float
    refresh_token: str | None
    dead: bool
    lease_free: bool

    def usable(self, rejected: str | None, margin: float) -> bool:
        """Whether the access token may be used: it lives longer than `margin` and was not rejected."""
        return not self.dead and self.access_token not in (None, rejected) and self.seconds_left > margin


def access_token(shop_id: int, rejected: str | None = None) -> str:
    """A token that is good for some minutes, refreshed when less than five are left.

    `rejected` is the one the store just answered 401 to: another is returned. Raises Unauthorized when the merchant
    must open the panel, Unavailable or Throttled when the store gives none now.
    """
    try:
        return _renewed(shop_id, rejected)
    except (Unavailable, Throttled):
        stored = read(shop_id)
        if stored.usable(rejected, margin=10):
            return str(stored.access_token)
        raise


def exchange(shop_id: int, id_token: str) -> None:
    """Store the pair and the scopes for an id token of the store's admin.

    When another process stores a pair meanwhile, that is as good. Raises StaleIdToken, Throttled, Unavailable or
    RemoteError.
    """
    stored, ends, pause = read(shop_id), monotonic() + PATIENCE_SECONDS, PAUSE_SECONDS
    while not (lease := _take_lease(shop_id, stored.serial)):
        if read(shop_id).serial != stored.serial:
            return
        pause = _wait(pause, ends)
    grant = _call(shop_id, lease, lambda: remote.exchange(stored.domain, id_token))
    store(shop_id, stored.serial, grant)


def give_up(shop_id: int, rejected: str) -> None:
    """The store rejects a token it just gave: the merchant must open the panel, unless a newer one is stored."""
    stored = read(shop_id)
    if stored.access_token == rejected:
        _mark_dead(shop_id, stored.serial)


def store(shop_id: int, serial: int, grant: remote.Grant) -> bool:
    """Replace the pair and the scopes in one UPDATE; False when a newer pair is stored already.

    The store has answered, so it is asked again; what could not be done there without a token is opened anew.
    """
    columns = {
        "access_token": secrets.encrypt(shop_id, grant.access_token),
        "access_expires_at": _from_now(grant.expires_in),
        "refresh_token": secrets.encrypt(shop_id, grant.refresh_token),
        "refresh_expires_at": _from_now(grant.refresh_expires_in),
        "refreshing_until": None,
        "token_serial": serial + 1,
        "needs_reauth": False,
    }
    with db.transaction(shop_id) as session:
        if grant.scopes:
            columns |= {"scopes": list(grant.scopes), "scopes_at": clock.now(session)}
        stored = _update(session, shop_id, columns, Shop.token_serial == serial)
        if stored:
            breakers.answered(session, ADMIN_API)
            effects.reopen(session, shop_id)
        return stored


def read(shop_id: int) -> Stored:
    """The tokens as committed now, decrypted."""
    now = func.clock_timestamp()
    left = func.coalesce(func.extract("epoch", Shop.access_expires_at - now), 0)
    free = or_(Shop.refreshing_until.is_(None), Shop.refreshing_until < now)
    columns = Shop.domain, Shop.token_serial, Shop.access_token, left, Shop.refresh_token, Shop.needs_reauth, free
    with db.transaction(shop_id) as session:
        domain, serial, access, seconds, renewal, dead, lease_free = session.execute(
            select(*columns).where(Shop.id == shop_id)
        ).one()
    return Stored(domain, serial, _open(shop_id, access), float(seconds), _open(shop_id, renewal), dead, lease_free)


def rotate_keys(chunk: int = 200) -> int:
    """Re-encrypt every stored token with the first of ENCRYPTION_KEYS; how many shops hold tokens.

    Processes must know all keys before this runs; the old key may be removed after it.
    """
    last, rotated = 0, 0
    while ids := _with_tokens(after=last, limit=chunk):
        for shop_id in ids:
            _rotate(shop_id)
        last, rotated = ids[-1], rotated + len(ids)
    return rotated


def idle(limit: int) -> list[int]:
    """Ids of installed shops whose refresh token has less than 60 days left, soonest first.

    It lives 90 days, so these have been idle for 30; a system transaction of its own.
    """
    older = Shop.refresh_expires_at < func.statement_timestamp() + func.make_interval(0, 0, 0, IDLE_BELOW_DAYS)
    there = Shop.installed_at.is_not(None), Shop.uninstalled_at.is_(None), Shop.needs_reauth.is_(False)
    with db.system_transaction() as session:
        rows = select(Shop.id).where(older, *there).order_by(Shop.refresh_expires_at).limit(limit)
        return list(session.scalars(rows))


def _renewed(shop_id: int, rejected: str | None) -> str:
    ends, pause = monotonic() + PATIENCE_SECONDS, PAUSE_SECONDS
    while True:
        stored = read(shop_id)
        if stored.usable(rejected, REFRESH_BELOW_SECONDS):
            return str(stored.access_token)
        if stored.dead or stored.refresh_token is None:
            raise Unauthorized(REOPEN)
        if stored.lease_free and (lease := _take_lease(shop_id, stored.serial)):
            _refresh(shop_id, stored, lease)
        elif stored.usable(rejected, margin=30):
            return str(stored.access_token)  # somebody else is fetching; this one is still good
        else:
            pause = _wait(pause, ends)


def _refresh(shop_id: int, stored: Stored, lease: Any) -> None:
    try:
        grant = _call(shop_id, lease, lambda: remote.refresh(stored.domain, str(stored.refresh_token)))
    except remote.DeadGrant:
        _mark_dead(shop_id, stored.serial)
    else:
        store(shop_id, stored.serial, grant)


def _call(shop_id: int, lease: Any, ask: Callable[[], remote.Grant]) -> remote.Grant:
    """Ask the store; on an error the lease is given back after a short rest, so that waiters do not storm it."""
    try:
        return ask()
    except RemoteError as error:
        rest = 0 if isinstance(error, Unauthorized) else REST_AFTER_FAILURE_SECONDS
        with db.transaction(shop_id) as session:
            _update(session, shop_id, {"refreshing_until": _from_now(rest)}, Shop.refreshing_until == lease)
        raise


def _mark_dead(shop_id: int, serial: int) -> None:
    with db.transaction(shop_id) as session:
        _update(session, shop_id, {"needs_reauth": True, "refreshing_until": None}, Shop.token_serial == serial)


def _take_lease(shop_id: int, serial: int) -> Any:
    """The end of the lease, which is also its name; None when somebody else holds one or the pair was replaced."""
    free = or_(Shop.refreshing_until.is_(None), Shop.refreshing_until < func.clock_timestamp())
    taken = update(Shop).where(Shop.id == shop_id, Shop.token_serial == serial, free)
    with db.transaction(shop_id) as session:
        columns = {"refreshing_until": _from_now(LEASE_SECONDS)}
        return session.execute(taken.values(columns).returning(Shop.refreshing_until)).scalar_one_or_none()


def _wait(pause: float, ends: float) -> float:
    if monotonic() > ends:
        raise Unavailable("Another process is fetching a new access token and has not come back.")
    sleep(pause)
    return min(pause * 1.5, LONGEST_PAUSE_SECONDS)


def _with_tokens(after: int, limit: int) -> list[int]:
    with db.system_transaction() as session:
        rows = select(Shop.id).where(Shop.id > after, Shop.access_token.is_not(None)).order_by(Shop.id).limit(limit)
        return list(session.scalars(rows))


def _rotate(shop_id: int) -> None:
    with db.transaction(shop_id) as session:
        row = select(Shop.access_token, Shop.refresh_token).where(Shop.id == shop_id).with_for_update()
        access, renewal = session.execute(row).one()
        sealed = {"access_token": access, "refresh_token": renewal}
        columns = {name: value and secrets.rotate(value) for name, value in sealed.items()}
        session.execute(update(Shop).where(Shop.id == shop_id).values(columns))


def _update(session: Session, shop_id: int, columns: dict[str, Any], condition: Any) -> bool:
    changed = update(Shop).where(Shop.id == shop_id, condition).values(columns).returning(Shop.id)
    return session.execute(changed).first() is not None


def _from_now(seconds: float) -> Any:
    return func.clock_timestamp() + func.make_interval(0, 0, 0, 0, 0, 0, seconds)


def _open(shop_id: int, sealed: bytes | None) -> str | None:
    return None if sealed is None else secrets.decrypt(shop_id, sealed)
