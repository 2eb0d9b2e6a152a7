"""The store's arithmetic: whole cents, and nothing is lost or made by splitting."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from plugin.sandbox import money, totals
from plugin.sandbox.order_records import Allocation, Line, Order, Refund

AT = datetime(2026, 3, 1, tzinfo=UTC)


@given(st.integers(0, 10**9), st.lists(st.integers(0, 10**6), min_size=1, max_size=9))
def test_splitting_a_total_keeps_every_cent(total: int, weights: list[int]) -> None:
    parts = money.split(total, weights)
    assert sum(parts) == (total if sum(weights) else 0)
    assert all(part >= 0 for part in parts)


@given(st.integers(1, 99_999), st.integers(1, 9), st.data())
def test_partial_refunds_give_back_exactly_the_whole_line(price: int, quantity: int, data: st.DataObject) -> None:
    off = data.draw(st.integers(0, price * quantity))
    line = Line(id=1, product_id=1, variant_id=1, title="x", price_minor=price, quantity=quantity)
    line.allocations = [Allocation(amount_minor=off)]
    order = Order(id=1, number=1, token="t", created_at=AT, updated_at=AT, processed_at=AT, lines=[line])
    given_back = 0
    while left := totals.current_quantity(order, line):
        part = totals.refund_line_for(order, line, data.draw(st.integers(1, left)), 9, "return")
        order.refunds.append(Refund(id=1, created_at=AT, lines=[part]))
        given_back += part.subtotal_minor
        assert totals.current_subtotal(order) == line.discounted_minor - given_back
    assert given_back == price * quantity - off


def test_tax_is_taken_out_of_the_gross_amount() -> None:
    assert money.tax_inside(11_900, 1_900) == 1_900
    assert money.tax_inside(1_450, 700) == 95


def test_money_is_written_as_the_platform_writes_it() -> None:
    assert (money.text(1250), money.text(5), money.text(-340)) == ("12.50", "0.05", "-3.40")
    assert (money.short_text(1250), money.short_text(1200), money.short_text(1205)) == ("12.5", "12.0", "12.05")
    assert (money.minor("10.00"), money.minor(0.1), money.minor("3.455")) == (1000, 10, 346)
