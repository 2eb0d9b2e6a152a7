"""Two people and a link, in a real browser: asked for, bought with, looked at by staff, rewarded."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.people import Admin, Demo, Shopper, eventually

pytestmark = pytest.mark.browser
COFFEE = "bright-side-espresso"
FRIEND = "noemi.journey@friends.example"


@pytest.fixture
def friend(demo: Demo, chromium: Browser) -> Iterator[Shopper]:
    """Somebody with a browser of their own."""
    context = chromium.new_context(viewport={"width": 390, "height": 800}, locale="en-GB")
    context.set_default_timeout(15_000)
    yield Shopper(demo, context.new_page())
    context.close()


def test_a_friend_comes_by_a_link_and_both_get_something(
    shopper: Shopper, friend: Shopper, admin: Admin, demo: Demo, page: Page
) -> None:
    shopper.signs_in(demo.somebody(11))
    page.goto(demo.store("/apps/regulars/points"))
    link = page.locator("span[dir=ltr]", has_text="/r/").inner_text()

    friend.page.goto(link)
    expect(friend.page.get_by_text("10 % off your first order")).to_be_visible()
    friend.page.get_by_label("Your e-mail address").fill(FRIEND)
    friend.page.get_by_role("button", name="Send me the code").click()
    expect(friend.page.get_by_role("heading", name="Look into your mailbox")).to_be_visible()
    code = re.findall(r"FRIEND-[A-Z2-7]{12}", demo.mail(FRIEND, "welcome code")["text"])[0]
    friend.page.goto(demo.store(f"/discount/{code}"))
    friend.buys(COFFEE, FRIEND, quantity=4)

    assert eventually(lambda: demo.row("SELECT 1 FROM referrals WHERE code = %s AND state = 'held'", code))
    panel = admin.opens("/loyalty/referrals")
    panel.get_by_role("searchbox").fill(FRIEND)
    expect(panel.get_by_role("row").filter(has_text="Waiting")).to_have_count(1)
    panel.get_by_role("row").filter(has_text="Waiting").get_by_role("link").click()
    panel.get_by_label("Note, for your staff alone").fill("A neighbour, known to us")
    panel.get_by_role("button", name="Accept", exact=True).click()
    admin.is_told("Referral accepted.")
    expect(panel.get_by_text("A neighbour, known to us")).to_be_visible()

    demo.pass_time(days=15)
    assert eventually(lambda: demo.row("SELECT 1 FROM referrals WHERE code = %s AND state = 'rewarded'", code))
    assert "400 beans" in demo.mail(demo.somebody(11), "for inviting a friend")["text"]
