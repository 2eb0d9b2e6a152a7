"""A tiny store: twelve customers, three products, and an app that notes what it is sent."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from plugin.sandbox import customers, orders, products
from plugin.sandbox.app import create_app
from plugin.sandbox.declaration import read_declaration
from plugin.sandbox.order_records import Order
from plugin.sandbox.records import Address, CartLine, Customer
from plugin.sandbox.runtime import Sandbox, build, start, stop
from plugin.sandbox.settings import Settings
from plugin.sandbox.wire import grants
from plugin.sandbox.world import World

ROOT = Path(__file__).parents[3]
SECRET = "a-client-secret-of-tests-long-enough"
CLIENT_ID = "client-of-tests"


@dataclass
class Received:
    """One request that the app got."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Listener:
    """The app's side: what came, and how to answer (`answers` first, then 200)."""

    url: str
    received: list[Received] = field(default_factory=list)
    answers: list[Callable[[], int]] = field(default_factory=list)

    def topics(self) -> list[str]:
        return [one.headers["X-Shopify-Topic"] for one in self.received if "X-Shopify-Topic" in one.headers]

    def bodies(self, topic: str) -> list[bytes]:
        return [one.body for one in self.received if one.headers.get("X-Shopify-Topic") == topic]


@pytest.fixture
def listener() -> Iterator[Listener]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            heard.received.append(Received(self.command, self.path, dict(self.headers.items()), body))
            status = heard.answers.pop(0)() if heard.answers else 200
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Set-Cookie", "app=1")
            self.send_header("Content-Length", "2")
            self.end_headers()
            with suppress(BrokenPipeError):
                self.wfile.write(b"{}")

        do_GET = do_POST

        def log_message(self, format: str, *arguments: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    heard = Listener(f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield heard
    server.shutdown()
    server.server_close()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return make_settings(tmp_path)


def make_settings(home: Path, **given: Any) -> Settings:
    flags: dict[str, Any] = {"home": home / "store", "port": 8801, "smtp_port": 0, "app_url": "http://127.0.0.1:9"}
    flags |= {"app_toml": ROOT / "app.toml", "client_id": CLIENT_ID, "client_secret": SECRET}
    flags |= {"retry_seconds": (0.05,) * 8}
    return Settings(**flags | given)


def make_store(settings: Settings) -> Sandbox:
    return build(settings, read_declaration(settings.app_toml))


@pytest.fixture
def store(settings: Settings) -> Iterator[Sandbox]:
    """A store whose courier is not running: webhooks stay queued and can be looked at."""
    made = make_store(settings)
    fill(made.world)
    yield made
    stop(made)


@pytest.fixture
def live(tmp_path: Path, listener: Listener) -> Iterator[Sandbox]:
    """A store with the app installed, its courier sending to the listener."""
    made = make_store(make_settings(tmp_path, app_url=listener.url))
    fill(made.world)
    install(made)
    start(made)
    yield made
    stop(made)


@pytest.fixture
def world(store: Sandbox) -> World:
    return store.world


@pytest.fixture
def client(store: Sandbox) -> FlaskClient:
    return create_app(store).test_client()


def install(store: Sandbox, *more: str) -> None:
    grants.install(store.world, [*store.declaration.scopes, *more])


def fill(world: World) -> None:
    """Twelve customers and three products: coffee at 14.50 and 9.90, a kettle at 89.00."""
    with world.change():
        products.add_product(world, title="Guji", price_minor=1450, product_type="Filter coffee", tax_rate_bp=700)
        products.add_product(world, title="House blend", price_minor=990, product_type="Espresso", tax_rate_bp=700)
        products.add_product(world, title="Kettle", price_minor=8900, product_type="Brewing")
        for number in range(12):
            _customer(world, number)


def _customer(world: World, number: int) -> Customer:
    address = Address(first_name="Ada", last_name=f"Nr {number}", address1="Hof 1", zip="10999", city="Berlin")
    address.country, address.country_code = "Germany", "DE"
    return customers.save_customer(
        world,
        email=f"ada{number}@example.com",
        first_name="Ada",
        last_name=f"Nr {number}",
        phone=f"+4930100{number:03d}",
        addresses=[address],
    )


def customer(world: World, number: int = 0) -> Customer:
    return list(world.customers)[number]


def lines(world: World, *quantities: int) -> list[CartLine]:
    """Quantities of the products, in their order."""
    pairs = zip(world.products, quantities, strict=False)
    return [CartLine(variant_id=one.variants[0].id, quantity=quantity) for one, quantity in pairs if quantity]


def buy(world: World, *quantities: int, **given: Any) -> Order:
    """An order of the first customer."""
    return orders.place_order(world, lines=lines(world, *quantities), customer_id=customer(world).id, **given)


def queued(world: World) -> list[str]:
    """Topics of webhooks made so far, oldest first."""
    return [delivery.topic for delivery in world.deliveries]
