"""A store that lists, counts and reads what a test puts into it: the Admin API as far as a comparison asks."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from plugin.sync.listing import LISTS
from tests.fake_store import Answer, Asked, FakeStore, cost, data, throttled

NOW = datetime.now(UTC).replace(microsecond=0)
LONG_AGO = NOW - timedelta(days=3)
SINGLE = {"OrderNow": "order", "CustomerNow": "customer", "ProductNow": "product"}


def order(id: int, at: datetime = LONG_AGO, total: str = "10.00", **more: Any) -> dict[str, Any]:
    """An order as a single read answers it; lists show a part of it."""
    bag = {"shopMoney": {"amount": total}}
    return {
        "id": f"gid://shopify/Order/{id}",
        "name": f"#{id}",
        "currencyCode": "EUR",
        "customer": None,
        "displayFinancialStatus": "PAID",
        "cancelledAt": None,
        "currentSubtotalLineItemsQuantity": 0,
        "currentTotalPriceSet": bag,
        "totalPriceSet": bag,
        "totalRefundedSet": {"shopMoney": {"amount": "0.00"}},
        "lineItems": {"nodes": [], "pageInfo": {"hasNextPage": False, "endCursor": None}},
        "refunds": [],
        "fulfillments": [],
        "createdAt": LONG_AGO.isoformat(),
        "processedAt": LONG_AGO.isoformat(),
        "updatedAt": at.isoformat(),
    } | more


class ListedStore:
    """Orders by id behind a fake store. `throttle`: how many calls are put off; `asked`: operation names."""

    def __init__(self, store: FakeStore, page_size: int = 250) -> None:
        self.objects: dict[str, dict[int, dict[str, Any]]] = {"orders": {}, "customers": {}, "products": {}}
        self.subscriptions: list[dict[str, Any]] = []
        self.hidden: set[int] = set()  # not read by their id, and in no list
        self.denied = False
        self.throttle = 0
        self.page_size = page_size
        self.asked: list[str] = []
        store.will(self.answer)

    def put(self, *orders: dict[str, Any]) -> None:
        for one in orders:
            self.objects["orders"][int(one["id"].rsplit("/", 1)[1])] = one

    def answer(self, asked: Asked) -> Answer:
        name, variables = asked.body["operationName"], asked.body["variables"]
        self.asked.append(name)
        if self.throttle:
            self.throttle -= 1
            return throttled(requested=900, available=0, rate=100)
        if name == "WebhookSubscriptions":
            return data(webhookSubscriptions=_page(self.subscriptions, False))
        if name in SINGLE:
            return self._one(SINGLE[name], variables["id"])
        if name == "OrdersWindow":
            return self._sum(variables["query"])
        return self._list(name, variables["query"])

    def _one(self, field: str, gid: str) -> Answer:
        id = int(gid.rsplit("/", 1)[1])
        if self.denied:
            errors = [{"message": "no", "extensions": {"code": "ACCESS_DENIED"}}]
            return Answer({"data": {field: None}, "errors": errors, "extensions": {"cost": cost()}})
        return data(**{field: None if id in self.hidden else self.objects[f"{field}s"].get(id)})

    def _sum(self, query: str) -> Answer:
        found = self._found("orders", query)
        newest = [{"updatedAt": max(one["updatedAt"] for one in found)}] if found else []
        return data(ordersCount={"count": len(found), "precision": "EXACT"}, orders={"nodes": newest})

    def _list(self, name: str, query: str) -> Answer:
        [kind] = [kind for kind, lists in LISTS.items() if name in (lists.changed, lists.compared, lists.counted)]
        found = self._found(kind, query)
        if name == LISTS[kind].counted:
            field = f"{LISTS[kind].field}Count"
            if self.denied:
                errors = [{"message": "no", "extensions": {"code": "ACCESS_DENIED"}}]
                return Answer({"data": {field: None}, "errors": errors, "extensions": {"cost": cost()}})
            return data(**{field: {"count": len(found), "precision": "EXACT"}})
        return data(**{LISTS[kind].field: _page(found[: self.page_size], len(found) > self.page_size)})

    def _found(self, kind: str, query: str) -> list[dict[str, Any]]:
        objects = {id: one for id, one in sorted(self.objects.get(kind, {}).items()) if id not in self.hidden}
        if exact := re.search(r"id:(\d+)", query):
            return [one for id, one in objects.items() if id == int(exact[1])]
        after, since = re.search(r"id:>(\d+)", query), re.search(r"updated_at:>='([^']+)'", query)
        through = re.search(r"id:<=(\d+)", query)
        least = datetime.fromisoformat(since[1]) if since else datetime.min.replace(tzinfo=UTC)
        chosen = {id: one for id, one in objects.items() if datetime.fromisoformat(one["updatedAt"]) >= least}
        low, high = int(after[1]) if after else 0, int(through[1]) if through else 2**63
        return [one for id, one in chosen.items() if low < id <= high]


def _page(nodes: list[dict[str, Any]], more: bool) -> dict[str, Any]:
    return {"nodes": nodes, "pageInfo": {"hasNextPage": more, "endCursor": "x" if more else None}}
