"""`/admin/api/<version>/graphql.json` and the results of bulk operations."""

from typing import Any

from flask import Blueprint, Response, jsonify, request, send_from_directory

from plugin.sandbox.admin_api.bulk_faults import broken_off
from plugin.sandbox.admin_api.execution import Asked, answer
from plugin.sandbox.admin_api.house import VERSIONS
from plugin.sandbox.admin_api.request import Api
from plugin.sandbox.runtime import sandbox
from plugin.sandbox.wire.grants import find_token

blueprint = Blueprint("admin_api", __name__)

BAD_TOKEN = "[API] Invalid API key or access token (unrecognized login or wrong password)"


@blueprint.post("/admin/api/<version>/graphql.json")
def graphql(version: str) -> Response | tuple[Response, int]:
    """Run one operation; 401 for a token that is unknown, old or of an uninstalled app."""
    store = sandbox()
    if find_token(store.world, request.headers.get("X-Shopify-Access-Token", "")) is None:
        return jsonify(errors=BAD_TOKEN), 401
    asked = _asked()
    if asked is None:
        return jsonify(errors={"query": "Required parameter missing or invalid"}), 400
    fault = store.api_faults.take()
    if fault and not fault.after:
        return fault.response()
    api = Api(store.world, store.settings, store.declaration)
    response = jsonify(answer(api, store.bucket, store.bulk, asked))
    if fault:
        return fault.response()
    response.headers["X-Shopify-API-Version"] = version if version in VERSIONS else VERSIONS[0]
    return response


def _asked() -> Asked | None:
    body: Any = request.get_json(silent=True)
    if not isinstance(body, dict) or not isinstance(body.get("query"), str):
        return None
    variables, name = body.get("variables") or {}, body.get("operationName")
    if not isinstance(variables, dict) or not isinstance(name, (str, type(None))):
        return None
    return Asked(body["query"], variables, name)


@blueprint.get("/_bulk/<int:id>.jsonl")
def bulk_result(id: int) -> Response | tuple[str, int]:
    """A result as JSONL, or a part of it; what the switches do to it is done here."""
    store = sandbox()
    folder, name = store.bulk.folder.absolute(), f"{id}.jsonl"
    operation = store.world.bulk_operations.get(id)
    if operation is None or store.bulk.faults.of(id).gone or operation.status == "EXPIRED":
        return "The link has expired", 403
    whole = send_from_directory(folder, name, mimetype="application/jsonl")
    cut = store.bulk.faults.cut(id)
    if cut is None:
        return whole
    start = int(whole.headers.get("Content-Range", "bytes 0").removeprefix("bytes ").partition("-")[0])
    part = Response(broken_off(folder / name, start, cut), whole.status_code, whole.headers)
    whole.close()
    return part
