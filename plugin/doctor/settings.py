"""What can be told from the environment and app.toml alone, without a connection."""

import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from cryptography.fernet import Fernet

from plugin.config import API_VERSION, manifest
from plugin.doctor.problem import Problem
from plugin.errors import Invalid

SHORTEST_SECRET = 32
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def problems(env: Mapping[str, str]) -> Iterator[Problem]:
    """Every problem of the written settings; `REGULARS_SANDBOX=1` allows what only a demo may do."""
    sandbox = env.get("REGULARS_SANDBOX") == "1"
    yield from _credentials(env)
    yield from _app_url(env, sandbox)
    yield from _encryption_keys(env)
    if not re.fullmatch(r"[1-9]|[12][0-9]|30|", env.get("KEEP_BODIES_DAYS", "")):
        yield Problem("KEEP_BODIES_DAYS", "is no number of days from 1 to 30: unset it to keep bodies for a week")
    yield from _manifest(env, sandbox)


def _credentials(env: Mapping[str, str]) -> Iterator[Problem]:
    way = "copy it from the app's settings in the Partner or Dev Dashboard"
    if len(env.get("SHOPIFY_API_KEY", "")) < SHORTEST_SECRET:
        yield Problem("SHOPIFY_API_KEY", f"is missing or too short for a client id: {way}")
    if len(env.get("SHOPIFY_API_SECRET", "")) < SHORTEST_SECRET:
        yield Problem("SHOPIFY_API_SECRET", f"is missing or too short for a client secret: {way}")
    previous = env.get("SHOPIFY_API_SECRET_PREVIOUS", "")
    if previous and len(previous) < SHORTEST_SECRET:
        yield Problem(
            "SHOPIFY_API_SECRET_PREVIOUS", "is too short for a client secret: unset it when none is being rotated"
        )
    if previous and previous == env.get("SHOPIFY_API_SECRET"):
        yield Problem("SHOPIFY_API_SECRET_PREVIOUS", "is the current secret: set it to the one before, or unset it")


def _app_url(env: Mapping[str, str], sandbox: bool) -> Iterator[Problem]:
    url = urlsplit(env.get("APP_URL", ""))
    if not url.hostname:
        yield Problem("APP_URL", "is missing: set it to the address the store opens, such as https://regulars.example")
        return
    if url.scheme != "https" and not sandbox:
        yield Problem("APP_URL", "does not begin with https://: stores open apps over TLS alone: put a proxy in front")
    if url.path.strip("/") or url.query:
        yield Problem("APP_URL", "has a path: give the origin alone, paths are added by the app")
    if sandbox and url.hostname not in LOOPBACK:
        yield Problem("REGULARS_SANDBOX", "is 1 on a public address, which loosens checks: unset it")


def _encryption_keys(env: Mapping[str, str]) -> Iterator[Problem]:
    keys = [key for key in env.get("ENCRYPTION_KEYS", "").split(",") if key]
    way = 'make one with python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"'
    if not keys:
        yield Problem("ENCRYPTION_KEYS", f"is missing: {way}")
    for place, key in enumerate(keys, start=1):
        if not _is_fernet_key(key):
            yield Problem("ENCRYPTION_KEYS", f"has no valid key at place {place}: {way}")


def _is_fernet_key(key: str) -> bool:
    try:
        Fernet(key)
    except ValueError:
        return False
    return True


def _manifest(env: Mapping[str, str], sandbox: bool) -> Iterator[Problem]:
    try:
        declared = manifest()
    except (Invalid, OSError, ValueError, KeyError) as error:
        yield Problem("app.toml", f"cannot be used ({error}): it must declare API version {API_VERSION}")
        return
    if sandbox:
        return
    if declared.get("application_url", "").rstrip("/") != env.get("APP_URL", "").rstrip("/"):
        yield Problem(
            "app.toml", f"says application_url {declared.get('application_url')}: make it APP_URL and deploy it"
        )
    if env.get("SHOPIFY_API_KEY") not in (None, "", declared.get("client_id")):
        yield Problem("app.toml", "has another client_id than SHOPIFY_API_KEY: link it to the app and deploy it")
