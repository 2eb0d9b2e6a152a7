"""The pretend store beside a live app, for scenarios that go through public doors only.

`store` starts both once a module, with a small world, and installs nothing: call `store.install()`. There is no worker:
`store.settle()` does in this process what worker and beat would do, until nothing is left to do. Tests of such a module
share the store and must not use the `database` fixture, which would empty the tables under it.

    from tests.sandbox import Store, store  # noqa: F401
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
import requests
from sqlalchemy import Engine, text
from werkzeug.serving import BaseWSGIServer, make_server

import app
from plugin.config import ROOT
from plugin.jobs.schedule import BEAT
from plugin.local.ports import LOOPBACK, free_port
from tests.conftest import SECRET, empty, forget_settings

SHOP = "regulars-roasters.myshopify.com"
CLIENT_ID = "test-client-id"
CUSTOMERS = 40
START_SECONDS = 60
SETTLE_SECONDS = 60


class Store:
    """What a person, or the platform's own machinery, can do to the store; and the product beside it."""

    def __init__(self, url: str, app_url: str, owner: Engine) -> None:
        self.url = url
        self.app_url = app_url
        self.shop = SHOP
        self.owner = owner
        self._celery = app.make_celery()
        self._celery.loader.import_default_modules()

    def install(self) -> str:
        """Grant the scopes and open the panel once, as a merchant would; import the history. The panel's address."""
        launch_url: str = self.post("/_control/install")["launch_url"]
        opened = requests.get(launch_url, timeout=60)
        assert opened.ok, opened.text[:500]
        self.settle()
        return launch_url

    def settle(self) -> None:
        """Deliver all webhooks and do all that is due, until there is nothing left."""
        ends = monotonic() + SETTLE_SECONDS
        quiet = 0
        while quiet < 2:
            assert monotonic() < ends, f"the product does not come to rest: {self._under_way()}"
            self.post("/_control/flush")
            for tick in BEAT.values():
                self._celery.tasks[tick["task"]]()
            quiet = 0 if any(self._under_way().values()) else quiet + 1
            sleep(0.05)

    def advance(self, **units: float) -> None:
        """Move the clock: `advance(hours=25)`; then settle."""
        seconds = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}
        self.post("/clock.json", {"advance_seconds": int(sum(seconds[unit] * many for unit, many in units.items()))})
        self.settle()

    def place_order(self, customer_id: int, variant_id: int, quantity: int = 1, **more: Any) -> dict[str, Any]:
        """A paid order, as the store answers it; not settled yet."""
        lines = [{"variant_id": variant_id, "quantity": quantity}]
        return self.post("/_control/orders", {"customer_id": customer_id, "lines": lines, "paid": True} | more)

    def mails(self, to: str | None = None) -> list[dict[str, Any]]:
        """What the mailbox caught."""
        return self.get("/mailbox.json", to=to)["messages"]

    def rows(self, query: str, **values: Any) -> list[dict[str, Any]]:
        """The product's database as its owner sees it."""
        with self.owner.connect() as connection:
            return [dict(row) for row in connection.execute(text(query), values).mappings()]

    def get(self, path: str, **query: Any) -> Any:
        return self._answer(requests.get(self.url + path, params=query, timeout=60))

    def post(self, path: str, body: Any = None) -> Any:
        return self._answer(requests.post(self.url + path, json=body if body is not None else {}, timeout=60))

    def delete(self, path: str) -> Any:
        return self._answer(requests.delete(self.url + path, timeout=60))

    def _answer(self, response: requests.Response) -> Any:
        assert response.ok, f"{response.request.method} {response.url}: {response.status_code} {response.text[:500]}"
        return response.json() if response.content else None

    def _under_way(self) -> dict[str, int]:
        """What is due and not done, by table."""
        due = {
            "inbox": "state = 'new' AND (next_attempt_at IS NULL OR next_attempt_at <= clock_timestamp())",
            "outbox": "state IN ('pending', 'claimed', 'calling') AND next_attempt_at <= clock_timestamp()",
            "sync_runs": "state IN ('waiting', 'running')",
            "drift_checks": "state IN ('waiting', 'reading', 'healing')",
        }
        return {
            table: self.rows(f"SELECT count(*) AS waits FROM {table} WHERE {where}")[0]["waits"]
            for table, where in due.items()
        }


@pytest.fixture(scope="module")
def store(owner: Engine) -> Iterator[Store]:
    """A store with a small world, and the app it knows, both on loopback."""
    port, mail_port, app_port = free_port(), free_port(), free_port()
    url, app_url = f"http://{LOOPBACK}:{port}", f"http://{LOOPBACK}:{app_port}"
    settings = {
        "REGULARS_SANDBOX": "1",
        "SHOPIFY_API_KEY": CLIENT_ID,
        "APP_URL": app_url,
        "SMTP_URL": f"smtp://{LOOPBACK}:{mail_port}",
        "PLATFORM_ADMIN_ORIGIN": url,
        "PLATFORM_STORE_URL": url,
        "PLATFORM_APP_BRIDGE_URL": f"{url}/app-bridge.js",
        "PLATFORM_FRAME_ANCESTORS": url,
    }
    empty(owner)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        forget_settings()
        with _sandbox(port, mail_port, app_url), _web(app_port):
            yield Store(url, app_url, owner)
    forget_settings()
    empty(owner)


@contextmanager
def _sandbox(port: int, mail_port: int, app_url: str) -> Iterator[None]:
    options = {
        "--home": tempfile.mkdtemp(prefix="regulars-store-"),
        "--port": str(port),
        "--smtp-port": str(mail_port),
        "--app-url": app_url,
        "--app-toml": str(ROOT / "app.toml"),
        "--client-id": CLIENT_ID,
        "--client-secret": SECRET,
        "--customers": str(CUSTOMERS),
    }
    command = [sys.executable, "-m", "plugin.sandbox", *(word for option in options.items() for word in option)]
    log = Path(options["--home"]) / "sandbox.log"
    with log.open("w") as output:
        process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)
    try:
        _wait_until_ready(process, log)
        yield
    finally:
        process.terminate()
        process.wait(10)
        shutil.rmtree(options["--home"], ignore_errors=True)


def _wait_until_ready(process: subprocess.Popen[bytes], log: Path) -> None:
    ends = monotonic() + START_SECONDS
    while "sandbox ready" not in log.read_text():
        assert process.poll() is None, f"the pretend store ended: {log.read_text()[-2000:]}"
        assert monotonic() < ends, "the pretend store is not ready"
        sleep(0.05)


@contextmanager
def _web(port: int) -> Iterator[BaseWSGIServer]:
    server = make_server(LOOPBACK, port, app.create_app(), threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()
