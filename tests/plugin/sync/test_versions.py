"""Versions order what was told; with them any order and number of deliveries gives the same tables."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from plugin.shops.models import Shop
from plugin.sync import versions
from plugin.sync.apply import apply
from plugin.sync.batch import Batch, Source
from plugin.sync.reading import decode
from tests import payloads
from tests.plugin.sync.deliveries import MIRROR

moments = st.none() | st.datetimes(timezones=st.just(UTC))
digests = st.binary(min_size=32, max_size=32)
tellings = st.tuples(moments, moments, digests)
EARLIEST = datetime.min.replace(tzinfo=UTC)


@given(tellings, tellings)
def test_the_order_of_versions_is_the_order_of_what_they_are_made_of(one: Any, other: Any) -> None:
    def key(telling: Any) -> Any:
        return telling[0] or EARLIEST, telling[1] or EARLIEST, telling[2][:16]

    made = versions.version(*one), versions.version(*other)
    assert (made[0] < made[1]) == (key(one) < key(other))
    assert (made[0] == made[1]) == (key(one) == key(other))


@given(tellings, moments, digests)
def test_nothing_comes_after_a_deletion_and_everything_after_nothing(telling: Any, at: Any, digest: bytes) -> None:
    version = versions.version(*telling)
    assert versions.NEVER < version < versions.deletion(at, digest)
    assert len(version) == len(versions.deletion(at, digest)) == 32


def test_a_moment_without_a_time_zone_is_utc() -> None:
    aware = datetime(2026, 1, 1, tzinfo=UTC)
    naive = aware.replace(tzinfo=None)
    assert versions.in_utc(naive) == aware
    assert versions.version(naive, None, b"") == versions.version(aware, None, b"")


hours = st.integers(8, 20).map(payloads.at)
ids = st.integers(1, 3)
stories = st.one_of(
    st.builds(
        lambda id, at, name, tags: ("customers/update", payloads.customer(id, updated_at=at, first_name=name) | tags),
        ids,
        hours,
        st.sampled_from("AB"),
        st.sampled_from([{}, {"tags": "x"}, {"tags": "y", "orders_count": 3, "total_spent": "9.00"}]),
    ),
    st.builds(
        lambda id, who, at, lines, back: (
            "orders/updated",
            payloads.order(id, who, updated_at=at, line_items=lines, refunds=back),
        ),
        ids,
        st.none() | ids,
        hours,
        st.sampled_from([[], [payloads.line(1)], [payloads.line(1, quantity=5), payloads.line(2)]]),
        st.sampled_from([[], [payloads.refund(5)], [payloads.refund(5, quantity=2), payloads.refund(6)]]),
    ),
    st.builds(
        lambda id, order, quantity: ("refunds/create", payloads.refund(id, order, quantity)), st.just(5), ids, ids
    ),
    st.builds(
        lambda token, at, price: ("checkouts/update", payloads.checkout(token, updated_at=at, total_price=price)),
        st.sampled_from("pq"),
        hours,
        st.sampled_from(["1.00", "2.00"]),
    ),
    st.builds(lambda token: ("checkouts/delete", {"id": 9, "cart_token": f"cart-{token}"}), st.sampled_from("pq")),
    st.builds(
        lambda id, at, title: ("products/update", payloads.product(id, updated_at=at, title=title)),
        ids,
        hours,
        st.text(),
    ),
    st.builds(
        lambda topic, id: (topic, {"id": id}),
        st.sampled_from(["customers/delete", "orders/delete", "products/delete"]),
        ids,
    ),
    st.builds(
        lambda id, state, at: (
            "customers_email_marketing_consent/update",
            {"customer_id": id, "email_marketing_consent": {"state": state, "consent_updated_at": at}},
        ),
        ids,
        st.sampled_from(["subscribed", "unsubscribed"]),
        st.none() | hours,
    ),
)


def tell(session: Session, shop: Shop, story: list[tuple[str, Any, datetime]]) -> None:
    batch = Batch(shop.id)
    for topic, body, at in story:
        data = msgspec.json.encode(body)
        reader, told = decode(topic, data, shop)
        assert reader.tell is not None
        reader.tell(batch, Source(shop, at, versions.digest(data), at), told)
    apply(session, shop, batch)


def tables(session: Session) -> dict[str, list[str]]:
    return {name: sorted(map(repr, session.execute(text(f"SELECT * FROM {name}")).all())) for name in MIRROR}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=st.lists(stories, min_size=1, max_size=12), seed=st.integers(0, 10**6))
def test_any_order_and_number_of_deliveries_gives_the_same_tables(
    session: Session, shop: Shop, story: list[tuple[str, Any]], seed: int
) -> None:
    start = datetime(2026, 11, 20, tzinfo=UTC)
    dated = [(topic, body, start + timedelta(minutes=number)) for number, (topic, body) in enumerate(story)]
    with session.begin_nested() as once:
        tell(session, shop, dated)
        expected = tables(session)
        once.rollback()
    chance = random.Random(seed)
    again = dated + chance.choices(dated, k=len(dated))
    chance.shuffle(again)
    with session.begin_nested() as shuffled:
        while again:
            size = chance.randint(1, 4)
            tell(session, shop, again[:size])
            del again[:size]
        assert tables(session) == expected
        shuffled.rollback()
