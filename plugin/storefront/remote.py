"""What the storefront asks of the store: keep the theme's copy of program and fields.

Facts: "App-data metafields" in Shopify's documentation: metafields of the own installation need no scope and are read
by theme blocks as `app.metafields.<namespace>.<key>`.
"""

from __future__ import annotations

import json
from typing import Any

from plugin.shops import api
from plugin.shops.models import Shop

NAMESPACE = "regulars"


def set_theme_data(shop: Shop, data: dict[str, Any]) -> None:
    """Set every key as a JSON metafield; writing the same twice changes nothing."""
    installation = api.execute(shop, "InstallationId")["currentAppInstallation"]["id"]
    api.execute(shop, "MetafieldsSet", {"metafields": [_metafield(installation, *item) for item in data.items()]})


def _metafield(owner: str, key: str, value: Any) -> dict[str, str]:
    text = json.dumps(value, ensure_ascii=False)
    return {"ownerId": owner, "namespace": NAMESPACE, "key": key, "type": "json", "value": text}
