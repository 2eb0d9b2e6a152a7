"""Secrets at rest, and signatures of our own links.

Fernet (AES-128-CBC + HMAC) with a list of keys: the first encrypts, all decrypt, so keys rotate without downtime. The
shop's id stands inside the plain text, so a token copied to another shop's row does not decrypt there.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from functools import cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from plugin.config import config
from plugin.errors import Invalid


def encrypt(shop_id: int, secret: str) -> bytes:
    """Encrypted with the first key, bound to the shop."""
    return _ring(config().encryption_keys).encrypt(f"{shop_id}:{secret}".encode())


def decrypt(shop_id: int, sealed: bytes) -> str:
    """The secret. Raises Invalid when no key fits or it belongs to another shop."""
    try:
        owner, _, secret = _ring(config().encryption_keys).decrypt(sealed).decode().partition(":")
    except InvalidToken as error:
        raise Invalid("A stored secret cannot be read: no key of ENCRYPTION_KEYS fits it.") from error
    if owner != str(shop_id):
        raise Invalid("A stored secret belongs to another shop.")
    return secret


def rotate(sealed: bytes) -> bytes:
    """The same secret under the first key."""
    return _ring(config().encryption_keys).rotate(sealed)


def sign(purpose: str, *parts: str | int) -> str:
    """A URL-safe token that carries `parts` and cannot be forged or used for another purpose."""
    message = ".".join(_b64(str(part).encode()) for part in parts)
    return f"{message}.{_b64(_mac(config().encryption_keys[0], purpose, message))}"


def verify(purpose: str, token: str) -> list[str]:
    """The parts of a signed token, under any current key. Raises Invalid for anything else."""
    message, _, mac = token.rpartition(".")
    for key in config().encryption_keys:
        if hmac.compare_digest(_b64(_mac(key, purpose, message)).encode(), mac.encode("utf-8", "replace")):
            return [_unb64(part) for part in message.split(".")]
    raise Invalid("This link is not valid. It may have been cut off when it was copied.")


def keyed(purpose: str, *parts: str | int) -> bytes:
    """32 bytes that repeat for the same input and cannot be guessed: for names of codes."""
    return _mac(config().encryption_keys[-1], purpose, ".".join(map(str, parts)))


@cache
def _ring(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def _mac(key: str, purpose: str, message: str) -> bytes:
    derived = hmac.digest(key.encode(), purpose.encode(), hashlib.sha256)
    return hmac.digest(derived, message.encode("utf-8", "replace"), hashlib.sha256)


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unb64(text: str) -> str:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
