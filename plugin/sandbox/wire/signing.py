"""The platform's signatures, written from their description and used by nobody but this store."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from typing import Any


def webhook_signature(body: bytes, secret: str) -> str:
    """`X-Shopify-Hmac-Sha256`: base64 of HMAC-SHA256 over the raw bytes."""
    return base64.b64encode(_mac(body, secret)).decode()


def launch_signature(parameters: Mapping[str, str], secret: str) -> str:
    """`hmac` of a launch: hexadecimal, over `k=v` sorted by name and joined with `&`, without `hmac` itself."""
    joined = "&".join(f"{name}={parameters[name]}" for name in sorted(parameters) if name != "hmac")
    return _mac(joined.encode(), secret).hex()


def proxy_signature(parameters: Iterable[tuple[str, str]], secret: str) -> str:
    """`signature` of a proxied request: repeated names joined with commas, pairs with nothing."""
    values: dict[str, list[str]] = {}
    for name, value in parameters:
        values.setdefault(name, []).append(value)
    joined = "".join(f"{name}={','.join(values[name])}" for name in sorted(values) if name != "signature")
    return _mac(joined.encode(), secret).hex()


def sign_token(claims: dict[str, Any], secret: str) -> str:
    """A JWT, HS256."""
    head = _part(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
    signed = f"{head}.{_part(json.dumps(claims).encode())}"
    return f"{signed}.{_part(_mac(signed.encode(), secret))}"


def read_token(token: str, secret: str) -> dict[str, Any] | None:
    """The claims of a JWT whose signature is right, else None. Times are not looked at."""
    signed, _, signature = token.rpartition(".")
    if not hmac.compare_digest(_part(_mac(signed.encode(), secret)), signature):
        return None
    body = signed.partition(".")[2]
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return claims if isinstance(claims, dict) else None


def _mac(message: bytes, secret: str) -> bytes:
    return hmac.new(secret.encode(), message, hashlib.sha256).digest()


def _part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
