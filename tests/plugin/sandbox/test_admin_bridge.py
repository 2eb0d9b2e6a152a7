"""App Bridge in a real browser: a stand-in app in the admin's frame."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser, FrameLocator, Page, expect

from tests.plugin.sandbox.stores import install, pages, served, small_store, standin_app

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser_page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(8_000)
    yield context.new_page()
    context.close()


@pytest.fixture(scope="module")
def app() -> tuple[Flask, list[str]]:
    store_url: list[str] = []
    return standin_app(store_url), store_url


@pytest.fixture(scope="module")
def admin(app: tuple[Flask, list[str]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the store's admin with the stand-in app installed."""
    with served(app[0]) as app_url:
        store = small_store(tmp_path_factory.mktemp("store"), app_url=app_url)
        install(store)
        with served(pages(store)) as url:
            app[1].append(url)
            yield f"{url}/admin/apps/regulars"
        store.world.close()


@pytest.fixture
def page(browser_page: Page, admin: str) -> Page:
    browser_page.goto("about:blank")
    browser_page.goto(admin)
    expect(frame_of(browser_page).get_by_role("heading", name="Page /")).to_be_visible()
    return browser_page


def frame_of(page: Page) -> FrameLocator:
    return page.frame_locator("iframe")


def test_title_and_actions_stand_in_the_admin_and_their_clicks_come_back(page: Page) -> None:
    expect(page.get_by_role("heading", name="Title of /")).to_be_visible()
    page.get_by_role("button", name="Do it").click()
    expect(frame_of(page).locator("#said")).to_have_text("primary")
    page.get_by_role("button", name="Other").click()
    expect(frame_of(page).locator("#said")).to_have_text("secondary")


def test_navigation_of_the_app_opens_its_pages_through_the_bounce_page(
    page: Page, app: tuple[Flask, list[str]]
) -> None:
    app[0].extensions["seen"].clear()
    page.get_by_role("link", name="Second page").click()
    expect(frame_of(page).get_by_role("heading", name="Page /second")).to_be_visible()
    expect(page).to_have_url(re.compile("/admin/apps/regulars/second$"))
    asked = app[0].extensions["seen"]
    assert ("GET /second", "", False) in asked
    assert any(name == "GET /second" and token and bounced for name, token, bounced in asked)
    expect(page.get_by_role("heading", name="Title of /second")).to_be_visible()


def test_an_address_of_the_admin_opens_the_same_page_of_the_app(page: Page, admin: str) -> None:
    page.goto(f"{admin}/second")
    expect(frame_of(page).get_by_role("heading", name="Page /second")).to_be_visible()


def test_a_changed_form_shows_the_save_bar_and_save_submits_it(page: Page, app: tuple[Flask, list[str]]) -> None:
    field = frame_of(page).get_by_label("Name")
    field.fill("Grace")
    page.get_by_role("button", name="Save").click()
    expect(frame_of(page).locator("#said")).to_have_text("saved 200")
    expect(page.get_by_text("Unsaved changes", exact=True)).to_be_hidden()
    assert all(token for name, token, _ in app[0].extensions["seen"] if name == "POST /save")


def test_a_refused_form_keeps_the_save_bar(page: Page) -> None:
    frame_of(page).get_by_label("Name").fill("wrong")
    page.get_by_role("button", name="Save").click()
    expect(frame_of(page).locator("#said")).to_have_text("saved 422")
    expect(page.get_by_role("button", name="Save")).to_be_enabled()
    discard(page)


def discard(page: Page) -> None:
    page.get_by_role("button", name="Discard", exact=True).click()
    page.get_by_role("button", name="Discard changes").click()
    expect(page.get_by_text("Unsaved changes", exact=True)).to_be_hidden()


def test_discard_asks_and_brings_the_old_values_back(page: Page) -> None:
    field = frame_of(page).get_by_label("Name")
    field.fill("Somebody else")
    discard(page)
    expect(field).to_have_value("Ada")


def test_a_value_set_by_a_script_that_says_so_makes_the_form_dirty(page: Page) -> None:
    frame_of(page).locator("[name=name]").evaluate(
        "field => { field.value = 'Set'; field.dispatchEvent(new Event('change', { bubbles: true })); }"
    )
    expect(page.get_by_text("Unsaved changes", exact=True)).to_be_visible()
    discard(page)


def test_leaving_with_unsaved_changes_is_asked_about(page: Page) -> None:
    frame_of(page).get_by_label("Name").fill("Unsaved")
    expect(page.get_by_text("Unsaved changes", exact=True)).to_be_visible()
    page.get_by_role("link", name="Orders").click(force=True)
    page.get_by_role("button", name="Stay").click()
    expect(frame_of(page).get_by_label("Name")).to_have_value("Unsaved")
    page.get_by_role("link", name="Orders").click(force=True)
    page.get_by_role("button", name="Leave page").click()
    expect(page.get_by_role("heading", name="Orders")).to_be_visible()


def test_a_toast_appears_in_the_admin_and_its_action_reaches_the_app(page: Page) -> None:
    frame_of(page).get_by_role("button", name="Toast").click()
    expect(page.get_by_text("It is done")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(frame_of(page).locator("#said")).to_have_text("undone")


def test_a_refused_token_is_tried_once_more_with_a_new_one(page: Page, app: tuple[Flask, list[str]]) -> None:
    frame_of(page).get_by_role("button", name="Picky").click()
    expect(frame_of(page).locator("#said")).to_have_text("picky 200")
    tokens = [token for name, token, _ in app[0].extensions["seen"] if name == "GET /picky"]
    assert len(tokens) == 2
    assert tokens[0] != tokens[1]


def test_a_modal_opens_over_everything_and_its_button_works(page: Page) -> None:
    frame_of(page).get_by_role("button", name="Open box").click()
    expect(frame_of(page).get_by_role("dialog", name="A box")).to_be_visible()
    frame_of(page).get_by_role("button", name="Take it").click()
    expect(frame_of(page).locator("#said")).to_have_text("boxed")
    expect(frame_of(page).get_by_text("Inside the box")).to_be_hidden()


def test_links_into_the_admin_leave_the_frame(page: Page) -> None:
    frame_of(page).get_by_role("link", name="To products").click()
    expect(page.get_by_role("heading", name="Products")).to_be_visible()


def test_a_plain_link_brings_the_shop_along_and_bounces(page: Page) -> None:
    frame_of(page).get_by_role("link", name="Plain link").click()
    expect(frame_of(page).get_by_role("heading", name="Page /second")).to_be_visible()
    expect(page).to_have_url(re.compile("/admin/apps/regulars/second$"))
