"""Installing the app, its tokens, uninstalling it. Tokens live by machine time.

Rules kept: an access token lives an hour, its refresh token ninety days. A token exchange retires every older refresh
token. A used refresh token may be tried again until its replacement is used for the first time (at most thirty days).
Uninstalling ends them all.
"""

import secrets
from datetime import datetime, timedelta

from plugin.sandbox.app_records import Installation, Token
from plugin.sandbox.documents import misc as documents
from plugin.sandbox.errors import Refused
from plugin.sandbox.world import World, machine_now

ACCESS_LIFE = timedelta(hours=1)
REFRESH_LIFE = timedelta(days=90)
RETRY_LIFE = timedelta(days=30)
REDACT_AFTER = timedelta(hours=48)


def install(world: World, scopes: list[str]) -> Installation:
    """Grant the scopes. On an installed app with other scopes the app hears app/scopes_update."""
    with world.change():
        before = world.installation
        if before and before.scopes == scopes:
            return before
        previous = before.scopes if before else []
        number = before.number if before else world.next_id("installation")
        installed_at = before.installed_at if before else world.now()
        installation = Installation(number=number, scopes=list(scopes), installed_at=installed_at)
        world.installations.keep(installation)
        if before:
            world.emit("app/scopes_update", lambda: documents.scopes_update(world, previous, list(scopes)))
        return installation


def uninstall(world: World) -> None:
    """End the installation and every token, and tell the app. Twice is once."""
    with world.change():
        installation = world.installation
        if installation is None:
            return
        world.emit("app/uninstalled", lambda: documents.shop(world))
        installation.uninstalled_at = world.now()
        world.installations.keep(installation)
        for token in list(world.tokens):
            world.tokens.drop(token.id)


def redact_when_due(world: World) -> None:
    """Two days of business time after an uninstall, ask the app once to forget the store."""
    with world.change():
        record = world.installations.get("app")
        due = record and record.uninstalled_at and record.uninstalled_at + REDACT_AFTER <= world.now()
        if record and due and not record.redacted:
            record.redacted = True
            world.installations.keep(record)
            world.queue("shop/redact", documents.compliance(world, "shop/redact", None))


def exchange(world: World) -> Token:
    """A token pair for an id token (which the caller has checked); older refresh tokens end here."""
    with world.change():
        if world.installation is None:
            raise Refused("The app is not installed", code="invalid_subject_token")
        for token in world.tokens:
            token.retired = True
            world.tokens.keep(token)
        return _new_pair(world)


def _new_pair(world: World) -> Token:
    now = machine_now()
    _forget_dead(world, now)
    installation = world.installation
    return world.tokens.keep(
        Token(
            id=f"shpat_{secrets.token_hex(16)}",
            refresh_token=f"shprt_{secrets.token_hex(16)}",
            scopes=list(installation.scopes) if installation else [],
            issued_at=now,
            expires_at=now + ACCESS_LIFE,
            refresh_expires_at=now + REFRESH_LIFE,
        )
    )


def _forget_dead(world: World, now: datetime) -> None:
    for token in world.tokens:
        if token.expires_at < now and (token.retired or token.refresh_expires_at < now):
            world.tokens.drop(token.id)


def refresh(world: World, refresh_token: str) -> Token:
    """A new pair for a refresh token; `Refused` (invalid_grant) when unknown, old, retired or replaced in use."""
    with world.change():
        token = world.tokens.first("refresh_token", refresh_token)
        now = machine_now()
        if token is None or token.retired or token.refresh_expires_at < now:
            raise Refused("The refresh token is invalid", code="invalid_grant")
        replacement = world.tokens.get(token.replaced_by)
        if replacement:
            _check_retry(token, replacement, now)
            replacement.retired = True
            world.tokens.keep(replacement)
        _mark_used(world, token)
        pair = _new_pair(world)
        token.replaced_by = pair.id
        world.tokens.keep(token)
        return pair


def _check_retry(token: Token, replacement: Token, now: datetime) -> None:
    if replacement.used or now > replacement.issued_at + RETRY_LIFE:
        raise Refused("The refresh token has been replaced", code="invalid_grant")


def _mark_used(world: World, token: Token) -> None:
    if not token.used:
        token.used = True
        world.tokens.keep(token)


def find_token(world: World, access_token: str) -> Token | None:
    """The token if it is good now; using it ends the second chance of the refresh token before it."""
    token = world.tokens.get(access_token)
    if token is None or world.installation is None or token.expires_at <= machine_now():
        return None
    if not token.used:
        with world.change():
            _mark_used(world, token)
    return token
