"""Every route of the app, called as one shop with another shop's ids: it must look as if they did not exist.

The list of routes is read from the app itself, so a new one fails here until `tests/contracts/routes.py` names it.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from redis import Redis
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

import app as composition
from plugin import clock
from plugin.config import config
from plugin.shops.models import Shop
from tests.admin_ui.tokens import bearer
from tests.conftest import DOMAIN, SECRET, empty
from tests.contracts.routes import ROUTES, Attack, Machine
from tests.contracts.tenants import WORD, Tenants

ATTACKS = [
    (method, attack) for (method, _), list_ in ROUTES.items() if not isinstance(list_, Machine) for attack in list_
]
IDS = [f"{method} {attack.path} {number}" for number, (method, attack) in enumerate(ATTACKS)]
ITS_OWN_HEADERS = {"Date", "Content-Length"}


@pytest.fixture(scope="module")
def app(owner: Engine) -> Flask:
    """The whole app; shops are found by their domain, without a store to exchange tokens with."""
    whole = composition.create_app()
    whole.extensions["open_shop"] = lambda domain, _: _find(owner, domain)
    return whole


def _find(owner: Engine, domain: str) -> Shop:
    with Session(owner) as session:
        return session.scalars(select(Shop).where(Shop.domain == domain)).one()


@pytest.fixture(scope="module")
def tenants(owner: Engine) -> Iterator[Tenants]:
    empty(owner)
    yield Tenants(owner)
    empty(owner)


def test_every_route_is_registered(app: Flask) -> None:
    there = {
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    unknown = sorted(there - ROUTES.keys())
    assert not unknown, f"Nobody tried these as another shop: {unknown}. {HOW}"
    assert sorted(ROUTES.keys() - there) == [], (
        "These are registered in tests/contracts/routes.py and gone from the app."
    )


HOW = "Add a line for each to ROUTES in tests/contracts/routes.py; its first lines say how."


@pytest.mark.parametrize(("method", "attack"), ATTACKS, ids=IDS)
def test_another_shop_s_things_look_as_if_they_did_not_exist(
    app: Flask, tenants: Tenants, method: str, attack: Attack
) -> None:
    Redis.from_url(config().redis_url).flushdb()  # nobody has used up a limit
    theirs, everybody_s = tenants.digest(tenants.first), tenants.digest(tenants.first, tenants.other)
    answer = ask(app, tenants, method, attack, nowhere=False)
    assert answer.status_code < 500
    if attack.door == "shopper":  # the platform renders what is called Liquid, and customers' words are in it
        is_liquid = answer.mimetype == "application/liquid" and "{" not in answer.text
        assert is_liquid or answer.mimetype in ("application/json", "text/html")
    assert WORD not in tenants.masked(f"{answer.headers}{words_of(answer)}").lower()
    assert tenants.digest(tenants.first) == theirs, "a row of the other shop changed"
    if not attack.names_something:
        assert answer.status_code < 400, answer.text[:500]
        return
    assert answer.status_code == (attack.status or 404), answer.text[:500]
    if attack.status is None:
        assert tenants.digest(tenants.first, tenants.other) == everybody_s, "a refused request wrote something"
    nothing = ask(app, tenants, method, attack, nowhere=True)
    assert WORD not in tenants.masked(nothing.text).lower()
    assert picture(tenants, answer) == picture(tenants, nothing)


def test_the_first_shop_sees_what_the_other_is_refused(app: Flask, tenants: Tenants) -> None:
    """Or else everything above would be green because nothing works."""
    asked = {"Authorization": bearer(**of(tenants.first))["Authorization"]}
    for path in ("/customers/{customer}", "/loyalty/rewards/{reward}", "/subscriptions/{field}", "/campaigns"):
        found = app.test_client().get(tenants.fill(path, nowhere=False), headers=asked)
        assert found.status_code == 200, path
        assert path.startswith("/loyalty") or WORD in found.text.lower(), path


def ask(app: Flask, tenants: Tenants, method: str, attack: Attack, nowhere: bool) -> TestResponse:
    """The other shop's request, with the first shop's things in it or with nobody's."""
    path, query = tenants.fill(attack.path, nowhere), tenants.fill(dict(attack.query), nowhere)
    sent: dict[str, Any] = {"json": tenants.fill(dict(attack.json), nowhere)} if attack.json is not None else {}
    if attack.form:
        sent["data"] = {name: sendable(value) for name, value in tenants.fill(dict(attack.form), nowhere).items()}
    headers = {"Sec-Fetch-Dest": "empty", "HX-Request": "true", **bearer()} if attack.door == "panel" else {}
    if attack.door == "shopper":
        customer = tenants.fill(attack.customer, nowhere) or tenants.own["customer"]
        query = signed(query | {"shop": DOMAIN, "logged_in_customer_id": customer})
    with app.test_client() as client:
        return client.open(f"{path}?{urlencode(query)}", method=method, headers=headers, **sent)


def sendable(value: str) -> str | tuple[io.BytesIO, str]:
    """A field of a form; what begins with "file:" goes as a file."""
    return (io.BytesIO(value.removeprefix("file:").encode()), "a.csv") if value.startswith("file:") else value


def words_of(answer: TestResponse) -> str:
    """What an answer says; of a zip, what its members say."""
    if answer.mimetype != "application/zip":
        return answer.text
    with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
        return "".join(archive.read(name).decode() for name in archive.namelist())


def signed(query: Mapping[str, str]) -> dict[str, str]:
    """The query as the platform's proxy would pass it on."""
    whole = {**query, "path_prefix": "/apps/regulars", "timestamp": str(int(clock.machine_now().timestamp()))}
    text = "".join(f"{name}={value}" for name, value in sorted(whole.items()))
    return whole | {"signature": hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()}


def picture(tenants: Tenants, answer: TestResponse) -> tuple[int, list[tuple[str, str]], str]:
    """All of an answer, without what the asked-for id brings into it."""
    headers = [(name, tenants.masked(value)) for name, value in answer.headers if name not in ITS_OWN_HEADERS]
    return answer.status_code, headers, tenants.masked(answer.text)


def of(shop: Shop) -> dict[str, str]:
    """The claims of a staff member of a shop."""
    return {"iss": f"https://{shop.domain}/admin", "dest": f"https://{shop.domain}"}
