"""A merchant makes a rule for some goods by keyboard, and an order tells by which rule it was counted."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.people import Admin, Demo, Shopper, eventually

pytestmark = pytest.mark.browser
COFFEE = "bright-side-espresso"
RULE = "Espresso counts twice"


def test_a_multiplier_for_a_collection_shows_in_the_example_and_in_the_order(
    admin: Admin, shopper: Shopper, demo: Demo
) -> None:
    panel = admin.opens("/loyalty")
    panel.get_by_text("Multipliers", exact=True).click()
    panel.get_by_role("button", name="Add multiplier").click()
    row = panel.get_by_role("group", name="Multiplier").first
    row.get_by_label("Name", exact=True).fill(RULE)
    row.get_by_label("Points times").fill("lots")
    collections = row.get_by_role("combobox", name="Collections")
    collections.press_sequentially("espr")
    expect(row.get_by_role("option", name="Espresso")).to_be_visible()
    collections.press("Enter")
    expect(row.get_by_role("checkbox", name="Espresso")).to_be_checked()
    admin.saves()
    expect(row.get_by_text("Write a number, like 1.5.")).to_be_visible()
    row.get_by_label("Points times").fill("2")
    expect(panel.get_by_text(f"{RULE}: ")).to_be_visible()
    admin.saves()
    admin.is_told("Saved as version")

    assert eventually(lambda: demo.row("SELECT 1 FROM collection_products LIMIT 1"))
    email = demo.somebody(9)
    shopper.signs_in(email)
    shopper.buys(COFFEE, email)
    counted = (
        "SELECT e.customer_id FROM point_entries AS e JOIN customers AS c USING (shop_id)"
        " WHERE c.id = e.customer_id AND c.email = %s AND e.explanation #>> '{shares,0,rule}' = %s"
    )
    customer = eventually(lambda: demo.row(counted, email, RULE))
    panel = admin.opens(f"/customers/{customer[0]}")
    panel.get_by_text("Why", exact=True).first.click()
    expect(panel.get_by_text(RULE).first).to_be_visible()
