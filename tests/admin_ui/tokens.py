"""Session tokens as the store's admin would sign them, and as it never would."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import jwt

from tests.conftest import DOMAIN, SECRET

API_KEY = "test-client-id"


def claims(domain: str = DOMAIN, **changes: Any) -> dict[str, Any]:
    now = int(time.time())
    return {
        "iss": f"https://{domain}/admin",
        "dest": f"https://{domain}",
        "aud": API_KEY,
        "sub": "42",
        "exp": now + 60,
        "nbf": now,
        "iat": now,
        "jti": "f8912129-1af6-4cad-9ca3-76b0f7621087",
        "sid": "aaea182f2732d44c23057c0fea584021a4485b2bd25d3eb7fd349313ad24c685",
        **changes,
    }


def token(secret: str = SECRET, algorithm: str = "HS256", **changes: Any) -> str:
    return jwt.encode(claims(**changes), secret, algorithm)


def bearer(secret: str = SECRET, **changes: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {token(secret, **changes)}"}


def unsigned(algorithm: str = "none") -> str:
    """A token whose header names another algorithm and whose signature is missing."""
    header = _part({"alg": algorithm, "typ": "JWT"})
    return f"{header}.{_part(claims())}."


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
