"""Asking the store how one object is now. The answer goes into the inbox and comes in like everything else.

`read` calls outside and touches no database; `keep` stores its answer in the transaction that finishes the effect.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import update
from sqlalchemy.orm import Session

from plugin import clock
from plugin.effects.models import Effect
from plugin.shops import api
from plugin.shops.models import Shop
from plugin.sync import inbox
from plugin.sync.batch import fetch_key

Node = dict[str, Any]
MOST_PAGES = 100  # of lines, refund lines or variants


def read(shop: Shop, payload: Mapping[str, Any]) -> dict[str, Any]:
    """The object of a `fetch` effect as the store has it, `node` None when it has none. Errors as of `shops.api`."""
    asked_at = clock.machine_now()
    kind, id = payload["object"], int(payload["id"])
    node = READS[kind](shop, f"gid://shopify/{GID_TYPES[kind]}/{id}")
    return {"object": kind, "id": id, "node": node, "asked_at": asked_at.isoformat()}


def keep(session: Session, shop: Shop, payload: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
    """Put the answer into the inbox, and out of the outbox: it holds personal data.

    What the store does not have (any more, or not for us) changes nothing: a deletion comes as a webhook.
    """
    kind, id = answer["object"], answer["id"]
    mine = Effect.shop_id == shop.id, Effect.kind == "fetch", Effect.key == fetch_key(kind, id)
    session.execute(update(Effect).where(*mine).values(result={"found": answer["node"] is not None}))
    if answer["node"] is not None:
        webhook_id = f"fetched:{kind}:{id}:{answer['asked_at']}"
        # Webhooks are dated in business time, which the sandbox moves; so is this one.
        ahead = clock.now(session) - clock.machine_now()
        asked_at = datetime.fromisoformat(answer["asked_at"]) + max(ahead, timedelta())
        inbox.put(session, shop.id, f"fetched/{kind}", webhook_id, msgspec.json.encode(answer["node"]), asked_at)


def _customer(shop: Shop, gid: str) -> Node | None:
    return api.execute(shop, "CustomerNow", {"id": gid})["customer"]


def _order(shop: Shop, gid: str) -> Node | None:
    """The order with all its lines, and each refund read singly: together they would cost too many points."""
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


def _product(shop: Shop, gid: str) -> Node | None:
    def page(after: str | None) -> Node | None:
        return api.execute(shop, "ProductNow", {"id": gid, "after": after})["product"]

    product = page(None)
    if product:
        product["variants"] = _whole(product["variants"], lambda after: (page(after) or {})["variants"])
    return product


def _whole(first: Node, next_page: Callable[[str], Node]) -> Node:
    """A connection with the nodes of all its pages."""
    nodes, page = list(first["nodes"]), first
    for _ in range(MOST_PAGES):
        if not page["pageInfo"]["hasNextPage"]:
            break
        page = next_page(page["pageInfo"]["endCursor"])
        nodes += page["nodes"]
    return {"nodes": nodes}


READS: dict[str, Callable[[Shop, str], Node | None]] = {"customers": _customer, "orders": _order, "products": _product}
GID_TYPES = {"customers": "Customer", "orders": "Order", "products": "Product"}
