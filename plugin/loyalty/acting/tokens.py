"""The token that opens the shop's door for events: shown once, kept as a digest, replaced without a gap.

It names its shop, so that it is looked for in that shop's rows and nowhere else.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.orm import Session

from plugin import clock
from plugin.loyalty.acting.models import ApiToken
from plugin.shops import operations as shops
from plugin.shops.models import Shop

OVERLAP: Final = timedelta(hours=24)  # how long the former token still opens, so that senders can be changed
SHAPE: Final = re.compile(r"\Argl_([1-9][0-9]{0,17})_[A-Za-z0-9_-]{43}\Z")


def make(session: Session, shop: Shop, actor: str) -> str:
    """A new token, to be shown once; earlier ones end after OVERLAP."""
    now = clock.machine_now()
    ends = update(ApiToken).where(ApiToken.shop_id == shop.id, ApiToken.ends_at.is_(None))
    session.execute(ends.values(ends_at=now + OVERLAP))
    token = f"rgl_{shop.id}_{secrets.token_urlsafe(32)}"
    kept = ApiToken(shop_id=shop.id, digest=_digest(token), hint=token[-4:], created_at=now, created_by=actor)
    session.add(kept)
    session.flush()
    shops.audit(session, shop, actor, "api_token.make", f"api_token:{kept.id}")
    return token


def end(session: Session, shop: Shop, actor: str) -> None:
    """All tokens end now."""
    now = clock.machine_now()
    session.execute(update(ApiToken).where(*_open(shop)).values(ends_at=now))
    shops.audit(session, shop, actor, "api_token.end", "api_token")


def current(session: Session, shop: Shop) -> Sequence[ApiToken]:
    """The tokens that open the door, the newest first."""
    return session.scalars(select(ApiToken).where(*_open(shop)).order_by(ApiToken.id.desc())).all()


def shop_id_of(token: str) -> int | None:
    """The shop that a token names; None for what is no token."""
    found = SHAPE.match(token)
    return int(found[1]) if found else None


def opens(session: Session, shop: Shop, token: str) -> bool:
    """Whether this is one of the shop's tokens."""
    mine = select(ApiToken.id).where(*_open(shop), ApiToken.digest == _digest(token))
    return session.scalar(mine) is not None


def _open(shop: Shop) -> tuple[ColumnElement[bool], ...]:
    return ApiToken.shop_id == shop.id, or_(ApiToken.ends_at.is_(None), ApiToken.ends_at > clock.machine_now())


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
