"""The store as the process that people start: its flags, its one line, and what a sudden end leaves."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import requests

from tests.plugin.sandbox.conftest import CLIENT_ID, ROOT, SECRET, Listener

READY_SECONDS = 60


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    return port


def command(home: Path, port: int, app_url: str) -> list[str]:
    flags = {"--home": home, "--port": port, "--smtp-port": free_port(), "--app-url": app_url}
    flags |= {"--app-toml": ROOT / "app.toml", "--client-id": CLIENT_ID, "--client-secret": SECRET}
    flags |= {"--customers": 20, "--retry-seconds": "0.2,0.2,0.2,0.2,0.2,0.2,0.2,0.2"}
    return [sys.executable, "-m", "plugin.sandbox", *(str(word) for flag in flags.items() for word in flag)]


@contextmanager
def running(home: Path, port: int, app_url: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(command(home, port, app_url), cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "sandbox ready\n"
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        process.wait(READY_SECONDS)
        process.stdout.close()


def test_what_was_answered_survives_a_kill_and_its_webhooks_still_arrive(tmp_path: Path, listener: Listener) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}/_control"
    listener.answers = [lambda: 503] * 12
    with running(tmp_path, port, listener.url) as process:
        requests.post(f"{url}/install", json={}, timeout=9)
        product = requests.get(f"{url}/products?limit=1", timeout=9).json()["products"][0]
        line = {"variant_id": product["variants"][0]["id"], "quantity": 1}
        made = [requests.post(f"{url}/orders", json={"lines": [line]}, timeout=9).json()["id"] for _ in range(5)]
        process.kill()
        process.wait(READY_SECONDS)
    with running(tmp_path, port, listener.url):
        found = [requests.get(f"{url}/orders/{number}", timeout=9).json()["id"] for number in made]
        until = time.monotonic() + 20
        while requests.get(f"{url}/summary", timeout=9).json()["webhooks"]["pending"] and time.monotonic() < until:
            time.sleep(0.05)
        told = requests.get(f"{url}/webhooks?topic=orders/create", timeout=9).json()["webhooks"]
    assert found == made
    assert [one["state"] for one in told] == ["delivered"] * 5
    assert len({one.body for one in listener.received if one.headers["X-Shopify-Topic"] == "orders/create"}) == 5


def test_a_taken_port_is_one_clear_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            command(tmp_path, port, "http://127.0.0.1:9"),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=READY_SECONDS,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.strip() == f"Port {port} on 127.0.0.1 is taken: choose others with --port and --smtp-port."
