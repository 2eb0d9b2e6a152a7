"""What the app declares in app.toml, read as the platform reads it after a deploy."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Declaration:
    """Scopes, webhooks, proxy. `topics` maps a topic to the uri of its subscription, compliance topics included."""

    name: str
    handle: str
    scopes: tuple[str, ...]
    optional_scopes: tuple[str, ...]
    api_version: str
    topics: dict[str, str]
    proxy_url: str
    proxy_path: str


def read_declaration(path: Path) -> Declaration:
    """Read app.toml; `KeyError` names what is missing."""
    declared = tomllib.loads(path.read_text(encoding="utf-8"))
    scopes, proxy = declared["access_scopes"], declared["app_proxy"]
    return Declaration(
        name=declared["name"],
        handle=declared["handle"],
        scopes=tuple(_listed(scopes["scopes"])),
        optional_scopes=tuple(scopes.get("optional_scopes", [])),
        api_version=declared["webhooks"]["api_version"],
        topics=_topics(declared["webhooks"]),
        proxy_url=proxy["url"],
        proxy_path=f"/{proxy['prefix']}/{proxy['subpath']}",
    )


def _listed(scopes: str) -> list[str]:
    return [scope.strip() for scope in scopes.split(",") if scope.strip()]


def _topics(webhooks: dict[str, Any]) -> dict[str, str]:
    return {
        topic: subscription["uri"]
        for subscription in webhooks.get("subscriptions", [])
        for topic in [*subscription.get("topics", []), *subscription.get("compliance_topics", [])]
    }
