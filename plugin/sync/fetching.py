"""Asking the store how one object is now. The answer goes into the inbox and comes in like everything else.

`read` calls outside and touches no database; `keep` stores its answer in the transaction that finishes the effect. That
the store has no such object is believed only when it says so twice, by the object's id and by its list, and when it
would show it to us at all: then it is a deletion whose webhook was lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from plugin import clock
from plugin.commerce.models import Order
from plugin.effects.models import Effect
from plugin.shops import api
from plugin.shops.models import Shop
from plugin.sync import inbox, listing
from plugin.sync.batch import fetch_key
from plugin.sync.nodes import numeric_id

Node = dict[str, Any]
MOST_PAGES = 100  # of lines, refund lines or variants
# Without `read_all_orders` the store hides orders older than 60 days (shopify.dev: "Order"); a day is for doubt.
SHOWN_ORDERS = timedelta(days=59)


def read(shop: Shop, payload: Mapping[str, Any]) -> dict[str, Any]:
    """The object of a `fetch` effect as the store has it; `node` None when it shows none, `absent` when it has none.

    Errors as of `shops.api`.
    """
    asked_at = clock.machine_now()
    kind, id = payload["object"], int(payload["id"])
    node = READS[kind](shop, id)
    absent = node is None and kind in GID_TYPES and listing.count(shop, kind, f"id:{id}") == 0
    return {"object": kind, "id": id, "node": node, "absent": absent, "asked_at": asked_at.isoformat()}


def keep(session: Session, shop: Shop, payload: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
    """Put the answer into the inbox, and out of the outbox: it holds personal data.

    What is left there says whether the store had it, and which row of the inbox tells it.
    """
    kind, id = answer["object"], answer["id"]
    result: dict[str, Any] = {"found": answer["node"] is not None, "webhook_id": None}
    if told := _told(session, shop, answer):
        topic, body = told
        webhook_id = f"{topic.replace('/', ':')}:{id}:{answer['asked_at']}"
        # Webhooks are dated in business time, which the sandbox moves; so is this one.
        ahead = clock.now(session) - clock.machine_now()
        asked_at = datetime.fromisoformat(answer["asked_at"]) + max(ahead, timedelta())
        inbox.put(session, shop.id, topic, webhook_id, msgspec.json.encode(body), asked_at)
        result["webhook_id"] = webhook_id
    mine = Effect.shop_id == shop.id, Effect.kind == "fetch", Effect.key == fetch_key(kind, id)
    session.execute(update(Effect).where(*mine).values(result=result))


def shown_since(session: Session, shop: Shop) -> datetime | None:
    """Orders made before this are hidden from us, so that their absence means nothing; None when all are shown."""
    return None if "read_all_orders" in shop.scopes else clock.now(session) - SHOWN_ORDERS


def _told(session: Session, shop: Shop, answer: Mapping[str, Any]) -> tuple[str, Any] | None:
    kind, id = answer["object"], answer["id"]
    if answer["node"] is not None:
        return f"fetched/{kind}", answer["node"]
    if not answer.get("absent") or (kind == "orders" and _may_be_hidden(session, shop, id)):
        return None
    return f"absent/{kind}", {"id": id}


def _may_be_hidden(session: Session, shop: Shop, order_id: int) -> bool:
    since = shown_since(session, shop)
    if since is None:
        return False
    made_at = session.scalar(select(Order.created_at).where(Order.shop_id == shop.id, Order.id == order_id))
    return made_at is None or made_at < since


def _customer(shop: Shop, id: int) -> Node | None:
    return api.execute(shop, "CustomerNow", {"id": _gid("customers", id)})["customer"]


def _order(shop: Shop, id: int) -> Node | None:
    """The order with all its lines, and each refund read singly: together they would cost too many points."""
    gid = _gid("orders", id)
    order: Node | None = api.execute(shop, "OrderNow", {"id": gid})["order"]
    if order is None:
        return None
    order["lineItems"] = _whole(
        order["lineItems"],
        lambda after: api.execute(shop, "OrderLinesNow", {"id": gid, "after": after})["order"]["lineItems"],
    )
    refunds = [_refund(shop, refund["id"]) for refund in order["refunds"]]
    order["refunds"] = [refund for refund in refunds if refund]
    return order


def _refund(shop: Shop, gid: str) -> Node | None:
    def page(after: str | None) -> Node | None:
        return api.execute(shop, "RefundNow", {"id": gid, "after": after})["refund"]

    refund = page(None)
    if refund:
        refund["refundLineItems"] = _whole(
            refund["refundLineItems"], lambda after: (page(after) or {})["refundLineItems"]
        )
    return refund


def _product(shop: Shop, id: int) -> Node | None:
    def page(after: str | None) -> Node | None:
        return api.execute(shop, "ProductNow", {"id": _gid("products", id), "after": after})["product"]

    product = page(None)
    if product:
        product["variants"] = _whole(product["variants"], lambda after: (page(after) or {})["variants"])
    return product


def _checkout(shop: Shop, id: int) -> Node | None:
    """The platform reads no abandoned checkout by its id, only lists them; one that it does not list may yet exist."""

    def page(after: str | None) -> Node | None:
        told = api.execute(shop, "CheckoutNow", {"query": f"id:{id}", "after": after})["abandonedCheckouts"]
        return next((node for node in told["nodes"] if numeric_id(node["id"]) == id), None)

    checkout = page(None)
    if checkout:
        checkout["lineItems"] = _whole(checkout["lineItems"], lambda after: (page(after) or {})["lineItems"])
    return checkout


def _whole(first: Node, next_page: Callable[[str], Node]) -> Node:
    """A connection with the nodes of all its pages."""
    nodes, page = list(first["nodes"]), first
    for _ in range(MOST_PAGES):
        if not page["pageInfo"]["hasNextPage"]:
            break
        page = next_page(page["pageInfo"]["endCursor"])
        nodes += page["nodes"]
    return {"nodes": nodes}


def _gid(kind: str, id: int) -> str:
    return f"gid://shopify/{GID_TYPES[kind]}/{id}"


READS: dict[str, Callable[[Shop, int], Node | None]] = {
    "customers": _customer,
    "orders": _order,
    "products": _product,
    "checkouts": _checkout,
}
GID_TYPES = {"customers": "Customer", "orders": "Order", "products": "Product"}  # what is read by its id
