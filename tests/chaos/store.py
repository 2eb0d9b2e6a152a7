"""The stores' Admin API on loopback: one server for all five, real GraphQL over the published schema, and faults.

Faults are of one kind at a time and strike half of the requests: `throttled`, `failing` (500), `slow`, and `cut`, which
closes the connection after it has acted. `acted` counts what was done, so that doing it twice shows.
"""

from __future__ import annotations

import json
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from graphql import build_schema, graphql_sync

from plugin.config import ROOT
from tests.chaos import graph
from tests.chaos.searching import matches
from tests.chaos.world import World

SCHEMA = build_schema((ROOT / "plugin" / "sandbox" / "schema.graphql").read_text(), assume_valid=True)
SLOW_SECONDS = 2.0
BUDGET = {"maximumAvailable": 20000, "currentlyAvailable": 20000, "restoreRate": 1000}
FAULTS = ("throttled", "failing", "slow", "cut")


class Stores:
    """The server. `fault` is the present one, `struck` counts how often each struck."""

    def __init__(self, worlds: list[World], seed: int) -> None:
        self.worlds = {world.domain: world for world in worlds}
        self.fault = ""
        self.struck: Counter[str] = Counter()
        self.acted: Counter[tuple[str, str, str]] = Counter()  # shop, deed, about what
        self.asked: Counter[str] = Counter()
        self.grants: Counter[str] = Counter()
        self.slow_codes = 0.0  # seconds that making a code takes after it was made
        self._luck = random.Random(seed)
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def url(self) -> str:
        """For PLATFORM_STORE_URL."""
        return f"http://127.0.0.1:{self._server.server_port}/{{shop}}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def strikes(self) -> str:
        """The fault that strikes this request, or none."""
        fault = self.fault if self.fault and self._luck.random() < 0.5 else ""
        if fault:
            self.struck[fault] += 1
        return fault

    def grant(self, domain: str) -> dict[str, Any]:
        """A new pair of tokens."""
        self.grants[domain] += 1
        number = self.grants[domain]
        return {
            "access_token": f"access-{domain}-{number}",
            "expires_in": 3600,
            "refresh_token": f"refresh-{domain}-{number}",
            "refresh_token_expires_in": 7776000,
            "scope": "read_customers,write_customers,read_orders,read_products,write_discounts",
        }

    def execute(self, domain: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        """One GraphQL request."""
        self.asked[asked["operationName"]] += 1
        root = Root(self.worlds[domain], self.acted)
        answer = graphql_sync(
            SCHEMA, asked["query"], root, variable_values=asked.get("variables"), operation_name=asked["operationName"]
        )
        if asked["operationName"] == "DiscountBasicCreate":
            time.sleep(self.slow_codes)
        cost = {"requestedQueryCost": 10, "actualQueryCost": 10, "throttleStatus": BUDGET}
        errors = [
            {"message": str(error), "extensions": {"code": "INTERNAL_SERVER_ERROR"}} for error in answer.errors or ()
        ]
        return {"data": answer.data, "extensions": {"cost": cost}} | ({"errors": errors} if errors else {})


class Root:
    """What the schema's root fields answer: GraphQL asks for attributes and calls them."""

    def __init__(self, world: World, acted: Counter[tuple[str, str, str]]) -> None:
        self._world, self._acted = world, acted

    # Reads

    def customer(self, info: Any, id: str) -> Any:
        number = _number(id)
        return self._customer(number) if number in self._world.customers else None

    def order(self, info: Any, id: str) -> Any:
        number = _number(id)
        return self._order(number) if number in self._world.orders and number not in self._world.deleted else None

    def refund(self, info: Any, id: str) -> Any:
        found = (each for order in list(self._world.orders.values()) for each in order["refunds"])
        return next((graph.refund(each) for each in found if each["id"] == _number(id)), None)

    def product(self, info: Any, id: str) -> Any:
        body = self._world.products.get(_number(id))
        return graph.product(body) if body else None

    def customers(self, info: Any, **asked: Any) -> Any:
        return self._page([self._customer(id) for id in list(self._world.customers)], asked)

    def orders(self, info: Any, **asked: Any) -> Any:
        return self._page([self._order(id) for id in list(self._world.orders) if id not in self._world.deleted], asked)

    def products(self, info: Any, **asked: Any) -> Any:
        return self._page([graph.product(body) for body in list(self._world.products.values())], asked)

    def abandonedCheckouts(self, info: Any, **asked: Any) -> Any:
        left = [self._checkout(token) for token in list(self._world.checkouts)]
        return self._page(left, asked)

    def customersCount(self, info: Any, **asked: Any) -> Any:
        return _count(self.customers(info, **_all(asked)))

    def ordersCount(self, info: Any, **asked: Any) -> Any:
        return _count(self.orders(info, **_all(asked)))

    def productsCount(self, info: Any, **asked: Any) -> Any:
        return _count(self.products(info, **_all(asked)))

    def abandonedCheckoutsCount(self, info: Any, **asked: Any) -> Any:
        return _count(self.abandonedCheckouts(info, **_all(asked)))

    def webhookSubscriptions(self, info: Any, **asked: Any) -> Any:
        return graph.page([])

    def currentAppInstallation(self, info: Any) -> Any:
        return {"id": graph.gid("AppInstallation", 1), "accessScopes": []}

    def codeDiscountNodeByCode(self, info: Any, code: str) -> Any:
        made = self._world.codes.get(code)
        if made is None:
            return None
        people = [{"id": graph.gid("Customer", id)} for id in (made["customer"], *made["others"])]
        context = {"__typename": "DiscountCustomers", "customers": people}
        return {"id": made["gid"], "codeDiscount": {"__typename": "DiscountCodeBasic", "context": context}}

    # Deeds

    def discountCodeBasicCreate(self, info: Any, basicCodeDiscount: dict[str, Any]) -> Any:
        code = basicCodeDiscount["code"]
        with self._world.lock:
            if code in self._world.codes:
                taken = {"field": ["code"], "message": "Code must be unique.", "code": "TAKEN"}
                return {"codeDiscountNode": None, "userErrors": [taken]}
            gid = graph.gid("DiscountCodeNode", len(self._world.codes) + 1)
            buyer = _buyer_of(basicCodeDiscount)
            self._world.codes[code] = {"gid": gid, "customer": buyer, "others": [], "ended": False}
            self._acted[(self._world.domain, "code", code)] += 1
        return {"codeDiscountNode": {"id": gid}, "userErrors": []}

    def discountCodeBasicUpdate(self, info: Any, id: str, basicCodeDiscount: dict[str, Any]) -> Any:
        for code, made in self._world.codes.items():
            if made["gid"] == id:
                made["others"].append(_buyer_of(basicCodeDiscount))
                self._acted[(self._world.domain, "owner", code)] += 1
        return {"codeDiscountNode": {"id": id}, "userErrors": []}

    def discountCodeDeactivate(self, info: Any, id: str) -> Any:
        for made in self._world.codes.values():
            if made["gid"] == id:
                made["ended"] = True
        return {"codeDiscountNode": {"id": id}, "userErrors": []}

    def customerEmailMarketingConsentUpdate(self, info: Any, input: dict[str, Any]) -> Any:
        return {"customer": self.customer(info, input["customerId"]), "userErrors": []}

    def metafieldsSet(self, info: Any, metafields: list[Any]) -> Any:
        return {"metafields": [], "userErrors": []}

    # Inside

    def _customer(self, id: int) -> dict[str, Any]:
        state, at = self._world.consents[id]
        counted = {"tags": sorted(self._world.tags.get(id, ())), **self._bought(id)}
        return graph.customer(self._world.customers[id], state.upper(), at, **counted)

    def _bought(self, id: int) -> dict[str, Any]:
        """What the store counts of a customer's orders."""
        standing = [
            order
            for order in list(self._world.orders.values())
            if order["customer"]["id"] == id and order["id"] not in self._world.deleted and not order["cancelled_at"]
        ]
        spent = sum(float(order["current_total_price"]) for order in standing)
        last = max(standing, key=lambda order: (order["processed_at"], order["id"]), default=None)
        return {
            "numberOfOrders": str(len(standing)),
            "amountSpent": {"amount": f"{spent:.2f}", "currencyCode": self._world.currency},
            "lastOrder": last and {"updatedAt": last["updated_at"]},
        }

    def _order(self, id: int) -> dict[str, Any]:
        return graph.order(self._world.orders[id])

    def _checkout(self, token: str) -> dict[str, Any]:
        body = self._world.checkouts[token]
        return graph.checkout(body, self._customer(body["customer"]["id"]))

    def _page(self, nodes: list[dict[str, Any]], asked: dict[str, Any]) -> Any:
        found = [node for node in nodes if matches(node, asked.get("query") or "")]
        found.sort(key=lambda node: _number(node["id"]), reverse=bool(asked.get("reverse")))
        first = int(asked["after"]) if asked.get("after") else 0
        last = first + int(asked.get("first") or 50)
        more = last < len(found)
        return {
            "nodes": found[first:last],
            "edges": [{"node": node, "cursor": str(place)} for place, node in enumerate(found[first:last], first + 1)],
            "pageInfo": {"hasNextPage": more, "endCursor": str(last) if more else None},
        }


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Whoever asked was killed; what else goes wrong here is told."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def _number(gid: str) -> int:
    return int(gid.rpartition("/")[2].partition("?")[0])


def _all(asked: dict[str, Any]) -> dict[str, Any]:
    return {"query": asked.get("query"), "first": 10**9}


def _count(page: dict[str, Any]) -> dict[str, Any]:
    return {"count": len(page["nodes"]), "precision": "EXACT"}


def _buyer_of(discount: dict[str, Any]) -> int:
    return _number(discount["context"]["customers"]["add"][0])


def _handler(stores: Stores) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            domain = self.path.split("/")[1]
            fault = stores.strikes()
            if fault == "failing":
                return self._answer(500, {"errors": "Internal Server Error"})
            if fault == "throttled":
                return self._answer(429, {"errors": "Throttled"}, {"Retry-After": "1"})
            if fault == "slow":
                time.sleep(SLOW_SECONDS)
            oauth: Callable[[], Any] = lambda: stores.grant(domain)  # noqa: E731
            answer = oauth() if self.path.endswith("/oauth/access_token") else stores.execute(domain, asked)
            if fault == "cut":
                self.close_connection = True
                return None
            return self._answer(200, answer)

        def _answer(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    return Handler
