"""All tables of the product, for migrations and for the tests that read the catalogue."""

from __future__ import annotations

import importlib

from plugin.db.base import Base

FEATURES = (
    "db",
    "shops",
    "effects",
    "commerce",
    "messages",
    "loyalty",
    "subscriptions",
    "campaigns",
    "privacy",
    "sync",
)

for feature in FEATURES:
    importlib.import_module(f"plugin.{feature}.models")

metadata = Base.metadata
