"""A small pretend store for tests of its pages, and a stand-in app for tests of the admin around it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import Flask, Response, jsonify, redirect, request
from werkzeug.serving import make_server

from plugin.sandbox.app import create_app
from plugin.sandbox.declaration import read_declaration
from plugin.sandbox.runtime import Sandbox, build
from plugin.sandbox.seed.build import seed_if_empty
from plugin.sandbox.settings import Settings
from plugin.sandbox.wire import grants
from plugin.sandbox.wire.signing import read_token

ROOT = Path(__file__).parents[3]
SECRET = "a-secret-that-is-long-enough-for-hmac-256"


def small_store(home: Path, *, port: int = 0, app_url: str = "http://127.0.0.1:9", customers: int = 40) -> Sandbox:
    """A store with 40 customers and the app not yet installed."""
    settings = Settings(
        home=home,
        port=port,
        smtp_port=0,
        app_url=app_url,
        app_toml=ROOT / "app.toml",
        client_id="client-of-tests",
        client_secret=SECRET,
        customers=customers,
    )
    store = build(settings, read_declaration(settings.app_toml))
    seed_if_empty(store.world, settings.seed, store.world.now().date(), customers)
    return store


def pages(store: Sandbox, extension: Path | None = None) -> Flask:
    """The store's web application; `extension` is a folder with theme blocks."""
    app = create_app(store)
    app.config["EXTENSION_DIR"] = str(extension or "/nowhere")
    return app


def install(store: Sandbox) -> None:
    grants.install(store.world, list(store.declaration.scopes))


@contextmanager
def served(app: Flask, port: int = 0) -> Iterator[str]:
    """The address of an application that answers on loopback."""
    server = make_server("127.0.0.1", port, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()


def standin_page(bridge: str, path: str) -> str:
    text = Path(__file__).with_name("standin.html").read_text("utf-8")
    return text.replace("BRIDGE", bridge).replace("PATH", path)


def standin_app(store_url: list[str]) -> Flask:
    """An embedded app as the platform describes one: token in the address or in the header, bounce page, a form.

    `store_url` is filled in once the store listens. `app.extensions["seen"]` lists what was asked with which token.
    """
    app = Flask("standin")
    seen: list[tuple[str, str, bool]] = []
    app.extensions["seen"] = seen

    def authorised() -> bool:
        bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
        token = bearer or request.args.get("id_token", "")
        good = bool(token) and read_token(token, SECRET) is not None
        seen.append((f"{request.method} {request.path}", token, "X-Shopify-Bounce" in request.headers))
        return good

    @app.get("/")
    @app.get("/second")
    def page() -> Response:
        if authorised():
            return Response(standin_page(f"{store_url[0]}/app-bridge.js", request.path))
        if "shop" not in request.args:
            return Response("Which shop?", status=400)
        return redirect(f"/auth/session-token?shopify-reload={request.path}")

    @app.get("/auth/session-token")
    def bounce() -> str:
        return f'<script data-api-key="client-of-tests" src="{store_url[0]}/app-bridge.js"></script>'

    @app.get("/picky")
    def picky() -> Response:
        """Refuses the first token it sees and asks for another."""
        authorised()
        if sum(name == "GET /picky" for name, _, _ in seen) == 1:
            return Response(status=401, headers={"X-Shopify-Retry-Invalid-Session-Request": "1"})
        return jsonify(ok=True)

    @app.post("/save")
    def save() -> tuple[Response, int]:
        if not authorised():
            return jsonify(ok=False), 401
        return jsonify(ok=True), 422 if request.form.get("name") == "wrong" else 200

    return app
