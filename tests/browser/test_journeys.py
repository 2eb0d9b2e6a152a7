"""What people do, from their first click to the last, in a real browser on the whole product."""

from __future__ import annotations

import re

import pytest
import requests
from playwright.sync_api import Page, expect

from tests.browser.people import Admin, Demo, Shopper, eventually, figure

pytestmark = pytest.mark.browser
COFFEE = "bright-side-espresso"


def test_an_admin_installs_finds_the_shop_at_work_and_edits_the_tiers(admin: Admin) -> None:
    admin.uninstalls()
    admin.installs()
    panel = admin.opens()
    expect(panel.get_by_text("Sync with your store")).to_be_visible()
    panel = admin.opens("/loyalty")
    before = panel.get_by_label("Name", exact=True).count()
    panel.get_by_role("button", name="Add tier").click()
    expect(panel.get_by_label("Name", exact=True)).to_have_count(before + 1)
    panel.get_by_label("Name", exact=True).last.fill("Legend")
    panel.get_by_label("From spend of").last.fill("100.00")
    panel.get_by_label("Points times").last.fill("2")
    admin.saves()
    expect(panel.get_by_text("This tier asks for less than the one before it.").first).to_be_visible()
    expect(panel.get_by_label("Name", exact=True).last).to_have_value("Legend")
    panel.get_by_label("From spend of").last.fill("900.00")
    admin.saves()
    admin.is_told("Saved as version")
    panel = admin.opens("/loyalty")
    expect(panel.get_by_label("Name", exact=True).last).to_have_value("Legend")
    expect(panel.get_by_label("From spend of").last).to_have_value(re.compile("^900"))


def test_a_shopper_buys_earns_redeems_and_uses_the_code(shopper: Shopper, demo: Demo, page: Page) -> None:
    email = demo.somebody(5)
    shopper.signs_in(email)
    assert eventually(lambda: shopper.reads(f"/products/{COFFEE}", r"Earn \d+ beans with this"))
    shopper.buys(COFFEE, email, quantity=12)

    shopper.opens_points()
    expect(page.get_by_text("on their way").first).to_be_visible(timeout=40_000)
    demo.pass_time(days=15)
    shopper.opens_points()
    balance = page.locator(".rg-balance")
    before = figure(balance)
    page.get_by_role("button", name="Redeem: €5 off").click()
    page.get_by_role("button", name="Redeem", exact=True).click()
    code = page.locator(".rg-code code").first
    expect(code).to_have_text(re.compile(r"^BEANS-[A-Z2-7]{12}$"), timeout=40_000)
    written = code.inner_text()
    assert "€5 off" in demo.mail(email, written)["text"]
    assert figure(balance) == before - 300

    page.keyboard.press("Escape")
    shopper.puts_into_cart(COFFEE)
    shopper.begins_checkout(email)
    page.get_by_label("Discount code").fill(written)
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_text(written).first).to_be_visible()
    shopper.pays()
    assert eventually(lambda: demo.row("SELECT 1 FROM redemptions WHERE code = %s AND state = 'used'", written))


def test_an_abandoned_cart_is_reminded_recovered_and_left_in_peace(
    shopper: Shopper, demo: Demo, page: Page, admin: Admin
) -> None:
    email = "waverer@example.com"
    shopper.puts_into_cart(COFFEE)
    shopper.begins_checkout(email, wants_news=True)
    assert eventually(lambda: demo.row("SELECT 1 FROM enrollments WHERE email = %s", email))
    demo.pass_time(hours=2)
    mail = demo.mail(email, "left something behind")
    assert "Bright Side" in mail["text"] and "Bright Side" in mail["html"]
    page.goto(_link(mail["text"], "/recover"))
    expect(page.get_by_text("Bright Side").first).to_be_visible()
    shopper.goes_on_to_payment()
    shopper.pays()
    query = "SELECT recovered_minor FROM enrollments WHERE email = %s AND order_id IS NOT NULL"
    assert eventually(lambda: demo.row(query, email))
    demo.pass_time(hours=30)
    panel = admin.opens("/campaigns")
    expect(panel.get_by_text(email).first).to_be_visible()
    assert len(demo.mails(email)) == 1


def test_a_subscriber_is_told_once_and_unsubscribes(shopper: Shopper, demo: Demo, page: Page) -> None:
    email = "curious@example.com"
    page.goto(demo.store("/collections/filter-coffee"))
    page.locator("main ul a").first.click()
    form = page.locator("[data-rg-subscribe]")
    form.get_by_label("Tell me about new filter coffees").or_(form.locator("input[type=email]")).first.fill(email)
    form.locator("input[type=checkbox]").check() if form.locator("input[type=checkbox]").count() else None
    form.get_by_role("button").click()
    expect(page.get_by_text("You are on the list.")).to_be_visible()

    demo.post("/_control/products", title="Kenya Gatomboya", product_type="Filter coffee", tags="filter", price="17.90")
    mail = demo.mail(email, "Kenya Gatomboya")
    headers = {name.lower(): value for name, value in mail["headers"].items()}
    assert "One-Click" in headers["list-unsubscribe-post"]
    page.goto(_link(mail["text"], "/u/"))
    page.get_by_role("button", name=re.compile("Unsubscribe|Stop", re.I)).first.click()
    expect(page.get_by_text(re.compile("unsubscribed|no longer|stopped", re.I)).first).to_be_visible()
    demo.post("/_control/products", title="Rwanda Nyarusiza", product_type="Filter coffee", tags="filter", price="16")
    seen = "SELECT 1 FROM products WHERE title = %s"
    assert eventually(lambda: demo.row(seen, "Rwanda Nyarusiza"))
    assert [m["subject"] for m in demo.mails(email) if "Rwanda" in m["subject"]] == []


def test_one_click_needs_no_page(demo: Demo) -> None:
    """What a mail program does when somebody presses its own unsubscribe button."""
    email = "one.click@example.com"
    fields = {"field_id": str(demo.row("SELECT min(id) FROM subscription_fields")[0]), "email": email}
    answer = requests.post(demo.store("/apps/regulars/subscriptions"), data=fields, timeout=30, allow_redirects=False)
    assert answer.status_code < 400, answer.text
    demo.post("/_control/products", title="Peru El Diamante", product_type="Filter coffee", tags="filter", price="15")
    headers = {n.lower(): v for n, v in demo.mail(email, "Peru El Diamante")["headers"].items()}
    link = re.findall("<(http[^>]+)>", headers["list-unsubscribe"])[0]
    assert requests.get(link, timeout=30).ok and _subscribed(demo, email)
    done = requests.post(link, data={"List-Unsubscribe": "One-Click"}, timeout=30, allow_redirects=False)
    assert done.status_code == 200 and not _subscribed(demo, email)


def _subscribed(demo: Demo, email: str) -> bool:
    return demo.row("SELECT 1 FROM subscriptions WHERE email = %s AND ended_at IS NULL", email) is not None


def _link(text: str, part: str) -> str:
    found = [link for link in re.findall(r"https?://\S+", text) if part in link]
    assert found, f"no link with {part} in:\n{text}"
    return found[0]
