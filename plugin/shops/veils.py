"""What is left of an erased person's address: a keyed digest that can be compared and not turned back.

The key is the shop's own, drawn when it first erases somebody and sealed like its tokens, so that it follows the
rotation of ENCRYPTION_KEYS and dies with the shop's row. A shop without a key has erased nobody.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets as chance
from collections.abc import Iterable

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from plugin.crypto import secrets
from plugin.errors import Invalid
from plugin.shops.models import Shop

MARK = "erased:"  # no address begins so: it has no @


class Veil:
    """The shop's digest of addresses and numbers."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def over(self, text: str) -> str:
        """The digest of a text, without regard to case."""
        digest = hmac.digest(self._key, text.strip().lower().encode("utf-8", "replace"), hashlib.sha256)
        return MARK + digest.hex()[:40]

    def over_all(self, texts: Iterable[str]) -> dict[str, str]:
        """Digest → text, for looking up."""
        return {self.over(text): text for text in texts if text and not is_veiled(text)}


def is_veiled(email: str) -> bool:
    """Whether this stands for an address that was erased."""
    return email.startswith(MARK)


def veil_of(session: Session, shop_id: int) -> Veil | None:
    """The shop's veil; None while it has erased nobody. Asks the database: a shop at hand may be older.

    A key that no key of ENCRYPTION_KEYS opens any more is gone with the addresses under it: ids must go on working, so
    the answer is then a veil that fits nothing.
    """
    sealed = session.scalar(select(Shop.veil_key).where(Shop.id == shop_id))
    return (_opened(shop_id, sealed) or Veil(chance.token_bytes(32))) if sealed else None


def ensure_veil(session: Session, shop_id: int) -> Veil:
    """The shop's veil, drawn now when it has none that opens."""
    sealed = session.scalar(select(Shop.veil_key).where(Shop.id == shop_id).with_for_update())
    if sealed and (there := _opened(shop_id, sealed)):
        return there
    key = chance.token_hex(32)
    session.execute(update(Shop).where(Shop.id == shop_id).values(veil_key=secrets.encrypt(shop_id, key)))
    return Veil(key.encode())


def _opened(shop_id: int, sealed: bytes) -> Veil | None:
    try:
        return Veil(secrets.decrypt(shop_id, sealed).encode())
    except Invalid:
        return None


def listed_as(session: Session, shop_id: int, emails: Iterable[str]) -> dict[str, str]:
    """The names under which these addresses may stand in a list: plain, and veiled where the shop has a veil."""
    plain = {email: email for email in emails}
    veil = veil_of(session, shop_id)
    return plain | veil.over_all(plain) if veil else plain
