"""The store as a web application: every part is a blueprint, this is where they meet.

/                     storefront: shelves, products, cart, checkout, account
/admin                the store's admin with the app in its frame; /admin/oauth installs it and gives out tokens
/admin/api            the Admin API; /_bulk holds results of bulk queries
/apps/<app>           the app proxy
/mailbox, /clock      caught mail and business time, as pages and as .json
/_control             levers for tests and the demo
"""

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import Forbidden

from plugin.sandbox.admin.views import blueprint as admin
from plugin.sandbox.admin_api.views import blueprint as admin_api
from plugin.sandbox.control.clock_views import blueprint as clock
from plugin.sandbox.control.trade_views import blueprint as trade
from plugin.sandbox.control.views import blueprint as control
from plugin.sandbox.errors import NotFound, Refused
from plugin.sandbox.mailbox.views import blueprint as mailbox
from plugin.sandbox.runtime import Sandbox
from plugin.sandbox.storefront.views import blueprint as storefront
from plugin.sandbox.wire.oauth_views import blueprint as oauth
from plugin.sandbox.wire.proxy import blueprint as proxy

BLUEPRINTS = (storefront, admin, oauth, control, trade, clock, admin_api, proxy, mailbox)


def create_app(store: Sandbox) -> Flask:
    """A Flask application around a store that has been built. Answers on loopback only."""
    app = Flask(__name__, static_folder="static", static_url_path="/_static")
    app.extensions |= {"sandbox": store, "world": store.world}
    app.secret_key = store.settings.client_secret.encode() + b" of the store"
    app.before_request(_loopback_only)
    app.register_error_handler(NotFound, _not_found)
    app.register_error_handler(Refused, _refused)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    return app


def _loopback_only() -> None:
    if request.remote_addr not in ("127.0.0.1", "::1"):
        raise Forbidden


def _not_found(error: NotFound) -> tuple[Response, int]:
    return jsonify(error=str(error)), 404


def _refused(refusal: Refused) -> tuple[Response, int]:
    return jsonify(error=str(refusal), code=refusal.code, field=list(refusal.field)), 422
