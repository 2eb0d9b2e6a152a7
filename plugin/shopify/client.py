"""The only door to the Admin API.

One connection per thread, store and token, so that no store's token can end up in another's request. Queries are sent
again after a 502, 503, 504 or a broken connection; a mutation never is once it has left, unless the platform says that
it was not run (THROTTLED, 429): then OutcomeUnknown is raised and whoever asked looks it up. Bodies are never logged.
Facts: "API rate limits", "API versioning" and "GraphQL Admin API status and error codes" in Shopify's documentation.
"""

from __future__ import annotations

import os
import random
import threading
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Any, NoReturn

import requests
import structlog
from requests.exceptions import ConnectionError as NoConnection
from requests.exceptions import ConnectTimeout
from urllib3.exceptions import NewConnectionError

from plugin import pace
from plugin.config import API_VERSION, config
from plugin.errors import OutcomeUnknown, RemoteError, Throttled, Unauthorized, Unavailable
from plugin.shopify.documents import Document, document
from plugin.shopify.errors import Denied, UserErrors
from plugin.shopify.throttle import Bucket, throttled_seconds

TIMEOUTS = 3.05, 15.0  # seconds to connect and between bytes
MOST_REPEATS = 2
MOST_CONNECTIONS = 16  # a thread
REQUEST_TIMED_OUT = 408

log = structlog.get_logger()
_local = threading.local()
_buckets: dict[str, Bucket] = {}


class _SendAgain(Exception):
    """The pause is over: the same call may be sent once more."""


@dataclass
class _Call:
    """One operation on its way: what is sent, and how much patience is left."""

    domain: str
    token: str
    document: Document
    variables: dict[str, Any]
    ends: float
    present: pace.Pace = pace.USUAL
    repeats: int = 0
    throttles: int = 0

    @property
    def bucket(self) -> Bucket:
        return _buckets.setdefault(self.domain, Bucket(monotonic))


def buckets() -> dict[str, Bucket]:
    """What this process knows of stores' rate limits, by domain."""
    return dict(_buckets)


def execute(domain: str, token: str, operation: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """`data` of one operation on one store, at the pace of this thread (plugin.pace).

    Raises Unauthorized, Throttled(after), Unavailable, OutcomeUnknown (a mutation may have happened), Denied, or
    UserErrors with the codes a mutation was refused with.
    """
    present = pace.present()
    call = _Call(domain, token, document(operation), dict(variables or {}), monotonic() + present.patience, present)
    while True:
        _pause(call, call.bucket.wait(operation, present.reserve))
        with suppress(_SendAgain):
            data = _data(call, _send(call))
            pace.begun()
            return data


def _send(call: _Call) -> requests.Response:
    """The answer with a body worth reading."""
    started = monotonic()
    if call.present.until is not None and started > call.present.until:
        raise pace.TurnOver("This took longer than its turn, so nothing was sent.", 0.0)
    try:
        response = _session(call).post(_address(call), json=_body(call), timeout=TIMEOUTS, allow_redirects=False)
    except requests.RequestException as error:
        sentence = "The store did not answer in time, or the connection broke."
        _again(call, sentence, left=not _never_left(error))
    log.debug("shopify_call", operation=call.document.name, status=response.status_code, seconds=monotonic() - started)
    return _judged(call, response)


def _judged(call: _Call, response: requests.Response) -> requests.Response:
    status = response.status_code
    if status == 200:
        _check_version(response)
        return response
    if status == 401:
        raise Unauthorized("The store does not accept our access token.")
    if status == 429:
        _slow_down(call, _retry_after(response))
    if status >= 500 or status == REQUEST_TIMED_OUT:
        _again(call, "The store answered with status %(status)s.", status=status)
    if status in (402, 423):
        raise Unavailable("The store is frozen or locked, so nothing can be read or changed in it.")
    raise Denied("The store answered with status %(status)s.", [str(status)], status=status)


def _never_left(error: requests.RequestException) -> bool:
    if isinstance(error, ConnectTimeout):
        return True
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(error, NoConnection) and isinstance(reason, NewConnectionError)


def _again(call: _Call, sentence: str, left: bool = True, **values: Any) -> NoReturn:
    """Pause and let a query be sent again; a mutation that left is somebody else's to look up."""
    if left and call.document.is_mutation:
        raise OutcomeUnknown(sentence, **values)
    call.repeats += 1
    if call.repeats > MOST_REPEATS:
        raise Unavailable(sentence, **values)
    pause = 0.3 * 2**call.repeats * (0.5 + random.random())
    if monotonic() + pause > call.ends:
        raise Unavailable(sentence, **values)
    sleep(pause)
    raise _SendAgain


def _slow_down(call: _Call, seconds: float) -> NoReturn:
    """Wait as asked, longer each time, and let it be sent again: the platform did not run it."""
    call.throttles += 1
    _pause(call, max(seconds, 0.05 * 2 ** min(call.throttles, 5)))
    raise _SendAgain


def _data(call: _Call, response: requests.Response) -> dict[str, Any]:
    """What the answer holds. Fields that the store does not share (protected customer data) are null."""
    answer = _parsed(call, response)
    cost = (answer.get("extensions") or {}).get("cost")
    call.bucket.learn(call.document.name, cost)
    codes = [_code(error) for error in answer.get("errors") or ()]
    if "THROTTLED" in codes:
        _slow_down(call, throttled_seconds(cost))
    data = answer.get("data") or {}
    partly = data and set(codes) == {"ACCESS_DENIED"} and not call.document.is_mutation
    if codes and not partly:
        raise _refusal(call, codes)
    _raise_user_errors(data)
    return data


def _parsed(call: _Call, response: requests.Response) -> dict[str, Any]:
    with suppress(ValueError):
        answer = response.json()
        if isinstance(answer, dict):
            return answer
    _again(call, "The store's answer cannot be read.")


def _code(error: Any) -> str:
    extensions = error.get("extensions") if isinstance(error, dict) else None
    return str((extensions or {}).get("code") or "INVALID")


def _refusal(call: _Call, codes: list[str]) -> RemoteError:
    log.warning("shopify_refused", operation=call.document.name, codes=sorted(set(codes)))
    if "INTERNAL_SERVER_ERROR" in codes or "TIMEOUT" in codes:
        kind = OutcomeUnknown if call.document.is_mutation else Unavailable
        return kind("The store failed while it worked on our request.")
    if "ACCESS_DENIED" in codes:
        return Denied("The store has not granted the access that this needs.", codes)
    reasons = ", ".join(sorted(set(codes)))
    return Denied("The store did not accept %(name)s: %(reasons)s.", codes, name=call.document.name, reasons=reasons)


def _raise_user_errors(data: dict[str, Any]) -> None:
    found = [error for field in data.values() if isinstance(field, dict) for error in field.get("userErrors") or ()]
    if found:
        raise UserErrors(found)


def _pause(call: _Call, seconds: float) -> None:
    """Sleep, or raise Throttled when that would take more patience than there is."""
    if seconds <= 0:
        return
    if monotonic() + seconds > call.ends:
        raise Throttled("The store asks us to slow down.", seconds)
    sleep(seconds)


def _retry_after(response: requests.Response) -> float:
    try:
        return min(max(float(response.headers.get("Retry-After", "1")), 0.1), 120.0)
    except ValueError:
        return 1.0


def _check_version(response: requests.Response) -> None:
    served = response.headers.get("X-Shopify-API-Version", API_VERSION)
    if served != API_VERSION:
        log.warning("shopify_other_version", served=served, asked=API_VERSION)


def _address(call: _Call) -> str:
    return f"{config().platform.base(call.domain)}/admin/api/{API_VERSION}/graphql.json"


def _body(call: _Call) -> dict[str, Any]:
    return {"query": call.document.text, "variables": call.variables, "operationName": call.document.name}


def _session(call: _Call) -> requests.Session:
    """This thread's connection for the store and token; a child process never uses its parent's."""
    if getattr(_local, "pid", None) != os.getpid():
        _local.pid, _local.sessions = os.getpid(), OrderedDict()
    sessions: OrderedDict[tuple[str, str], requests.Session] = _local.sessions
    key = call.domain, call.token
    if key not in sessions:
        sessions[key] = _connect(call.token)
        if len(sessions) > MOST_CONNECTIONS:
            sessions.popitem(last=False)[1].close()
    sessions.move_to_end(key)
    return sessions[key]


def _connect(token: str) -> requests.Session:
    session = requests.Session()
    session.headers.update({"X-Shopify-Access-Token": token, "Accept": "application/json"})
    return session
