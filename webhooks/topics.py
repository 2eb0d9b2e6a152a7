"""The table of topics: one row each, with what its bodies carry. `app.toml` declares the same list; a test compares.

A *state* is the whole object as it is now; a *change* says that something moved, and is answered by fetching it;
a *deletion* names an object that is gone; a *notice* is about the shop or the app itself.
"""

from __future__ import annotations

from typing import Final

TOPICS: Final[dict[str, str]] = {
    "customers/create": "state",
    "customers/update": "state",
    "customers/delete": "deletion",
    "customers/merge": "change",
    "customers_email_marketing_consent/update": "state",
    "customers_marketing_consent/update": "state",
    "customer.tags_added": "change",
    "customer.tags_removed": "change",
    "customers/purchasing_summary": "state",
    "orders/create": "state",
    "orders/updated": "state",
    "orders/paid": "state",
    "orders/cancelled": "state",
    "orders/edited": "change",
    "orders/fulfilled": "state",
    "orders/delete": "deletion",
    "refunds/create": "state",
    "checkouts/create": "state",
    "checkouts/update": "state",
    "checkouts/delete": "deletion",
    "fulfillments/create": "state",
    "fulfillments/update": "state",
    "products/create": "state",
    "products/update": "state",
    "products/delete": "deletion",
    "collections/create": "change",
    "collections/update": "change",
    "collections/delete": "deletion",
    "inventory_levels/update": "state",
    "shop/update": "state",
    "app/uninstalled": "notice",
    "app/scopes_update": "notice",
    "bulk_operations/finish": "notice",
    "customers/data_request": "notice",
    "customers/redact": "notice",
    "shop/redact": "notice",
}
