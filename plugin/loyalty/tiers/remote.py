"""What tiers ask of the store: a customer's tag and metafield. Setting a state twice does no harm.

Facts: "tagsAdd", "tagsRemove", "metafieldsSet" and "metafieldsDelete" in Shopify's Admin API reference. The metafield
is declared in app.toml, in the app's own namespace "$app".
"""

from __future__ import annotations

from typing import Any

from plugin.shops import api
from plugin.shops.models import Shop

FIELD = {"namespace": "$app", "key": "tier"}


def write_mark(shop: Shop, payload: dict[str, Any]) -> dict[str, Any]:
    """Bring {"customer_id", "tag", "remove": [tags], "field", "field_was"} about; answers {}."""
    customer = f"gid://shopify/Customer/{payload['customer_id']}"
    field = {"ownerId": customer, **FIELD}
    value = {"type": "single_line_text_field", "value": payload["field"]}
    tags = [payload["tag"]] if payload["tag"] else []
    clears = payload["field"] is None and payload["field_was"] is not None
    asked = {
        "id": customer,
        "add": tags,
        "adds": bool(tags),
        "remove": payload["remove"],
        "removes": bool(payload["remove"]),
        "fields": [field | value] if payload["field"] else [],
        "sets": bool(payload["field"]),
        "gone": [field] if clears else [],
        "clears": clears,
    }
    if asked["adds"] or asked["removes"] or asked["sets"] or clears:
        api.execute(shop, "TierMark", asked)
    return {}
