"""Settings of a process, read from the environment once.

The platform settings have Shopify's values as defaults and can be changed only with REGULARS_SANDBOX=1.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from plugin.errors import Invalid

ROOT = Path(__file__).resolve().parent.parent
API_VERSION = "2026-10"


@dataclass(frozen=True)
class Platform:
    """Where the store's side lives. `{shop}` stands for the shop's myshopify domain."""

    admin_origin: str = "https://admin.shopify.com"
    store_url: str = "https://{shop}"
    app_bridge_url: str = "https://cdn.shopify.com/shopifycloud/app-bridge.js"
    frame_ancestors: str = "https://{shop} https://admin.shopify.com"
    shop_domain: str = r"\A[a-z0-9][a-z0-9-]*\.myshopify\.com\Z"

    def base(self, domain: str) -> str:
        """Base URL of one store, without a trailing slash."""
        return self.store_url.format(shop=domain)

    def is_shop_domain(self, domain: str) -> bool:
        return re.match(self.shop_domain, domain) is not None


@dataclass(frozen=True)
class Config:
    """Everything a web, worker or beat process needs to know. Secrets never appear in its repr."""

    app_url: str = "http://127.0.0.1:8800"
    api_key: str = ""
    api_secret: str = field(default="", repr=False)
    api_secret_previous: str = field(default="", repr=False)
    database_url: str = field(default="", repr=False)
    redis_url: str = field(default="", repr=False)
    smtp_url: str = field(default="", repr=False)
    encryption_keys: tuple[str, ...] = field(default=(), repr=False)
    metrics_token: str = field(default="", repr=False)
    keep_bodies_days: int = 7
    sandbox: bool = False
    platform: Platform = Platform()

    @property
    def secrets(self) -> tuple[str, ...]:
        """The current client secret and, during a rotation, the previous one."""
        return tuple(s for s in (self.api_secret, self.api_secret_previous) if s)

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Config:
        sandbox = env.get("REGULARS_SANDBOX") == "1"
        return cls(
            app_url=env.get("APP_URL", cls.app_url).rstrip("/"),
            api_key=env.get("SHOPIFY_API_KEY", ""),
            api_secret=env.get("SHOPIFY_API_SECRET", ""),
            api_secret_previous=env.get("SHOPIFY_API_SECRET_PREVIOUS", ""),
            database_url=env.get("DATABASE_URL", ""),
            redis_url=env.get("REDIS_URL", ""),
            smtp_url=env.get("SMTP_URL", ""),
            metrics_token=env.get("METRICS_TOKEN", ""),
            keep_bodies_days=_days(env.get("KEEP_BODIES_DAYS", ""), cls.keep_bodies_days),
            encryption_keys=tuple(k for k in env.get("ENCRYPTION_KEYS", "").split(",") if k),
            sandbox=sandbox,
            platform=_platform(env) if sandbox else Platform(),
        )


def _days(text: str, default: int) -> int:
    """A number of days, at least one; the doctor says when it is none."""
    return max(int(text), 1) if text.isascii() and text.isdigit() else default


def _platform(env: Mapping[str, str]) -> Platform:
    names = {
        "admin_origin": "PLATFORM_ADMIN_ORIGIN",
        "store_url": "PLATFORM_STORE_URL",
        "app_bridge_url": "PLATFORM_APP_BRIDGE_URL",
        "frame_ancestors": "PLATFORM_FRAME_ANCESTORS",
    }
    return Platform(**{key: env[name].rstrip("/") for key, name in names.items() if env.get(name)})


@cache
def config() -> Config:
    """The settings of this process; `config.cache_clear()` after the environment changed (tests)."""
    return Config.from_env(os.environ)


@cache
def manifest() -> dict[str, Any]:
    """`app.toml`: the app as declared to Shopify, the only list of scopes, topics and URLs."""
    with (ROOT / "app.toml").open("rb") as file:
        declared = tomllib.load(file)
    if declared["webhooks"]["api_version"] != API_VERSION:
        raise Invalid(
            "app.toml declares API version %(declared)s, the code speaks %(spoken)s.",
            declared=declared["webhooks"]["api_version"],
            spoken=API_VERSION,
        )
    return declared


def scopes() -> tuple[str, ...]:
    """The access scopes that `app.toml` asks for."""
    return tuple(s.strip() for s in manifest()["access_scopes"]["scopes"].split(","))
