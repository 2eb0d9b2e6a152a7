"""Collections of the store: titles for all, products of those that rules name, followed as the store changes them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import requests

from plugin import clock
from plugin.db import engine as db
from plugin.loyalty import operations as loyalty
from plugin.loyalty.document import Document, Earn, Goods, Multiplier
from plugin.loyalty.programs import ProgramDraft
from plugin.shops import queries as shops
from plugin.shops.models import Shop
from tests.sandbox import Store, store  # noqa: F401


def save(shop: Shop, *collections: int) -> None:
    named = (Multiplier("Double", (2, 1), Goods(collections=collections)),) if collections else ()
    draft = ProgramDraft("Club", "bean", "beans", 1, 100, document=Document(earn=Earn(multipliers=named)))
    with db.transaction(shop.id) as session:
        loyalty.save_program(session, shops.shop(session), "staff:1", draft, clock.now(session) - timedelta(days=400))


def within(store: Store, collection: int) -> set[int]:  # noqa: F811
    rows = store.rows("SELECT product_id FROM collection_products WHERE collection_id = :id", id=collection)
    return {row["product_id"] for row in rows}


def test_what_rules_name_is_known_and_follows_the_store(store: Store) -> None:  # noqa: F811
    store.install()
    shop = shops.by_domain(store.shop)
    assert shop is not None
    known: list[dict[str, Any]] = store.rows("SELECT id, title FROM collections WHERE deleted_at IS NULL ORDER BY id")
    titles = {row["title"]: row["id"] for row in known}
    assert {"Espresso", "Organic", "Everything"} <= titles.keys()
    assert store.rows("SELECT count(*) FROM collection_products")[0]["count"] == 0  # nothing names any

    organic, everything = titles["Organic"], titles["Everything"]
    save(shop, organic, everything, 5)  # 5 is none of the store's
    store.settle()
    expected = {row["id"] for row in store.rows("SELECT id FROM products WHERE 'organic' = ANY (tags)")}
    assert within(store, organic) == expected != set()
    assert len(within(store, everything)) == store.rows("SELECT count(*) FROM products")[0]["count"]
    assert within(store, titles["Espresso"]) == set()

    sold = (
        "SELECT l.order_id, l.id FROM order_lines AS l JOIN products AS p ON p.id = l.product_id"
        " WHERE 'organic' = ANY (p.tags)"
    )
    pinned = {row["order_id"]: row["lines"] for row in store.rows("SELECT order_id, lines FROM order_facts")}
    lines = [pinned[row["order_id"]][str(row["id"])] for row in store.rows(sold) if row["order_id"] in pinned]
    assert lines and all(
        organic in line["collections"] for line in lines
    )  # no past order was judged before it was read

    product = store.rows("SELECT id, tags, status FROM products WHERE NOT 'organic' = ANY (tags) ORDER BY id LIMIT 1")[
        0
    ]
    typed = {"tags": ", ".join([*product["tags"], "organic"]), "status": product["status"]}
    assert requests.post(f"{store.url}/admin/products/{product['id']}", data=typed, timeout=30).ok
    store.settle()
    assert within(store, organic) == expected | {product["id"]}

    asked = "SELECT kind, key, result FROM outbox WHERE kind IN ('collection', 'collections') ORDER BY kind, key"
    told = {row["key"]: row["result"] for row in store.rows(asked)}
    assert told.keys() == {"collections", "5", str(organic), str(everything)}
    assert told["5"] == {"found": False} and told[str(organic)] == {"found": True}
