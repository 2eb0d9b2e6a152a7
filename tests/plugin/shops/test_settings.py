"""Settings of a shop and the log of who changed them."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin.db import engine as db
from plugin.errors import Invalid, NotFound
from plugin.shops import operations, queries
from plugin.shops.models import AuditEntry, Shop


def test_changes_are_merged_and_logged(session: Session, shop: Shop) -> None:
    operations.change_settings(session, shop, "staff:7", {"sender_name": "Vector", "postal_address": "Hof 1, Berlin"})
    now = operations.change_settings(session, shop, "staff:7", {"sender_name": "Vector Roasters"})
    assert now == {"sender_name": "Vector Roasters", "postal_address": "Hof 1, Berlin"}
    assert queries.shop(session).settings == now
    entry = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert (entry.actor, entry.action, entry.object) == ("staff:7", "settings.change", "shop")
    assert (entry.before, entry.after) == ({"sender_name": "Vector"}, {"sender_name": "Vector Roasters"})


def test_saving_the_same_again_changes_and_logs_nothing(session: Session, shop: Shop) -> None:
    operations.change_settings(session, shop, "staff:7", {"sender_name": "Vector"})
    operations.change_settings(session, shop, "staff:7", {"sender_name": "Vector"})
    assert len(session.scalars(select(AuditEntry)).all()) == 1


def test_a_text_that_is_too_long_is_refused_at_its_field(session: Session, shop: Shop) -> None:
    with pytest.raises(Invalid) as refused:
        operations.change_settings(session, shop, "staff:7", {"postal_address": "x" * 2001})
    assert refused.value.field == "postal_address"


def test_the_log_of_one_shop_is_not_shown_to_another(shop: Shop, other_shop: Shop) -> None:
    with db.transaction(shop.id) as session:
        operations.audit(session, shop, "staff:7", "program.publish", "program:1")
    with db.transaction(other_shop.id) as session:
        assert session.scalars(select(AuditEntry)).all() == []


def test_a_row_that_left_its_session_is_kept_and_never_written_back(shop: Shop) -> None:
    with db.transaction(shop.id) as session:
        found = queries.shop(session)
        found.name = "changed in memory"
    assert found.domain == shop.domain
    assert queries.by_id(shop.id).name == shop.name


def test_a_shop_that_does_not_exist_is_not_found(shop: Shop) -> None:
    assert queries.by_domain("nobody.myshopify.com") is None
    assert queries.by_domain(shop.domain.upper()).id == shop.id
    with pytest.raises(NotFound):
        queries.by_id(10**12)
