"""What a member does with their account: look, redeem, give back, read why, leave, and come back."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.people import Demo, Shopper, eventually, figure

pytestmark = pytest.mark.browser
COFFEE = "bright-side-espresso"


def test_a_member_redeems_gives_back_reads_why_and_leaves(shopper: Shopper, demo: Demo, page: Page) -> None:
    email = demo.somebody(9)
    shopper.signs_in(email)
    shopper.buys(COFFEE, email, quantity=12)
    shopper.opens_points()
    expect(page.get_by_text("on their way").first).to_be_visible(timeout=40_000)
    demo.pass_time(days=15)
    shopper.opens_points()
    before = figure(page.locator(".rg-balance"))

    page.get_by_role("button", name="Redeem: €5 off").click()
    page.get_by_role("button", name="Redeem", exact=True).click()
    expect(page.locator(".rg-code code").first).to_have_text(re.compile(r"^BEANS-"), timeout=40_000)
    page.get_by_role("button", name=re.compile("^Give back:")).first.click()
    page.get_by_role("button", name="Give back", exact=True).click()
    expect(page.get_by_role("button", name="Redeem: €5 off")).to_be_visible(timeout=40_000)
    assert eventually(lambda: figure(page.locator(".rg-balance")) == before)

    page.get_by_role("heading", name="History").click()
    expect(page.get_by_text(re.compile(r"counted, .* beans? for every")).first).to_be_visible()

    page.get_by_role("heading", name="Your membership").click()
    page.get_by_role("button", name="Leave the programme").click()
    page.get_by_role("button", name="Leave the programme", exact=True).last.click()
    expect(page.get_by_text("You do not take part")).to_be_visible()
    assert figure(page.locator(".rg-balance")) == before

    page.goto(demo.store("/apps/regulars/points"))
    expect(page.get_by_text("You do not take part")).to_be_visible()
    page.get_by_role("button", name="Take part").click()
    expect(page.get_by_role("button", name="Leave the programme")).to_be_visible()
