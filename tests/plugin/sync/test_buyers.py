"""What orders say about their buyers, again and again."""

from __future__ import annotations

from sqlalchemy import Engine, text

from plugin.shops.models import Shop
from plugin.sync.drain import drain
from tests import payloads
from tests.plugin.sync.deliveries import deliver, one, rows


def written(owner: Engine, table: str) -> list[int]:
    """Which transactions wrote the rows."""
    with owner.connect() as connection:
        return list(connection.execute(text(f"SELECT xmin::text::bigint FROM {table} ORDER BY 1")).scalars())


def test_a_second_order_that_says_the_same_of_its_buyer_writes_no_word_of_them(database: Engine, shop: Shop) -> None:
    deliver(database, shop, "orders/create", payloads.order(1001))
    drain(shop.id)
    terms, customer = written(database, "customer_terms"), one(database, "customers", shop)
    deliver(database, shop, "orders/create", payloads.order(1002), at="2026-11-20T13:00:00Z")
    drain(shop.id)
    again = one(database, "customers", shop)
    assert written(database, "customer_terms") == terms and terms
    assert (again["version"], again["locale_version"]) == (customer["version"], customer["locale_version"])
    assert again["orders_count"] == 2


def test_only_the_words_that_changed_are_written(database: Engine, shop: Shop) -> None:
    deliver(database, shop, "customers/update", payloads.customer(501))
    deliver(database, shop, "customers/update", payloads.customer(502))
    drain(shop.id)
    before = written(database, "customer_terms")
    changed = payloads.customer(501, first_name="Zofia", updated_at=payloads.at(12))
    deliver(database, shop, "customers/update", changed)
    deliver(database, shop, "customers/update", payloads.customer(502, state="disabled", updated_at=payloads.at(12)))
    drain(shop.id)
    terms = {(row["customer_id"], row["term"]) for row in rows(database, "customer_terms", shop)}
    assert (501, "zofia") in terms and (501, "łucja") not in terms and (502, "łucja") in terms
    assert len([xid for xid in written(database, "customer_terms") if xid in before]) == len(before) // 2


def test_what_customers_update_says_is_greater_than_an_order_of_the_same_second(database: Engine, shop: Shop) -> None:
    deliver(database, shop, "customers/update", payloads.customer(501, first_name="Own"))
    deliver(database, shop, "orders/create", payloads.order(customer=payloads.customer(501, first_name="Passing")))
    drain(shop.id)
    assert one(database, "customers", shop)["first_name"] == "Own"
