"""Requests about personal data: recorded once, with their due day, and only of the shop they came from."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as some
from sqlalchemy import text
from sqlalchemy.orm import Session

from plugin.config import config
from plugin.crypto import secrets
from plugin.db import engine as db
from plugin.errors import Invalid
from plugin.privacy import keys, operations, queries
from plugin.privacy.models import PrivacyRequest
from plugin.privacy.payloads import KINDS, Subject, subject_of
from plugin.shops.models import Shop
from tests.conftest import forget_settings

CAME = datetime(2026, 3, 1, 12, tzinfo=UTC)
ASKED = {
    "shop_id": 548380009,
    "shop_domain": "vec-shop.myshopify.com",
    "customer": {"id": 191167, "email": "ada@example.com", "phone": "+49301234567"},
    "orders_requested": [299938, 280263],
    "data_request": {"id": 9999},
}
REDACT = {"shop_id": 548380009, "customer": {"id": 191167, "email": None}, "orders_to_redact": [299938]}


def recorded(session: Session, shop: Shop, kind: str, body: dict, came: datetime = CAME) -> None:
    operations.record_request(session, shop, kind, body, came)


def everything(session: Session, shop: Shop) -> list[PrivacyRequest]:
    return [row[0] for row in queries.page(session, shop).rows]


def test_a_request_is_due_thirty_days_after_it_came(session: Session, shop: Shop) -> None:
    recorded(session, shop, "customers/data_request", ASKED)
    [request] = queries.open_requests(session, shop.id)
    assert (request.customer_id, request.order_ids) == (191167, [280263, 299938])
    assert request.due_at == CAME + timedelta(days=30)
    assert json.loads(secrets.decrypt(shop.id, request.contact))["email"] == "ada@example.com"
    assert b"ada@example.com" not in request.contact and "ada" not in request.key


def test_the_same_request_again_changes_nothing(session: Session, shop: Shop) -> None:
    for kind, body in (("customers/data_request", ASKED), ("customers/redact", REDACT), ("shop/redact", {})):
        for day in (0, 3):
            recorded(session, shop, kind, body, CAME + timedelta(days=day))
    assert [request.due_at for request in everything(session, shop)] == [CAME + timedelta(days=30)] * 3


def test_a_completed_request_that_comes_again_later_opens_anew(session: Session, shop: Shop) -> None:
    recorded(session, shop, "customers/redact", REDACT)
    completed = "UPDATE privacy_requests SET state = 'done', completed_at = :moment"
    session.execute(text(completed), {"moment": CAME + timedelta(days=1)})
    recorded(session, shop, "customers/redact", REDACT)  # a late duplicate of what is done
    assert queries.open_requests(session, shop.id) == []
    recorded(session, shop, "customers/redact", REDACT, CAME + timedelta(days=90))
    assert [request.due_at for request in queries.open_requests(session, shop.id)] == [CAME + timedelta(days=120)]


def test_somebody_without_an_account_is_known_by_address_alone(session: Session, shop: Shop) -> None:
    for email in ("guest@example.com", "guest@example.com", "other@example.com"):
        recorded(session, shop, "customers/redact", {"customer": {"email": email}, "orders_to_redact": []})
    found = everything(session, shop)
    assert len(found) == 2 and all(request.customer_id is None and request.contact for request in found)
    assert not any("example.com" in request.key for request in found)


@pytest.mark.parametrize("kind", ["customers/data_request", "customers/redact"])
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"customer": None},
        {"customer": []},
        {"customer": {"id": 0}},
        {"customer": {"id": 2**63}},
        {"customer": {"id": True}},
        {"customer": {"id": 1}, "orders_to_redact": "all"},
    ],
)
def test_a_body_that_names_nobody_is_refused(session: Session, shop: Shop, kind: str, body: dict) -> None:
    with pytest.raises(Invalid):
        recorded(session, shop, kind, body)


def test_ids_may_come_as_strings() -> None:
    assert subject_of("customers/redact", {"customer": {"id": "191167"}}) == Subject(customer_id=191167)


def test_a_kind_that_is_none_is_refused(session: Session, shop: Shop) -> None:
    with pytest.raises(Invalid, match="orders/create"):
        recorded(session, shop, "orders/create", ASKED)


ANYTHING = some.recursive(
    some.none() | some.booleans() | some.integers() | some.text(max_size=9),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=5), inner, max_size=3),
    max_leaves=9,
)


@given(
    some.sampled_from(KINDS),
    some.fixed_dictionaries({}, optional=dict.fromkeys(("customer", "orders_to_redact", "data_request"), ANYTHING)),
)
def test_no_body_whatsoever_raises_anything_else(kind: str, body: dict) -> None:
    with suppress(Invalid):
        subject_of(kind, body)


def test_another_shop_sees_none_of_it(shop: Shop, other_shop: Shop) -> None:
    with db.transaction(shop.id) as session:
        recorded(session, shop, "customers/data_request", ASKED)
    with db.transaction(other_shop.id) as session:
        assert everything(session, other_shop) == [] and everything(session, shop) == []


def test_contacts_follow_the_keys(shop: Shop, other_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    for of in (shop, other_shop):
        with db.transaction(of.id) as session:
            recorded(session, of, "customers/data_request", ASKED)
    new = Fernet.generate_key().decode()
    monkeypatch.setenv("ENCRYPTION_KEYS", f"{new},{config().encryption_keys[0]}")
    forget_settings()
    assert keys.rotate_keys() == 2
    monkeypatch.setenv("ENCRYPTION_KEYS", new)
    forget_settings()
    with db.transaction(shop.id) as session:
        [request] = everything(session, shop)
        assert "ada@example.com" in secrets.decrypt(shop.id, request.contact)
    monkeypatch.undo()
    forget_settings()
