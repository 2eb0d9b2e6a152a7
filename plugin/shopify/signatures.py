"""Signatures of the platform on what reaches us: webhooks, app proxy requests, launches of the panel.

Pure: secrets and time are arguments. The current and, during a rotation, the previous client secret are accepted.
Facts: "Verify webhook deliveries", "Authenticate app proxies" and "Set embedded app authorization" in Shopify's
documentation.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime
from urllib.parse import parse_qsl

from plugin.errors import RegularsError

TOLERANCE_SECONDS = 90
ONLY_ONCE = ("shop", "signature", "hmac", "timestamp", "logged_in_customer_id", "path_prefix")


class BadSignature(RegularsError):
    """Nobody we trust signed this, or too long ago."""

    status = 401


def is_webhook(body: bytes, header: str | bytes | None, secrets: Iterable[str]) -> bool:
    """Whether `X-Shopify-Hmac-Sha256` is the base64 HMAC-SHA256 of the raw body under one of the secrets."""
    given = _unbase64(header)
    if given is None:
        return False
    return any(hmac.compare_digest(hmac.digest(secret.encode(), body, hashlib.sha256), given) for secret in secrets)


def proxy(query: str | bytes, secrets: Iterable[str], now: datetime) -> dict[str, str]:
    """The parameters of a signed app proxy request; repeated ones joined with commas. Raises BadSignature.

    `logged_in_customer_id` is "" when nobody is signed in, and it proves nothing about a request's body.
    """
    pairs = _pairs(query)
    joined = _joined(pairs)
    text = "".join(f"{name}={joined[name]}" for name in sorted(joined) if name != "signature")
    _check(text, joined.get("signature", ""), secrets)
    return _fresh(joined, now)


def launch(query: str | bytes, secrets: Iterable[str], now: datetime) -> dict[str, str]:
    """The parameters of a signed launch of the panel. Raises BadSignature."""
    pairs = _pairs(query)
    joined = _joined(pairs)
    text = "&".join(f"{name}={value}" for name, value in sorted(pairs) if name != "hmac")
    _check(text, joined.get("hmac", ""), secrets)
    return _fresh(joined, now)


def _pairs(query: str | bytes) -> list[tuple[str, str]]:
    text = query.decode("latin-1") if isinstance(query, bytes) else query
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=100)
    except ValueError as error:
        raise BadSignature("This address has too many parameters.") from error
    names = [name for name, _ in pairs]
    if any(names.count(name) > 1 for name in ONLY_ONCE):
        raise BadSignature("This address names one thing twice.")
    return pairs


def _joined(pairs: list[tuple[str, str]]) -> dict[str, str]:
    joined: dict[str, list[str]] = {}
    for name, value in pairs:
        joined.setdefault(name, []).append(value)
    return {name: ",".join(values) for name, values in joined.items()}


def _check(text: str, given: str, secrets: Iterable[str]) -> None:
    message, claimed = text.encode("utf-8", "replace"), given.encode("utf-8", "replace")
    macs = [hmac.digest(secret.encode(), message, hashlib.sha256).hex().encode() for secret in secrets]
    if not any(hmac.compare_digest(mac, claimed) for mac in macs):
        raise BadSignature("The signature does not fit.")


def _fresh(parameters: dict[str, str], now: datetime) -> dict[str, str]:
    stamp = parameters.get("timestamp", "")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) < 12):
        raise BadSignature("The signature has no time.")
    if abs(now.timestamp() - int(stamp)) > TOLERANCE_SECONDS:
        raise BadSignature("The signature is too old. Load the page again.")
    return parameters


def _unbase64(header: str | bytes | None) -> bytes | None:
    try:
        text = header.encode("ascii") if isinstance(header, str) else header
        return base64.b64decode(text, validate=True) if text else None
    except (UnicodeEncodeError, binascii.Error):
        return None
