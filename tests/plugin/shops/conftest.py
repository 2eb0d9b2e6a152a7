from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from plugin.shops import installing, remote, tokens
from plugin.shops.models import Shop
from tests.fake_store import FakeStore, fake_store, grant


@pytest.fixture
def store(services: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeStore]:
    with fake_store(monkeypatch) as store:
        yield store


@pytest.fixture
def with_tokens(shop: Shop, other_shop: Shop, store: FakeStore) -> Shop:
    """The shop with pair number 1, which lasts an hour; the other one has a pair of its own."""
    give_tokens(shop.id, 1)
    give_tokens(other_shop.id, 900)
    return shop


@pytest.fixture
def no_hooks(database: Engine) -> Iterator[None]:
    yield
    installing.use([])


def give_tokens(shop_id: int, number: int, **changes: object) -> None:
    """Store pair `number` as if the store had just given it."""
    said = grant(number, **changes)
    lives = said["expires_in"], said["refresh_token_expires_in"]
    pair = remote.Grant(said["access_token"], lives[0], said["refresh_token"], lives[1], ("read_customers",))
    assert tokens.store(shop_id, tokens.read(shop_id).serial, pair)
