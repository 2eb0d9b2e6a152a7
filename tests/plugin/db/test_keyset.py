"""Pages by key: nothing is missed, nothing repeats, in both directions."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from plugin.commerce.models import Customer
from plugin.db import keyset
from plugin.errors import NotFound
from plugin.shops.models import Shop

ROWS = 23


@pytest.fixture
def customers(session: Session, shop: Shop) -> list[tuple[int, int]]:
    """Rows of which many share the value they are sorted by."""
    rows = [(number, number * 7 % 4) for number in range(1, ROWS + 1)]
    session.execute(insert(Customer), [{"shop_id": shop.id, "id": id, "spent_minor": spent} for id, spent in rows])
    return rows


def page(session: Session, shop: Shop, descending: bool, size: int, **place: keyset.Key | None) -> keyset.Page:
    order = keyset.Order(Customer.spent_minor, Customer.id, descending)
    return keyset.page(session, select(Customer).where(Customer.shop_id == shop.id), order, size=size, **place)


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("size", [1, 4, 22, 23, 24])
def test_walking_there_and_back_sees_every_row_once(
    session: Session, shop: Shop, customers: list[tuple[int, int]], descending: bool, size: int
) -> None:
    wanted = [id for id, _ in sorted(customers, key=lambda row: (row[1], row[0]), reverse=descending)]
    there = [page(session, shop, descending, size)]
    while there[-1].last:
        there.append(page(session, shop, descending, size, after=there[-1].last))
    assert [row[0].id for one in there for row in one.rows] == wanted
    assert there[0].first is None
    back = [there[-1]]
    while back[0].first:
        back.insert(0, page(session, shop, descending, size, before=back[0].first))
    assert [row[0].id for one in back for row in one.rows] == wanted


def test_an_empty_list_has_no_edges(session: Session, shop: Shop) -> None:
    found = page(session, shop, True, 5)
    assert (found.rows, found.first, found.last) == ([], None, None)


@pytest.mark.parametrize("key", [("1", 2), (1, None), (1, 2**63), (True, 1), (1.5, 1)])
def test_a_key_of_another_kind_is_refused(session: Session, shop: Shop, key: keyset.Key) -> None:
    with pytest.raises(NotFound):
        page(session, shop, True, 5, after=key)
