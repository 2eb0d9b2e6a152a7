"""Business time moved forward, and the app told about it."""

import json

import requests

from plugin.sandbox.runtime import Sandbox
from plugin.sandbox.wire import grants
from plugin.sandbox.wire.signing import webhook_signature

TELL_SECONDS = 3.0


def advance(store: Sandbox, seconds: int) -> bool:
    """Move the store's clock forward and tell the app; False when the app could not be told."""
    store.world.advance(seconds)
    told = tell_app(store)
    grants.redact_when_due(store.world)
    return told


def tell_app(store: Sandbox) -> bool:
    """Send the app the offset, signed with its secret."""
    body = json.dumps({"offset_seconds": store.world.offset_seconds}).encode()
    headers = {
        "Content-Type": "application/json",
        "X-Sandbox-Hmac": webhook_signature(body, store.settings.client_secret),
    }
    try:
        answer = requests.post(
            f"{store.settings.app_url}/_sandbox/clock", data=body, headers=headers, timeout=TELL_SECONDS
        )
    except requests.RequestException:
        return False
    return answer.ok


def state(store: Sandbox) -> dict[str, object]:
    """Business time (ISO 8601, UTC) and the offset in seconds."""
    return {"now": store.world.now().isoformat(), "offset_seconds": store.world.offset_seconds}
