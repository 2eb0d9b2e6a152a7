"""Telling the store about a yes or a no."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from plugin.messages import remote
from plugin.shops.models import Shop
from tests.fake_store import FakeStore, data, fake_store
from tests.plugin.shops.conftest import give_tokens

AT = "2026-11-21T12:00:00+00:00"


@pytest.fixture
def store(services: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeStore]:
    with fake_store(monkeypatch) as store:
        yield store


@pytest.mark.parametrize(("state", "level"), [("UNSUBSCRIBED", None), ("SUBSCRIBED", "SINGLE_OPT_IN")])
def test_the_store_is_told_whose_consent_changed_and_when(
    shop: Shop, other_shop: Shop, store: FakeStore, state: str, level: str | None
) -> None:
    give_tokens(shop.id, 1)
    customer = {"id": "gid://shopify/Customer/7", "defaultEmailAddress": {"marketingState": state}}
    store.will(data(customerEmailMarketingConsentUpdate={"customer": customer, "userErrors": []}))
    payload = {"customer_id": 7, "state": state, "at": AT}
    assert remote.tell_consent(shop, payload) == {"state": state}
    asked = store.asked[-1].body["variables"]["input"]
    assert asked["customerId"] == "gid://shopify/Customer/7"
    assert asked["emailMarketingConsent"]["marketingState"] == state
    assert asked["emailMarketingConsent"]["consentUpdatedAt"] == AT
    assert asked["emailMarketingConsent"].get("marketingOptInLevel") == level
