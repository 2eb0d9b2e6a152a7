"""The store's lists in brief: what there is, when it changed, and a little of its content.

Pages are asked for by id and not by cursor: a list ends after 25,000 objects (shopify.dev: "API rate limits"), an
object that changes meanwhile keeps its place, and a check can go on from any id.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from plugin.shops import api
from plugin.shops.models import Shop
from plugin.sync.batch import currency_code, email_address, minor
from plugin.sync.node_telling import checkout_token
from plugin.sync.nodes import numeric_id

Node = dict[str, Any]


@dataclass(frozen=True)
class Listed:
    """One object: `key` is what our rows are found by, `content` JSON or None where only its moment was asked for."""

    key: int | str
    store_id: int
    updated_at: datetime
    content: str | None


@dataclass(frozen=True)
class Page:
    """Some objects by rising id; `more` when others follow."""

    objects: list[Listed]
    more: bool


@dataclass(frozen=True)
class Sum:
    """A stretch of ids: how many objects, and when the one that changed last did (to the second)."""

    count: int
    newest_at: datetime | None


@dataclass(frozen=True)
class Lists:
    """How one kind of object is listed and counted: the operations' names, and the field that answers them."""

    field: str
    changed: str
    compared: str
    counted: str
    content: Callable[[Node], Mapping[str, Any]]
    summed: str = ""


def page(shop: Shop, kind: str, after: int, since: datetime | None = None, whole: bool = False) -> Page:
    """The next objects after id `after`: those changed at or after `since`, with their content when `whole`.

    Errors as of `shops.api`.
    """
    lists = LISTS[kind]
    wanted = [f"id:>{after}", since and f"updated_at:>='{since:%Y-%m-%dT%H:%M:%SZ}'"]
    operation = lists.compared if whole else lists.changed
    told = api.execute(shop, operation, {"query": " ".join(term for term in wanted if term)})[lists.field]
    content = lists.content if operation == lists.compared else None
    return Page([_listed(kind, node, content) for node in told["nodes"]], told["pageInfo"]["hasNextPage"])


def listed(kind: str, node: Node) -> Listed:
    """One object with its content, as a comparison's bulk result tells it."""
    return _listed(kind, node, LISTS[kind].content)


def count(shop: Shop, kind: str, query: str = "") -> int | None:
    """How many the store has; None when it does not tell us."""
    lists = LISTS[kind]
    told = api.execute(shop, lists.counted, {"query": query})[f"{lists.field}Count"]
    return None if told is None else int(told["count"])


def sum_up(shop: Shop, kind: str, after: int, through: int) -> Sum | None:
    """Ids after `after` up to `through` in one cheap call; None when the store does not tell."""
    field = LISTS[kind].field
    told = api.execute(shop, LISTS[kind].summed, {"query": f"id:>{after} id:<={through}"})
    if told[f"{field}Count"] is None or told[field] is None:
        return None
    newest = [datetime.fromisoformat(node["updatedAt"]) for node in told[field]["nodes"]]
    return Sum(int(told[f"{field}Count"]["count"]), newest[0] if newest else None)


def _listed(kind: str, node: Node, content: Callable[[Node], Mapping[str, Any]] | None) -> Listed:
    store_id = numeric_id(node["id"])
    key = checkout_token(node["abandonedCheckoutUrl"]) if kind == "checkouts" else store_id
    moment = datetime.fromisoformat(node["updatedAt"])
    return Listed(key, store_id, moment, json.dumps(content(node)) if content else None)


def _customer(node: Node) -> Mapping[str, Any]:
    """Totals are left out while the last order is too young: news of it may be on its way (plugin.sync.comparing)."""
    email, spent, last = node["defaultEmailAddress"] or {}, node["amountSpent"], node["lastOrder"]
    state = email.get("marketingState")
    return {
        "email": email_address(email.get("emailAddress")),
        "consent": state.lower() if state else None,
        "tags": sorted(node["tags"]),
        "orders": int(node["numberOfOrders"]),
        "spent": minor(spent["amount"], currency_code(spent["currencyCode"])),
        "ordered_at": last and last["updatedAt"],
    }


def _order(node: Node) -> Mapping[str, Any]:
    currency = currency_code(node["currencyCode"])
    status, buyer = node["displayFinancialStatus"], node["customer"]
    return {
        "total": minor(node["currentTotalPriceSet"]["shopMoney"]["amount"], currency),
        "refunded": status in ("REFUNDED", "PARTIALLY_REFUNDED"),  # the sum itself would cost half as much again
        "status": status.lower() if status else None,
        "cancelled": node["cancelledAt"] is not None,
        "customer": buyer and numeric_id(buyer["id"]),
        "lines": node["currentSubtotalLineItemsQuantity"],
    }


def _product(node: Node) -> Mapping[str, Any]:
    variants = node["variantsCount"]
    return {
        "title": node["title"],
        "status": node["status"].lower(),
        "tags": sorted(node["tags"]),
        "variants": variants and variants["count"],
    }


def _checkout(node: Node) -> Mapping[str, Any]:
    return {"completed": node["completedAt"] is not None}


LISTS = {
    "customers": Lists(
        "customers", "CustomersChanged", "CustomersCompared", "CustomersCount", _customer, "CustomersWindow"
    ),
    "products": Lists("products", "ProductsChanged", "ProductsCompared", "ProductsCount", _product, "ProductsWindow"),
    "orders": Lists("orders", "OrdersChanged", "OrdersCompared", "OrdersCount", _order, "OrdersWindow"),
    "checkouts": Lists("abandonedCheckouts", "CheckoutsChanged", "CheckoutsChanged", "CheckoutsCount", _checkout),
}
