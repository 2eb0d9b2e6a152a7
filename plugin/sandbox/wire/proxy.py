"""The app proxy: addresses of the storefront that the app answers, forwarded with a signature.

An answer that calls itself Liquid is shown inside the theme. Cookies are stripped both ways. What the shopper sends
under a signed name is replaced, never joined.
"""

import time

import requests
from flask import Blueprint, Response, abort, request

from plugin.sandbox.runtime import sandbox
from plugin.sandbox.storefront import visitor
from plugin.sandbox.storefront.app_pages import MIMETYPE, in_theme
from plugin.sandbox.wire.signing import proxy_signature

blueprint = Blueprint("proxy", __name__)

SIGNED = ("shop", "logged_in_customer_id", "path_prefix", "timestamp", "signature")
PASSED_ON = ("Accept", "Accept-Language", "Content-Type", "User-Agent", "X-Requested-With", "HX-Request")
PASSED_BACK = ("Content-Type", "Location", "Cache-Control", "Vary", "ETag", "Retry-After", "Content-Disposition")
TIMEOUT = (1.0, 20.0)


@blueprint.route("/<any(a, apps, community, tools):prefix>/<subpath>", methods=["GET", "POST", "PUT", "DELETE"])
@blueprint.route(
    "/<any(a, apps, community, tools):prefix>/<subpath>/<path:rest>", methods=["GET", "POST", "PUT", "DELETE"]
)
def forward(prefix: str, subpath: str, rest: str = "") -> Response:
    """Ask the app and pass its answer on; 404 while the app is not installed, 502 when it does not answer."""
    store = sandbox()
    if store.world.installation is None or f"/{prefix}/{subpath}" != store.declaration.proxy_path:
        abort(404)
    try:
        answer = requests.request(
            request.method,
            _address(rest),
            params=_parameters(),
            data=request.get_data(),
            headers={name: request.headers[name] for name in PASSED_ON if name in request.headers},
            timeout=TIMEOUT,
            allow_redirects=False,
        )
    except requests.RequestException:
        abort(502, "The app did not answer")
    headers = {name: answer.headers[name] for name in PASSED_BACK if name in answer.headers}
    if headers.get("Content-Type", "").startswith(MIMETYPE):
        headers["Content-Type"] = "text/html; charset=utf-8"
        return Response(in_theme(answer.text), answer.status_code, headers)
    return Response(answer.content, answer.status_code, headers)


def _address(rest: str) -> str:
    store = sandbox()
    url = store.declaration.proxy_url
    base = url if "://" in url else store.settings.app_url + url
    return f"{base}/{rest}" if rest else base


def _parameters() -> list[tuple[str, str]]:
    store = sandbox()
    customer = visitor.signed_in()
    given = [(name, value) for name, value in request.args.items(multi=True) if name not in SIGNED]
    given += [
        ("shop", store.world.shop.domain),
        ("logged_in_customer_id", str(customer.id) if customer else ""),
        ("path_prefix", store.declaration.proxy_path),
        ("timestamp", str(int(time.time()))),
    ]
    return [*given, ("signature", proxy_signature(given, store.settings.client_secret))]
