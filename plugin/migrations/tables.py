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
    "loyalty.acting",
    "loyalty.books",
    "loyalty.expiry",
    "loyalty.importing",
    "loyalty.joining",
    "loyalty.mails",
    "loyalty.referring",
    "loyalty.tiers",
    "loyalty.replaying",
    "subscriptions",
    "campaigns",
    "insights",
    "privacy",
    "sync",
)

MODELS = (*(f"{feature}.models" for feature in FEATURES), "loyalty.reward_models")

for module in MODELS:
    importlib.import_module(f"plugin.{module}")

metadata = Base.metadata


def tables_of_shops() -> list[str]:
    """Names of all tables with a shop's rows but `shops` itself, children before their parents."""
    return [table.name for table in reversed(metadata.sorted_tables) if "shop_id" in table.columns]
