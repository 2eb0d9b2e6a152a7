"""The people of the journeys: what a shopper and a store admin do, in their words."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
import requests
from playwright.sync_api import FrameLocator, Locator, Page, expect

WAIT_SECONDS = 40


@dataclass(frozen=True)
class Demo:
    """The running demo, as `demo.json` announces it, with the store's own switches."""

    announced: dict[str, Any]

    def url(self, name: str) -> str:
        return str(self.announced["urls"][name]).rstrip("/")

    def store(self, path: str) -> str:
        return self.url("storefront") + path

    def post(self, path: str, **body: Any) -> dict[str, Any]:
        answer = requests.post(self.store(path), json=body, timeout=30)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def pass_time(self, *, hours: int = 0, days: int = 0) -> None:
        """Move the store's clock, and with it ours."""
        self.post("/clock.json", advance_seconds=hours * 3600 + days * 86_400)

    def mails(self, address: str) -> list[dict[str, Any]]:
        answer = requests.get(self.store("/mailbox.json"), params={"to": address}, timeout=30)
        messages: list[dict[str, Any]] = answer.json()["messages"]
        return messages

    def mail(self, address: str, subject: str) -> dict[str, Any]:
        """The mail with these words in its subject, once it has arrived."""
        found = eventually(lambda: [m for m in self.mails(address) if subject.lower() in m["subject"].lower()])
        assert len(found) == 1, f"{len(found)} mails to {address} about {subject!r}"
        return dict(found[0])

    def somebody(self, place: int) -> str:
        """The address of one of the store's people, so that journeys do not meet."""
        answer = requests.get(self.store("/_control/customers"), params={"limit": 500}, timeout=30)
        return str([person["email"] for person in answer.json()["customers"] if person.get("email")][place])

    def row(self, query: str, *values: Any) -> Any:
        """One row of the product's tables as their owner, or None: to wait for, where a person would not see it."""
        with psycopg.connect(self.announced["admin_database_url"]) as connection:
            return connection.execute(query, values).fetchone()


class Shopper:
    """Somebody with a browser on the storefront."""

    def __init__(self, demo: Demo, page: Page) -> None:
        self.demo, self.page = demo, page

    def signs_in(self, email: str) -> None:
        self.page.goto(self.demo.store(f"/account/login?q={email}"))
        self.page.get_by_role("button", name=re.compile(re.escape(email))).first.click()
        expect(self.page.get_by_role("heading", name=re.compile("^Hello"))).to_be_visible()

    def reads(self, path: str, words: str) -> bool:
        """Whether a page says something, loaded anew."""
        self.page.goto(self.demo.store(path))
        return re.search(words, self.page.locator("main").inner_text()) is not None

    def puts_into_cart(self, handle: str, quantity: int = 1) -> None:
        self.page.goto(self.demo.store(f"/products/{handle}"))
        self.page.get_by_label("Quantity").first.fill(str(quantity))
        self.page.get_by_role("button", name="Add to cart").click()
        expect(self.page.get_by_role("heading", name="Cart")).to_be_visible()

    def begins_checkout(self, email: str, *, wants_news: bool = False) -> None:
        """As far as the payment page; leaving now abandons the checkout."""
        self.page.get_by_role("link", name="Check out").click()
        self.page.get_by_label("E-mail", exact=True).fill(email)
        self.page.get_by_label("Send me news and offers by e-mail").set_checked(wants_news)
        for label, text in {"Last name": "Journey", "Address": "Weg 1", "Postcode": "10115", "City": "Berlin"}.items():
            self.page.get_by_label(label, exact=True).fill(text)
        self.goes_on_to_payment()

    def goes_on_to_payment(self) -> None:
        self.page.get_by_role("button", name="Continue to payment").click()

    def pays(self) -> None:
        self.page.get_by_role("button", name=re.compile("^Pay ")).click()
        expect(self.page.get_by_role("heading", name=re.compile("^Thank you"))).to_be_visible()

    def buys(self, handle: str, email: str, quantity: int = 1) -> None:
        self.puts_into_cart(handle, quantity)
        self.begins_checkout(email)
        self.pays()

    def opens_points(self) -> None:
        """The widget, as it is now, on the store's first page."""
        self.page.goto(self.demo.store("/"))
        self.page.locator("[data-rg-open]").click()
        expect(self.page.get_by_role("dialog")).to_be_visible()


class Admin:
    """Somebody of the store's staff, in the store's admin."""

    def __init__(self, demo: Demo, page: Page) -> None:
        self.demo, self.page = demo, page

    @property
    def panel(self) -> FrameLocator:
        return self.page.frame_locator("iframe")

    def opens(self, path: str = "") -> FrameLocator:
        """One page of the panel, inside the admin."""
        self.page.goto(self.demo.url("admin") + path)
        expect(self.panel.locator("main")).to_be_visible()
        return self.panel

    def uninstalls(self) -> None:
        """In the store's settings, after being asked."""
        self.page.goto(self.demo.store("/admin/settings"))
        self.page.get_by_role("button", name="Uninstall").click()
        self.page.get_by_role("button", name="Go on").click()
        expect(self.page.get_by_role("main").get_by_role("link", name="Install")).to_be_visible()

    def installs(self) -> None:
        """From the store's settings through the page that lists what is granted, into the panel."""
        self.page.get_by_role("main").get_by_role("link", name="Install").click()
        self.page.get_by_role("button", name="Install").click()
        expect(self.panel.locator("main")).to_be_visible()

    def saves(self) -> None:
        """With the admin's own save bar."""
        self.page.get_by_role("region", name="Unsaved changes").get_by_role("button", name="Save").click()

    def is_told(self, words: str) -> None:
        """By a toast of the admin."""
        expect(self.page.get_by_text(words).first).to_be_visible()


def eventually(look: Callable[[], Any], seconds: float = WAIT_SECONDS) -> Any:
    """What `look` finds as soon as it finds something; the last empty answer when it does not."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found or time.monotonic() > deadline:
            return found
        time.sleep(0.3)


def figure(place: Locator) -> int:
    """The first whole number in a text, without its thousands separators."""
    match = re.search(r"\d[\d.,\u00a0\u202f ]*", place.inner_text())
    assert match, f"no number in {place.inner_text()!r}"
    return int(re.sub(r"\D", "", match.group()))
