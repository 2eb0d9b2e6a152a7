"""From the inbox into the mirror."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine, text

from plugin.db import engine as db
from plugin.shops.models import Shop
from plugin.sync import drain as draining
from plugin.sync.drain import drain, drain_waiting, lock
from tests import payloads
from tests.plugin.sync.deliveries import deliver, mirror, one, rows, states


def test_an_order_webhook_becomes_an_order_with_its_lines(database: Engine, shop: Shop, other_shop: Shop) -> None:
    deliver(database, shop, "orders/create", payloads.order())
    assert drain(shop.id) == 1
    order = one(database, "orders", shop)
    assert (order["id"], order["name"], order["customer_id"], order["financial_status"]) == (1001, "#1001", 501, "paid")
    assert (order["subtotal_minor"], order["total_minor"], order["shipping_minor"]) == (2500, 2990, 490)
    assert order["known"] and order["processed_at"].isoformat() == "2026-11-20T09:00:00+00:00"
    line = one(database, "order_lines", shop)
    assert (line["order_id"], line["id"], line["quantity"], line["price_minor"], line["tax_minor"]) == (
        *(1001, 901, 2, 1250),
        164,
    )
    assert states(database, shop) == {one(database, "inbox", shop)["webhook_id"]: "done"}
    assert rows(database, "orders", other_shop) == []


def test_the_customer_of_an_order_is_known_from_it_and_asked_for(database: Engine, shop: Shop) -> None:
    deliver(database, shop, "orders/create", payloads.order())
    drain(shop.id)
    customer = one(database, "customers", shop)
    assert (customer["id"], customer["known"], customer["locale"]) == (501, True, "pl")
    assert (customer["orders_count"], customer["spent_minor"], customer["last_order_id"]) == (1, 2990, 1001)
    effect = one(database, "outbox", shop)
    assert (effect["kind"], effect["key"]) == ("fetch", "customers:501")


def test_a_customer_who_is_only_named_is_a_stub(database: Engine, shop: Shop) -> None:
    deliver(database, shop, "orders/create", payloads.order(customer={"id": 501}))
    drain(shop.id)
    assert one(database, "customers", shop)["known"] is False
    deliver(database, shop, "customers/create", payloads.customer())
    drain(shop.id)
    assert one(database, "customers", shop)["known"] is True


def test_an_older_telling_changes_nothing(database: Engine, shop: Shop) -> None:
    deliver(database, shop, "customers/update", payloads.customer(first_name="New", updated_at=payloads.at(12)))
    drain(shop.id)
    deliver(database, shop, "customers/update", payloads.customer(first_name="Old", updated_at=payloads.at(11)))
    drain(shop.id)
    assert one(database, "customers", shop)["first_name"] == "New"


def test_what_a_body_leaves_out_stays_and_what_it_nulls_goes(database: Engine, shop: Shop) -> None:
    old = payloads.customer(tags="vip, b2b", orders_count=4, total_spent="80.00", phone="+48500")
    consent = {"state": "subscribed", "opt_in_level": "single_opt_in", "consent_updated_at": payloads.at(7)}
    deliver(database, shop, "customers/update", old | {"email_marketing_consent": consent})
    drain(shop.id)
    deliver(database, shop, "customers/update", payloads.customer(updated_at=payloads.at(13)))
    drain(shop.id)
    row = one(database, "customers", shop)
    assert (row["tags"], row["email_consent"], row["orders_count"]) == (["vip", "b2b"], "subscribed", 4)
    assert (row["spent_minor"], row["phone"]) == (8000, None)


def test_consent_follows_its_own_moment(database: Engine, shop: Shop) -> None:
    def consent(state: str, at: str | None) -> dict:
        told = {"state": state, "opt_in_level": "single_opt_in", "consent_updated_at": at}
        return {"customer_id": 501, "email_address": "a@example.com", "email_marketing_consent": told}

    topic = "customers_email_marketing_consent/update"
    deliver(database, shop, topic, consent("unsubscribed", payloads.at(14)))
    deliver(database, shop, topic, consent("subscribed", payloads.at(13)))
    deliver(database, shop, topic, consent("not_subscribed", None))
    drain(shop.id)
    row = one(database, "customers", shop)
    assert (row["email_consent"], row["known"]) == ("unsubscribed", False)
    assert one(database, "outbox", shop)["key"] == "customers:501"


def test_tags_and_edits_are_changes_and_lead_to_one_fetch_each(database: Engine, shop: Shop) -> None:
    told = {"customerId": "gid://shopify/Customer/501", "tags": ["a"], "occurredAt": payloads.NOON}
    for _ in range(3):
        deliver(database, shop, "customer.tags_added", told)
        deliver(database, shop, "orders/edited", {"order_edit": {"id": 5, "order_id": 1001}})
    drain(shop.id)
    assert {row["key"] for row in rows(database, "outbox", shop)} == {"customers:501", "orders:1001"}
    assert rows(database, "customers", shop) == []


def test_a_refund_before_its_order_makes_a_stub_and_fits_later(database: Engine, shop: Shop) -> None:
    deliver(database, shop, "refunds/create", payloads.refund())
    drain(shop.id)
    assert one(database, "orders", shop)["known"] is False
    assert "orders:1001" in {row["key"] for row in rows(database, "outbox", shop)}
    deliver(database, shop, "orders/create", payloads.order())
    drain(shop.id)
    assert one(database, "orders", shop)["known"] is True
    assert one(database, "refunds", shop)["lines_minor"] == 1250
    assert one(database, "refund_lines", shop)["quantity"] == 1


def test_refunds_come_inside_orders_too_and_old_bodies_do_not_say_what_is_left(database: Engine, shop: Shop) -> None:
    line = {name: value for name, value in payloads.line().items() if name != "current_quantity"}
    body = payloads.order(line_items=[line], refunds=[payloads.refund()], updated_at=payloads.at(15))
    for name in ("current_subtotal_price", "current_total_price"):
        del body[name]
    deliver(database, shop, "orders/updated", body)
    drain(shop.id)
    assert one(database, "order_lines", shop)["current_quantity"] == 1
    assert one(database, "orders", shop)["current_subtotal_minor"] == 1250
    assert one(database, "refund_lines", shop)["subtotal_minor"] == 1250


def test_the_discount_of_a_line_is_the_sum_of_its_allocations(database: Engine, shop: Shop) -> None:
    line = payloads.line(total_discount="1.00", discount_allocations=[{"amount": "1.00"}, {"amount": "2.50"}])
    deliver(database, shop, "orders/create", payloads.order(line_items=[line]))
    drain(shop.id)
    assert one(database, "order_lines", shop)["discount_minor"] == 350


def test_a_new_telling_replaces_the_lines_as_a_set(database: Engine, shop: Shop) -> None:
    deliver(database, shop, "orders/create", payloads.order(line_items=[payloads.line(1), payloads.line(2)]))
    drain(shop.id)
    later = payloads.order(line_items=[payloads.line(2), payloads.line(3)], updated_at=payloads.at(11))
    deliver(database, shop, "orders/updated", later)
    drain(shop.id)
    assert [row["id"] for row in rows(database, "order_lines", shop, "id")] == [2, 3]


def test_an_order_that_moves_to_another_customer_is_counted_there(database: Engine, shop: Shop) -> None:
    deliver(database, shop, "orders/create", payloads.order())
    drain(shop.id)
    deliver(database, shop, "orders/updated", payloads.order(customer_id=502, updated_at=payloads.at(11)))
    drain(shop.id)
    counts = {row["id"]: (row["orders_count"], row["spent_minor"]) for row in rows(database, "customers", shop)}
    assert counts == {501: (0, 0), 502: (1, 2990)}


def test_the_stores_own_totals_stand_over_the_counted_ones(database: Engine, shop: Shop) -> None:
    deliver(database, shop, "orders/create", payloads.order())
    told = {"customerId": "gid://shopify/Customer/501", "numberOfOrders": 12, "occurredAt": payloads.NOON}
    amount = {"amountSpent": {"amount": "400.00", "currencyCode": "EUR"}}
    deliver(database, shop, "customers/purchasing_summary", told | amount)
    drain(shop.id)
    row = one(database, "customers", shop)
    assert (row["orders_count"], row["spent_minor"], row["last_order_id"]) == (12, 40000, 1001)


@pytest.mark.parametrize("late_first", [False, True])
def test_a_deletion_is_final_whatever_comes_when(database: Engine, shop: Shop, late_first: bool) -> None:
    late = [
        ("customers/update", payloads.customer(updated_at=payloads.at(20))),
        ("orders/updated", payloads.order(updated_at=payloads.at(20))),
        ("products/update", payloads.product(updated_at=payloads.at(20))),
    ]
    gone = [("customers/delete", {"id": 501}), ("orders/delete", {"id": 1001}), ("products/delete", {"id": 7001})]
    for topic, body in late + gone if late_first else gone + late:
        deliver(database, shop, topic, body)
        drain(shop.id)
    customer, order = one(database, "customers", shop), one(database, "orders", shop)
    assert customer["deleted_at"] and customer["email"] is None and customer["sort_name"] == ""
    assert order["deleted_at"] and order["email"] is None and order["total_minor"] == 0
    assert one(database, "products", shop)["title"] == ""
    for table in ("order_lines", "variants", "customer_terms"):
        assert rows(database, table, shop) == []


@pytest.mark.parametrize("late_first", [False, True])
def test_a_checkout_is_deleted_by_its_cart(database: Engine, shop: Shop, late_first: bool) -> None:
    told = [("checkouts/update", payloads.checkout()), ("checkouts/delete", {"id": 5, "cart_token": "cart-c0ffee"})]
    for topic, body in told if late_first else reversed(told):
        deliver(database, shop, topic, body)
        drain(shop.id)
    [row] = [row for row in rows(database, "checkouts", shop) if row["token"] == "c0ffee"]
    assert row["deleted_at"] is not None and row["recovery_url"] is None and row["lines"] == []


def test_a_product_with_more_variants_than_its_body_is_fetched(database: Engine, shop: Shop) -> None:
    gids = [{"admin_graphql_api_id": f"gid://shopify/ProductVariant/{n}"} for n in range(7101, 7103)]
    deliver(database, shop, "products/create", payloads.product(variant_gids=gids))
    drain(shop.id)
    assert one(database, "variants", shop)["price_minor"] == 1250
    assert one(database, "outbox", shop)["key"] == "products:7001"


def test_the_shop_follows_the_store(database: Engine, shop: Shop) -> None:
    body = {"id": shop.store_id, "name": "New name", "currency": "PLN", "iana_timezone": "Europe/Warsaw"}
    deliver(database, shop, "shop/update", body | {"domain": "roasters.example", "updated_at": payloads.at(12)})
    deliver(database, shop, "shop/update", body | {"name": "Old name", "updated_at": payloads.at(11)})
    drain(shop.id)
    with database.connect() as connection:
        row = connection.execute(text("SELECT * FROM shops WHERE id = :id"), {"id": shop.id}).mappings().one()
    assert (row["name"], row["currency"], row["storefront_url"]) == ("New name", "PLN", "https://roasters.example")


def test_an_uninstall_older_than_the_installation_does_nothing(database: Engine, shop: Shop) -> None:
    deliver(database, shop, "app/uninstalled", {"id": shop.store_id}, at="2020-01-01T00:00:00Z")
    drain(shop.id)
    with database.connect() as connection:
        query = text("SELECT uninstalled_at FROM shops WHERE id = :id")
        assert connection.execute(query, {"id": shop.id}).scalar_one() is None
    deliver(database, shop, "app/uninstalled", {"id": shop.store_id}, at="2100-01-01T00:00:00Z")
    drain(shop.id)
    with database.connect() as connection:
        assert connection.execute(query, {"id": shop.id}).scalar_one() is not None


def test_requests_about_personal_data_are_recorded_with_a_due_date(database: Engine, shop: Shop) -> None:
    person = {"id": 501, "email": "a@example.com", "phone": None}
    body = {"shop_id": shop.store_id, "shop_domain": shop.domain, "customer": person, "orders_requested": [1001]}
    deliver(database, shop, "customers/data_request", body | {"data_request": {"id": 9}})
    deliver(database, shop, "customers/redact", body | {"orders_to_redact": [1001]})
    deliver(database, shop, "shop/redact", {"shop_id": shop.store_id, "shop_domain": shop.domain})
    drain(shop.id)
    found = {row["kind"]: (row["due_at"] - row["received_at"]).days for row in rows(database, "privacy_requests", shop)}
    assert found == {"customers/data_request": 30, "customers/redact": 30, "shop/redact": 30}


def test_one_writer_a_shop(database: Engine, shop: Shop, other_shop: Shop) -> None:
    deliver(database, shop, "orders/create", payloads.order())
    deliver(database, other_shop, "orders/create", payloads.order())
    with db.transaction(shop.id) as session:
        assert lock(session, shop.id)
        assert drain(shop.id) == 0
        assert drain(other_shop.id) == 1
    assert drain(shop.id) == 1


def test_the_sweep_finds_every_shop_and_strays_whose_shop_came(database: Engine, shop: Shop, other_shop: Shop) -> None:
    deliver(database, shop, "orders/create", payloads.order())
    with database.begin() as connection:
        connection.execute(
            text("INSERT INTO inbox_strays (domain, webhook_id, topic, body) VALUES (:d, 'w', :t, :b)"),
            [
                {"d": other_shop.domain, "t": "orders/create", "b": payloads.encode(payloads.order(name="#2"))},
                {"d": "nobody.myshopify.com", "t": "orders/create", "b": b"{}"},
            ],
        )
    assert drain_waiting() == 2
    assert one(database, "orders", shop)["id"] == one(database, "orders", other_shop)["id"] == 1001
    assert len(rows(database, "inbox_strays", order="id")) == 1


def test_more_than_a_batch_is_drained_batch_by_batch(
    database: Engine, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draining.inbox.waiting, "__defaults__", (2**62, 10))
    for number in range(25):
        deliver(database, shop, "orders/create", payloads.order(2000 + number))
    assert drain(shop.id) == 25
    assert len(rows(database, "orders", shop)) == 25
    assert mirror(database, shop)["orders"]


def test_no_shop_waits_until_another_has_no_more_news(
    database: Engine, shop: Shop, other_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(database, shop, "orders/create", payloads.order(2000))
    deliver(database, other_shop, "orders/create", payloads.order(2000))
    take, turns = draining._next_batch, list[int]()

    def taken(shop_id: int) -> int | None:
        turns.append(shop_id)
        rows = take(shop_id)
        if turns.count(shop.id) < 3 and shop_id == shop.id:  # news of this shop keep coming
            deliver(database, shop, "orders/create", payloads.order(2000 + len(turns)))
        return rows

    monkeypatch.setattr(draining, "_next_batch", taken)
    assert draining.drain_in_turn([shop.id, other_shop.id], 20) == 4
    assert turns[:3] == [shop.id, other_shop.id, shop.id]


def test_a_bell_is_answered_for_shops_with_something_due(database: Engine, shop: Shop, other_shop: Shop) -> None:
    assert draining.due_among([shop.id, other_shop.id]) == []
    deliver(database, shop, "orders/create", payloads.order())
    assert draining.due_among([shop.id, other_shop.id]) == [shop.id]
    assert draining.due_among([other_shop.id]) == []
    with database.begin() as connection:
        connection.execute(text("UPDATE inbox SET next_attempt_at = clock_timestamp() + interval '1 minute'"))
    assert draining.due_among([shop.id]) == []
