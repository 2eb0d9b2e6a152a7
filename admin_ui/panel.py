"""The panel as one blueprint: every page of it is authenticated here and finds its shop in `g.shop`.

`register` is called once by the composition root, which also says how a shop is opened (found, or installed by token
exchange): `open_shop(domain, id_token) -> Shop`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import structlog
from flask import Blueprint, Flask, Response, current_app, g, request, url_for
from flask import render_template as _render
from flask_babel import Babel, get_locale, gettext
from jinja2 import FileSystemLoader, PrefixLoader
from sqlalchemy.orm import Session
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from admin_ui import formats, sessions
from admin_ui.forms import said
from plugin import clock
from plugin.config import config
from plugin.db.engine import transaction
from plugin.errors import RegularsError
from plugin.shops.models import Shop
from plugin.shops.remote import StaleIdToken

HERE = Path(__file__).parent
OpenShop = Callable[[str, str], Shop]
View = TypeVar("View", bound=Callable[..., Any])
log = structlog.get_logger()


def make_blueprint() -> Blueprint:
    """The blueprint of the panel without its pages; templates are named from the project's root."""
    panel = Blueprint("panel", __name__, static_folder="static", static_url_path="/static/panel")
    panel.jinja_loader = PrefixLoader({"admin_ui": FileSystemLoader(HERE)})
    panel.before_request(_open)
    panel.after_request(_never_cached)
    panel.register_error_handler(RegularsError, _refused)
    panel.register_error_handler(HTTPException, _http_error)
    return panel


def register(app: Flask, panel: Blueprint, open_shop: OpenShop) -> None:
    """Give the app the panel, its language and its formats."""
    app.extensions["open_shop"] = open_shop
    app.config.setdefault("BABEL_TRANSLATION_DIRECTORIES", str(HERE / "translations"))
    Babel(app, locale_selector=choose_locale)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(formats.FILTERS)
    app.jinja_env.globals.update(asset=asset)
    if not app.testing:
        panel.register_error_handler(Exception, _broken)
    app.register_blueprint(sessions.auth)
    app.register_blueprint(panel)


@contextmanager
def desk() -> Iterator[Session]:
    """The transaction of one panel request, in its shop's scope; `g.now` is business time from here on."""
    with transaction(g.shop.id) as session:
        g.now = clock.now(session)
        yield session


def page(template: str, **context: Any) -> str:
    """A page of the panel: its template with what the shell needs."""
    shell = {
        "api_key": config().api_key,
        "app_bridge_url": config().platform.app_bridge_url,
        "locale_tag": str(get_locale()).replace("_", "-"),
        "text_direction": get_locale().text_direction,
        "shop": g.get("shop"),
    }
    return _render(f"admin_ui/{template}", **shell, **context)


def done(path: str, message: str, undo: tuple[str, str] | None = None) -> Response:
    """A write went well: the panel goes to `path` and says so. `undo` is a label and the URL to post to."""
    words: dict[str, Any] = {"message": message}
    if undo:
        words["undo"] = {"label": undo[0], "url": undo[1]}
    answer = refreshed(path)
    answer.headers.update(toast(**words))
    return answer


def refreshed(path: str) -> Response:
    """A write whose page is drawn again without a word."""
    place = {"path": path, "target": "#page", "select": "#page", "swap": "outerHTML"}
    return Response("", headers={"HX-Location": json.dumps(place)})


def told(message: str) -> Response:
    """A write went well and changes nothing on the page: the panel says so and keeps what is typed."""
    return Response("", 204, toast(message=message))


def actor() -> str:
    """Who writes, for the audit log: the staff member's id in the store."""
    return f"staff:{g.claims.user_id}"


def choose_locale() -> str:
    """The reader's language among those the panel speaks: the admin's `locale`, else what the browser accepts."""
    spoken = [str(locale) for locale in current_app.extensions["babel"].instance.list_translations()] or ["en"]
    asked = request.args.get("locale", "").replace("-", "_")
    for wish in (asked, asked.split("_")[0]):
        if wish in spoken:
            return wish
    return request.accept_languages.best_match(spoken, "en") or "en"


def asset(name: str) -> str:
    """The URL of a static file, with its content's mark so that it may be kept for ever."""
    return url_for("panel.static", filename=name, v=_mark(name))


@cache
def _mark(name: str) -> str:
    path = HERE / "static" / name
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12] if path.exists() else "missing"


def without_session(view: View) -> View:
    """Marks the few views of the panel that answer without a session token; a test lists them."""
    view.without_session = True  # type: ignore[attr-defined]
    return view


def _open() -> AnyResponse | None:
    view = current_app.view_functions[request.endpoint or ""]
    if request.endpoint == "panel.static" or getattr(view, "without_session", False):
        return None
    claims = sessions.authenticate()
    if not isinstance(claims, sessions.Claims):
        return claims
    try:
        g.shop = current_app.extensions["open_shop"](claims.domain, claims.token)
    except (sessions.BadToken, StaleIdToken):
        return sessions.unauthorized()
    g.claims = claims
    structlog.contextvars.bind_contextvars(shop_id=g.shop.id)
    return None


def _never_cached(response: AnyResponse) -> AnyResponse:
    if request.endpoint == "panel.static":
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    else:
        response.headers["Cache-Control"] = "no-store"
    if "Content-Security-Policy" not in response.headers and response.mimetype == "text/html":
        response.headers.setdefault("Link", f"<{config().platform.app_bridge_url}>; rel=preload; as=script")
    return response


def _refused(error: RegularsError) -> tuple[str, int, dict[str, str]]:
    return _error_page(error.status, said(error))


def _http_error(error: HTTPException) -> tuple[str, int, dict[str, str]] | HTTPException:
    if error.response is not None:
        return error
    sentences = {404: gettext("This page does not exist, or what it showed was removed.")}
    return _error_page(error.code or 500, sentences.get(error.code or 500, error.description or ""))


def _broken(error: Exception) -> tuple[str, int, dict[str, str]]:
    log.exception("panel_error", path=request.path)
    return _error_page(500, gettext("Something went wrong on our side. Nothing was changed; try again in a moment."))


def _error_page(status: int, sentence: str) -> tuple[str, int, dict[str, str]]:
    """A script gets the sentence as a toast and keeps its page; a browser gets a page with a way back."""
    if "HX-Request" in request.headers:
        return "", status, toast(message=sentence, error=True)
    return page("error.html", sentence=sentence, status=status), status, {}


def toast(**said: Any) -> dict[str, str]:
    """Headers that make the panel show a message: `message`, and perhaps `error` or `undo`."""
    return {"HX-Trigger": json.dumps({"toast": said})}
