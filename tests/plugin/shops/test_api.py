"""The door to the Admin API: a rejected token is refreshed once, then the merchant is needed."""

from __future__ import annotations

import pytest

from plugin.errors import Unauthorized
from plugin.shops import api, queries
from plugin.shops.models import Shop
from tests.fake_store import SHOP_INFO, Answer, Asked, FakeStore, data, grant


def test_the_shops_own_token_goes_along(with_tokens: Shop, other_shop: Shop, store: FakeStore) -> None:
    store.will(data(shop=SHOP_INFO))
    api.execute(with_tokens, "ShopInfo")
    api.execute(other_shop, "ShopInfo")
    api.execute(with_tokens, "ShopInfo")
    sent = [asked.headers["X-Shopify-Access-Token"] for asked in store.asked]
    assert sent == ["access-1", "access-900", "access-1"]


def test_a_rejected_token_is_refreshed_once(with_tokens: Shop, store: FakeStore) -> None:
    def play(asked: Asked) -> Answer:
        if asked.path.endswith("access_token"):
            return Answer(grant(2))
        good = asked.headers["X-Shopify-Access-Token"] == "access-2"
        return data(shop=SHOP_INFO) if good else Answer({}, status=401)

    store.will(play)
    assert api.execute(with_tokens, "ShopInfo")["shop"]["name"] == "Vector Roasters"
    assert len(store.asked) == 3


def test_a_store_that_rejects_the_new_token_too_needs_its_merchant(
    with_tokens: Shop, other_shop: Shop, store: FakeStore
) -> None:
    store.will(lambda asked: Answer(grant(2)) if asked.path.endswith("access_token") else Answer({}, status=401))
    with pytest.raises(Unauthorized):
        api.execute(with_tokens, "ShopInfo")
    assert queries.by_id(with_tokens.id).needs_reauth and not queries.by_id(other_shop.id).needs_reauth
    asked = len(store.asked)
    with pytest.raises(Unauthorized):
        api.execute(with_tokens, "ShopInfo")
    assert len(store.asked) == asked
