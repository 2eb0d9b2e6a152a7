"""The whole demo with a small world, and a real Chromium: what a person gets, driven by its words.

One demo serves all journeys of a run; each journey is another shopper, so they do not meet.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from plugin.config import ROOT
from plugin.local import ports
from tests.browser.people import Admin, Demo, Shopper

READY_SECONDS = 240
STOP_SECONDS = 60
CUSTOMERS = "60"


@pytest.fixture(scope="session")
def demo() -> Iterator[Demo]:
    """`regulars demo`, started as README says, in a home and on ports of its own."""
    running = os.environ.get("REGULARS_RUNNING_DEMO")  # a demo.json, to write journeys without waiting
    if running:
        yield Demo(json.loads(Path(running).read_text()))
        return
    home = Path(tempfile.mkdtemp(prefix="regulars-browser-"))
    environment = os.environ | {"REGULARS_HOME": str(home), "REGULARS_PORT": str(_free_ports())}
    command = [sys.executable, "-c", "import app; app.main()", "demo", "--customers", CUSTOMERS]
    with (home / "demo.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        yield Demo(_announced(process, home))
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(STOP_SECONDS)


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """A browser with no past, at desktop width; errors in the console fail the test."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB")
    context.set_default_timeout(15_000)
    complaints: list[str] = []
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    yield context
    context.close()
    assert complaints == []


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


@pytest.fixture
def shopper(demo: Demo, page: Page) -> Shopper:
    return Shopper(demo, page)


@pytest.fixture
def admin(demo: Demo, context: BrowserContext) -> Admin:
    return Admin(demo, context.new_page())


def _announced(process: subprocess.Popen[bytes], home: Path) -> dict[str, Any]:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if (home / "demo.json").exists():
            return json.loads((home / "demo.json").read_text())
        time.sleep(0.2)
    pytest.fail("The demo did not become ready:\n" + (home / "demo.log").read_text()[-3000:])


def _free_ports() -> int:
    """The first of five free ports in a row."""
    for first in range(21_000, 30_000, 10):
        try:
            for port in range(first, first + 5):
                ports.require_free(port, "test")
        except ports.PortInUse:
            continue
        return first
    pytest.fail("No five free ports in a row between 21000 and 30000.")
