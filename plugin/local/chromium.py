"""A real Chromium for the browser tests, whatever the machine has."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from plugin.local.errors import Missing

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome")
INSTALL_SECONDS = 600


def find_or_install() -> Path:
    """The browser's path: found on PATH, else installed by apt (root on Debian), else by playwright. Raises Missing."""
    return _on_path() or _from_apt() or _from_playwright() or _give_up()


def _on_path() -> Path | None:
    found = (shutil.which(name) for name in NAMES)
    return next((Path(path) for path in found if path), None)


def _from_apt() -> Path | None:
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return None
    if not _succeeds(["apt-get", "update", "-qq"]):
        return None
    _succeeds(["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"])
    return _on_path()


def _from_playwright() -> Path | None:
    if not _succeeds([sys.executable, "-m", "playwright", "install", "chromium"]):
        return None
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = Path(playwright.chromium.executable_path)
    return path if path.exists() else None


def _give_up() -> Path:
    raise Missing(
        "The browser tests need Chromium and none of the ways to get it worked: put `chromium` on PATH "
        "(on Debian: apt install chromium) or run `.venv/bin/playwright install --with-deps chromium`."
    )


def _succeeds(command: Sequence[str]) -> bool:
    environment = dict(os.environ) | {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        return subprocess.run(command, env=environment, capture_output=True, timeout=INSTALL_SECONDS).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False
