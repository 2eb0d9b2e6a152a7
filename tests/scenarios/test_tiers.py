"""A shopper climbs and falls, and the store carries it: tag and metafield, and nothing of ours once switched off."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from plugin import clock
from plugin.db import engine as db
from plugin.loyalty import operations as loyalty
from plugin.loyalty.document import Document
from plugin.loyalty.programs import ProgramDraft, TierDraft
from plugin.loyalty.tiers.terms import Ladder
from plugin.shops import queries as shops
from plugin.shops.models import Shop
from tests.sandbox import Store, store  # noqa: F401

RULES = ProgramDraft(
    "Bean club", "bean", "beans", 3, 100, return_days=14, tier_days=30, tiers=(TierDraft("Regular", 10_00),)
)  # fmt: skip
CARRIED = Document(tiers=Ladder(tag_prefix="club: ", metafield=True))


def save(draft: ProgramDraft, shop: Shop) -> None:
    with db.transaction(shop.id) as session:
        loyalty.save_program(session, shops.shop(session), "staff:1", draft, clock.now(session) - timedelta(days=1))


def tags(store: Store, customer_id: int) -> list[str]:  # noqa: F811
    found = store.rows("SELECT tags FROM customers WHERE id = :id", id=customer_id)[0]["tags"]
    return [tag for tag in found if tag.startswith("club:")]


def test_the_store_carries_a_tier_as_long_as_it_holds(store: Store) -> None:  # noqa: F811
    store.install()
    shop = shops.by_domain(store.shop)
    assert shop is not None
    save(replace(RULES, document=CARRIED), shop)
    variant = store.rows("SELECT id FROM variants ORDER BY price_minor DESC LIMIT 1")[0]["id"]
    nobody = "SELECT id FROM customers WHERE known AND id NOT IN (SELECT customer_id FROM orders WHERE customer_id > 0"
    person = store.rows(f"{nobody} AND processed_at > now() - interval '60 days') ORDER BY id LIMIT 1")[0]["id"]
    store.settle()
    assert tags(store, person) == []
    store.place_order(person, variant, quantity=2)
    store.settle()
    assert tags(store, person) == ["club: Regular"]  # as the store's own news told us
    marks = store.rows("SELECT tag, field FROM tier_marks WHERE customer_id = :id", id=person)
    assert marks == [{"tag": "club: Regular", "field": "Regular"}]
    store.advance(days=32)
    assert tags(store, person) == []
    store.place_order(person, variant, quantity=2)
    store.settle()
    assert tags(store, person) == ["club: Regular"]
    save(RULES, shop)
    store.settle()
    assert tags(store, person) == []
    assert store.rows("SELECT count(*) FROM tier_marks WHERE tag IS NOT NULL OR field IS NOT NULL")[0]["count"] == 0
    moves = store.rows("SELECT to_name FROM tier_changes WHERE customer_id = :id ORDER BY id", id=person)
    assert [row["to_name"] for row in moves] == ["Regular", None, "Regular"]
    assert store.rows("SELECT count(*) FROM outbox WHERE kind = 'tier_mark' AND state <> 'done'")[0]["count"] == 0
