"""Orders through their life, and the bodies the app gets of them."""

from __future__ import annotations

import pytest

from plugin.sandbox import carts, checkouts, customers, discounts, fulfillments, orders, products, refunds, totals
from plugin.sandbox.documents import checkouts as checkout_documents
from plugin.sandbox.documents import orders as documents
from plugin.sandbox.errors import NotFound, Refused
from plugin.sandbox.records import CartLine
from plugin.sandbox.runtime import Sandbox
from plugin.sandbox.world import World
from tests.plugin.sandbox.conftest import buy, customer, install, lines, queued

# What the platform's own samples of orders/* carry at the top level (2026-07), as far as an app could want it.
FIELDS = """id admin_graphql_api_id name number order_number confirmation_number token checkout_token cart_token
order_status_url app_id source_name source_identifier location_id user_id device_id financial_status fulfillment_status
confirmed test cancelled_at cancel_reason closed_at processed_at created_at updated_at email contact_email phone
buyer_accepts_marketing customer_locale customer billing_address shipping_address browser_ip client_details currency
presentment_currency subtotal_price subtotal_price_set total_price total_price_set total_tax total_tax_set
total_discounts total_discounts_set total_line_items_price total_line_items_price_set total_outstanding
total_tip_received current_subtotal_price current_subtotal_price_set current_total_price current_total_price_set
current_total_discounts current_total_discounts_set current_total_tax current_total_tax_set total_shipping_price_set
current_shipping_price_set line_items discount_codes discount_applications fulfillments refunds returns shipping_lines
tax_lines note note_attributes tags payment_gateway_names payment_terms line_item_groups"""
LINE_FIELDS = """id admin_graphql_api_id product_id variant_id title variant_title sku vendor quantity current_quantity
fulfillable_quantity price price_set total_discount discount_allocations tax_lines properties gift_card
requires_shipping taxable fulfillment_status sales_line_item_group_id"""


def test_an_order_body_carries_what_the_platform_documents(world: World) -> None:
    body = documents.order(world, buy(world, 2, 1))
    assert [name for name in FIELDS.split() if name not in body] == []
    assert [name for name in LINE_FIELDS.split() if name not in body["line_items"][0]] == []
    assert "checkout_id" not in body


def test_the_customer_in_an_order_has_no_tags_consent_or_counters(world: World) -> None:
    body = documents.order(world, buy(world, 1))["customer"]
    gone = {"tags", "email_marketing_consent", "orders_count", "total_spent", "last_order_id", "addresses"}
    assert not gone & body.keys()
    assert body["default_address"]["country_code"] == "DE"


def test_prices_include_tax_and_small_orders_pay_shipping(world: World) -> None:
    body = documents.order(world, buy(world, 2))
    assert (body["subtotal_price"], body["total_price"], body["financial_status"]) == ("29.00", "33.90", "paid")
    assert body["line_items"][0]["tax_lines"][0]["price"] == "1.90"
    assert body["taxes_included"] is True


def test_a_code_is_spread_over_the_lines_to_the_cent(world: World) -> None:
    discounts.create_discount(world, code="TEN", amount_minor=1000)
    body = documents.order(world, buy(world, 1, 1, 1, discount_code="ten"))
    parts = [line["discount_allocations"][0]["amount"] for line in body["line_items"]]
    assert body["total_discounts"] == "10.00"
    assert sum(round(float(part) * 100) for part in parts) == 1000
    assert body["discount_codes"] == [{"code": "TEN", "amount": "10.00", "type": "fixed_amount"}]


def test_a_partial_refund_takes_back_what_the_line_cost_after_the_discount(world: World) -> None:
    discounts.create_discount(world, code="HALF", percent_bp=5000)
    order = buy(world, 3, discount_code="HALF")
    record = refunds.refund(world, order.id, {order.lines[0].id: 1})
    body = documents.order(world, order)
    assert (record.lines[0].subtotal_minor, body["current_subtotal_price"]) == (725, "14.50")
    assert (body["line_items"][0]["quantity"], body["line_items"][0]["current_quantity"]) == (3, 2)
    assert body["financial_status"] == "partially_refunded"
    assert body["refunds"][0]["refund_line_items"][0]["subtotal"] == 7.25
    assert body["refunds"][0]["transactions"][0]["amount"] == "7.25"


def test_a_whole_refund_gives_back_shipping_too(world: World) -> None:
    order = buy(world, 1, 1)
    refunds.refund(world, order.id)
    body = documents.order(world, order)
    assert (body["current_total_price"], body["financial_status"]) == ("0.00", "refunded")
    assert body["refunds"][0]["transactions"][0]["amount"] == body["total_price"]


def test_an_amount_without_lines_is_an_adjustment(world: World) -> None:
    order = buy(world, 2)
    refunds.refund(world, order.id, extra_minor=500)
    body = documents.order(world, order)
    assert body["refunds"][0]["order_adjustments"][0]["amount"] == "-5.00"
    assert (body["current_subtotal_price"], body["current_total_price"]) == ("29.00", "28.90")


def test_more_than_is_left_cannot_be_refunded(world: World) -> None:
    order = buy(world, 2)
    refunds.refund(world, order.id, {order.lines[0].id: 2})
    with pytest.raises(Refused):
        refunds.refund(world, order.id, {order.lines[0].id: 1})


def test_cancelling_refunds_and_happens_once(world: World) -> None:
    order = buy(world, 1)
    refunds.cancel(world, order.id)
    first = order.cancelled_at
    refunds.cancel(world, order.id)
    assert order.cancelled_at == first
    assert (totals.financial_status(order), len(order.refunds)) == ("refunded", 1)


def test_an_unpaid_order_that_is_cancelled_is_voided(world: World) -> None:
    order = buy(world, 1, paid=False)
    assert totals.financial_status(order) == "pending"
    refunds.cancel(world, order.id)
    assert totals.financial_status(order) == "voided"


def test_an_edit_changes_the_current_figures_and_not_the_first_ones(world: World) -> None:
    order = buy(world, 3)
    orders.edit_order(world, order.id, quantities={order.lines[0].id: 1}, add=lines(world, 0, 1))
    body = documents.order(world, order)
    assert (body["subtotal_price"], body["current_subtotal_price"]) == ("43.50", "24.40")
    assert [line["current_quantity"] for line in body["line_items"]] == [1, 1]


def test_sending_everything_fulfils_the_order(world: World) -> None:
    order = buy(world, 2, 1)
    fulfillments.fulfil(world, order.id, {order.lines[0].id: 1})
    assert totals.fulfillment_status(order) == "partial"
    fulfillments.fulfil(world, order.id)
    assert totals.fulfillment_status(order) == "fulfilled"
    with pytest.raises(Refused):
        fulfillments.fulfil(world, order.id)


def test_buying_takes_stock_and_a_refund_brings_it_back(world: World) -> None:
    variant = next(iter(world.products)).variants[0]
    order = buy(world, 2)
    assert variant.inventory_quantity == 98
    refunds.refund(world, order.id)
    assert variant.inventory_quantity == 100


def test_a_checkout_becomes_one_order_whoever_asks_twice(world: World) -> None:
    checkout = checkouts.save_checkout(world, lines=lines(world, 1), email="new@example.com", accepts_marketing=True)
    order = checkouts.complete_checkout(world, checkout.id)
    assert checkouts.complete_checkout(world, checkout.id) is order
    assert (order.checkout_token, checkout.order_id) == (checkout.id, order.id)
    newcomer = customers.find_by_email(world, "NEW@example.com")
    assert newcomer is not None
    assert newcomer.email_consent.state == "subscribed"


def test_unknown_variants_and_empty_carts_make_no_order(world: World) -> None:
    with pytest.raises(NotFound):
        orders.place_order(world, lines=[CartLine(variant_id=1, quantity=1)])
    with pytest.raises(Refused):
        orders.place_order(world, lines=[])
    assert len(world.orders) == 0


def test_a_cart_adds_up_equal_lines(world: World) -> None:
    cart = carts.new_cart(world)
    variant_id = lines(world, 1)[0].variant_id
    carts.add_to_cart(world, cart.id, variant_id)
    carts.add_to_cart(world, cart.id, variant_id, 2)
    assert [line.quantity for line in cart.lines] == [3]


def test_an_order_tells_the_app_everything_in_one_event(store: Sandbox) -> None:
    install(store)
    buy(store.world, 1)
    assert queued(store.world) == [
        "orders/create",
        "inventory_levels/update",
        "products/update",
        "orders/paid",
        "orders/updated",
        "customers/purchasing_summary",
    ]
    assert len({delivery.event_id for delivery in store.world.deliveries}) == 1


def test_each_verb_tells_its_topic(store: Sandbox) -> None:
    install(store)
    world = store.world
    order = buy(world, 2)
    person = customer(world, 1)
    customers.add_tags(world, person.id, ["gold"])
    customers.remove_tags(world, person.id, ["gold"])
    customers.set_email_consent(world, person.id, "subscribed")
    customers.set_sms_consent(world, person.id, "subscribed")
    fulfillments.fulfil(world, order.id)
    orders.edit_order(world, order.id, quantities={order.lines[0].id: 1})
    refunds.refund(world, order.id, {order.lines[0].id: 1})
    refunds.cancel(world, order.id)
    orders.delete_order(world, order.id)
    customers.delete_customer(world, person.id)
    checkout = checkouts.save_checkout(world, lines=lines(world, 1), email="a@example.com")
    checkouts.save_checkout(world, checkout.id, lines=lines(world, 2))
    checkouts.delete_checkout(world, checkout.id)
    told = set(queued(world))
    assert {
        "customer.tags_added",
        "customer.tags_removed",
        "customers_email_marketing_consent/update",
        "customers_marketing_consent/update",
        "fulfillments/create",
        "orders/fulfilled",
        "orders/edited",
        "refunds/create",
        "orders/cancelled",
        "orders/delete",
        "customers/delete",
        "checkouts/create",
        "checkouts/update",
        "checkouts/delete",
    } <= told


def test_only_topics_of_app_toml_are_sent_and_none_before_the_install(store: Sandbox) -> None:
    buy(store.world, 1)
    assert queued(store.world) == []
    install(store)
    carts.new_cart(store.world)
    assert queued(store.world) == []


def test_a_product_that_is_gone_leaves_carts_and_checkouts(store: Sandbox) -> None:
    install(store)
    world = store.world
    cart = carts.new_cart(world)
    carts.add_to_cart(world, cart.id, lines(world, 1)[0].variant_id)
    checkout = checkouts.save_checkout(world, lines=lines(world, 1, 1), email="a@example.com")
    order = buy(world, 1)
    products.delete_product(world, next(iter(world.products)).id)
    assert cart.lines == []
    body = checkout_documents.checkout(world, checkout)
    assert [line["title"] for line in body["line_items"]] == ["House blend"]
    assert len(checkouts.complete_checkout(world, checkout.id).lines) == 1
    refunds.refund(world, order.id)
    assert documents.order(world, order)["line_items"][0]["title"] == "Guji"
