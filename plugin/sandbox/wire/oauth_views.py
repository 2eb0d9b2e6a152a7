"""`/admin/oauth/…`: the grant screen of a managed install and the token endpoint."""

from typing import Any

from flask import Blueprint, Response, jsonify, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from plugin.sandbox.app_records import Token
from plugin.sandbox.errors import Refused
from plugin.sandbox.runtime import sandbox
from plugin.sandbox.wire import grants
from plugin.sandbox.wire.sessions import is_fresh

blueprint = Blueprint("oauth", __name__, template_folder="templates")

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"
OFFLINE = "urn:shopify:params:oauth:token-type:offline-access-token"


@blueprint.get("/admin/oauth/install")
def grant_screen() -> str | tuple[str, int]:
    """Ask the merchant for the scopes of app.toml; optional ones can be left out."""
    if request.args.get("client_id") != sandbox().settings.client_id:
        return render_template("grant_unknown.html"), 404
    return render_template("grant.html", declaration=sandbox().declaration, installed=sandbox().world.installation)


@blueprint.post("/admin/oauth/install")
def grant() -> AnyResponse:
    """The merchant said yes."""
    declaration = sandbox().declaration
    chosen = [scope for scope in declaration.optional_scopes if scope in request.form.getlist("optional_scopes")]
    grants.install(sandbox().world, [*declaration.scopes, *chosen])
    return redirect(f"/admin/apps/{declaration.handle}")


@blueprint.post("/admin/oauth/access_token")
def access_token() -> tuple[Response, int]:
    """Token exchange and refresh; JSON or form."""
    asked = request.get_json(silent=True) or request.form.to_dict()
    settings = sandbox().settings
    if asked.get("client_id") != settings.client_id or asked.get("client_secret") != settings.client_secret:
        return _error("invalid_client", "Client authentication failed")
    try:
        return jsonify(_answer(_grant(asked))), 200
    except Refused as refusal:
        return _error(refusal.code, str(refusal))


def _grant(asked: dict[str, Any]) -> Token:
    world = sandbox().world
    if asked.get("grant_type") == "refresh_token":
        return grants.refresh(world, str(asked.get("refresh_token", "")))
    if asked.get("grant_type") != EXCHANGE or asked.get("subject_token_type") != ID_TOKEN:
        raise Refused("The grant type is not supported", code="unsupported_grant_type")
    if asked.get("requested_token_type") != OFFLINE or str(asked.get("expiring", "")) != "1":
        raise Refused("Only expiring offline tokens are given out", code="invalid_request")
    if not is_fresh(sandbox().settings, world.shop.domain, str(asked.get("subject_token", ""))):
        raise Refused("The id token is invalid or too old", code="invalid_subject_token")
    return grants.exchange(world)


def _answer(token: Token) -> dict[str, Any]:
    return {
        "access_token": token.id,
        "scope": ",".join(token.scopes),
        "expires_in": int(grants.ACCESS_LIFE.total_seconds()),
        "refresh_token": token.refresh_token,
        "refresh_token_expires_in": int(grants.REFRESH_LIFE.total_seconds()),
    }


def _error(code: str, description: str) -> tuple[Response, int]:
    return jsonify({"error": code, "error_description": description}), 400
