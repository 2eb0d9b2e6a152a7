"""Carts of two people who are one: none begins again, and one person is written to about one cart."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from plugin import clock
from plugin.campaigns import operations as campaigns
from plugin.campaigns import waking
from plugin.campaigns.models import Decision, Enrollment
from plugin.shops.models import Shop
from tests.plugin.merged import KEPT, OLD, merge
from tests.plugin.people import cart, customer, order

ANN, ANNA = "ann@example.com", "anna@example.com"


def two_carts(session: Session, shop: Shop) -> None:
    customer(session, shop, OLD, ANN)
    customer(session, shop, KEPT, ANNA)
    automation = campaigns.ensure_default(session, shop)
    campaigns.turn_on(session, shop, automation.id)
    cart(session, shop, "old", ANN, customer_id=OLD, accepts_marketing=True)
    cart(session, shop, "kept", ANNA, customer_id=KEPT, accepts_marketing=True)
    campaigns.follow_checkouts(session, shop, {"old", "kept"})


def carts(session: Session) -> dict[str | None, tuple[int | None, str, str | None]]:
    rows = session.scalars(select(Enrollment).execution_options(populate_existing=True))
    return {row.checkout_token: (row.customer_id, row.state, row.stop_reason) for row in rows}


def test_carts_go_over_and_are_not_let_in_again(session: Session, shop: Shop) -> None:
    two_carts(session, shop)
    merge(session, shop)
    campaigns.follow_checkouts(session, shop, {"old", "kept"})
    assert carts(session) == {"old": (KEPT, "waiting", None), "kept": (KEPT, "waiting", None)}


def test_one_person_is_written_to_about_the_newer_cart_only(session: Session, shop: Shop) -> None:
    two_carts(session, shop)
    merge(session, shop)
    session.info["now"] = max(row.wake_at for row in session.scalars(select(Enrollment)) if row.wake_at)
    waking.wake(session, shop)
    states = carts(session)
    assert [states[token][1:] for token in ("old", "kept")].count(("stopped", "superseded")) == 1
    assert {d.customer_id for d in session.scalars(select(Decision))} == {KEPT}


def test_an_order_of_either_stops_the_carts_of_both(session: Session, shop: Shop) -> None:
    two_carts(session, shop)
    merge(session, shop)
    order(session, shop, 1, customer_id=KEPT, processed_at=clock.now(session))
    campaigns.stop_for_orders(session, shop, {1})
    assert {state[1:] for state in carts(session).values()} == {("stopped", "ordered")}
