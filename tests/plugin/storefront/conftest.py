"""The storefront's door alone, over real PostgreSQL, and shoppers whose requests the platform signs."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_babel import Babel
from redis import Redis
from werkzeug.test import TestResponse

from plugin import clock
from plugin.config import config
from plugin.db import engine as db
from plugin.effects import performing
from plugin.loyalty import issuing
from plugin.loyalty import operations as loyalty
from plugin.shops import queries as shops
from plugin.shops.models import Shop
from plugin.storefront.views import storefront
from tests.conftest import DOMAIN, SECRET
from tests.plugin.loyalty.ledgers import customer, program, reward

Query = list[tuple[str, str]]


def signature(query: Query, secret: str = SECRET) -> str:
    """As the platform documents it, written apart from the product's own code."""
    joined: dict[str, list[str]] = {}
    for name, value in query:
        joined.setdefault(name, []).append(value)
    text = "".join(f"{name}={','.join(values)}" for name, values in sorted(joined.items()))
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


class Shopper:
    """Somebody on the store's pages: `customer_id` None is nobody signed in."""

    def __init__(self, client: FlaskClient, customer_id: int | None = None, domain: str = DOMAIN) -> None:
        self.client = client
        self.customer_id = customer_id
        self.domain = domain

    def query(self, **more: str) -> Query:
        signed = {
            "shop": self.domain,
            "logged_in_customer_id": str(self.customer_id or ""),
            "path_prefix": "/apps/regulars",
            "timestamp": str(int(clock.machine_now().timestamp())),
        }
        return list((signed | more).items())

    def address(self, path: str, query: Query | None = None) -> str:
        asked = query or self.query()
        return f"/proxy{path}?{urlencode([*asked, ('signature', signature(asked))])}"

    def get(self, path: str, accept: str = "application/json", **more: str) -> TestResponse:
        return self.client.get(self.address(path, self.query(**more)), headers={"Accept": accept})

    def post(self, path: str, form: Mapping[str, Any], accept: str = "application/json") -> TestResponse:
        return self.client.post(self.address(path), data=form, headers={"Accept": accept})

    def redeem(self, reward: int, key: str = "click-0001", **more: Any) -> TestResponse:
        token = self.get("/loyalty").get_json()["token"]
        return self.post("/loyalty/redeem", {"reward_id": reward, "request_key": key, "token": token} | more)


@pytest.fixture(autouse=True)
def fresh_minute(services: None) -> None:
    """Nobody has used up a limit yet."""
    Redis.from_url(config().redis_url).flushdb()


@pytest.fixture
def client(shop: Shop) -> FlaskClient:
    app = Flask("storefront", static_folder=None)
    app.testing = True
    Babel(app)
    app.register_blueprint(storefront)
    return app.test_client()


@pytest.fixture
def alice(client: FlaskClient) -> Shopper:
    """Signed in, with 200 points."""
    return Shopper(client, 7)


@pytest.fixture
def nobody(client: FlaskClient) -> Shopper:
    return Shopper(client)


@pytest.fixture
def store_makes_codes() -> Iterator[None]:
    """The other side of the effect: every code is made at once."""
    made = {"discount_gid": "gid://shopify/DiscountCodeNode/1"}
    made_at_once = performing.Performer(lambda shop, payload: made, issuing.code_made)
    performing.use({"discount_code": made_at_once}, shops.shop)
    yield
    performing.use({}, shops.shop)


@pytest.fixture
def reward_id(shop: Shop) -> int:
    """A program, a reward of 100 points, and a customer (7) who has 200."""
    return furnish(shop)


def furnish(shop: Shop, points: int = 200) -> int:
    with db.transaction(shop.id) as session:
        program(session, shop)
        customer(session, shop, 7)
        loyalty.adjust(session, shop, 7, points, "welcome", "staff:1", "start")
        return reward(session, shop, 100).id
