"""A small shop to look at: customers, orders, points, wishes and carts, made through the product's own operations."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from plugin import clock
from plugin.commerce.models import Checkout, Customer, CustomerTerm, Order, OrderLine, Product, Variant
from plugin.commerce.terms import customer_terms, sort_name
from plugin.loyalty import operations as loyalty
from plugin.loyalty import queries
from plugin.loyalty.programs import ProgramDraft, TierDraft
from plugin.loyalty.referring import links
from plugin.loyalty.referring.models import Referral
from plugin.loyalty.rewards import RewardDraft
from plugin.shops.models import Shop

BEANS = ProgramDraft(
    name="Bean club",
    points_one="bean",
    points_many="beans",
    earn_points=3,
    earn_per_minor=100,
    tiers=(TierDraft("Regular", 10_000, 5, 4), TierDraft("Insider", 30_000, 3, 2)),
)
LAUNCH = datetime.fromisoformat("2000-01-01T00:00:00+00:00")


def customer(session: Session, shop: Shop, id: int, first: str, last: str, **columns: Any) -> Customer:
    """A known customer with the terms search needs."""
    email = columns.pop("email", f"{id}@example.com")
    row = Customer(
        shop_id=shop.id,
        id=id,
        first_name=first,
        last_name=last,
        email=email,
        sort_name=sort_name(first, last, email),
        created_at=clock.now(session) - timedelta(days=400),
        version=b"",
        tags_version=b"",
        email_consent_version=b"",
        sms_consent_version=b"",
        totals_version=b"",
        **{"email_consent": "subscribed", "spent_currency": shop.currency, **columns},
    )
    session.add(row)
    session.flush()
    terms = [{"shop_id": shop.id, "term": term, "customer_id": id} for term in customer_terms(first, last, email, None)]
    session.execute(insert(CustomerTerm), terms)
    return row


def order(session: Session, shop: Shop, id: int, customer_id: int | None, total_minor: int, **columns: Any) -> Order:
    """A paid order of one line, three days ago unless said otherwise."""
    moment = columns.pop("processed_at", clock.now(session) - timedelta(days=3))
    row = Order(
        shop_id=shop.id,
        id=id,
        name=f"#{id}",
        customer_id=customer_id,
        financial_status="paid",
        currency=shop.currency,
        subtotal_minor=total_minor,
        total_minor=total_minor,
        current_subtotal_minor=total_minor,
        current_total_minor=total_minor,
        processed_at=moment,
        created_at=moment,
        version=b"",
        **columns,
    )
    session.add(row)
    session.flush()
    line = {"order_id": id, "id": id, "position": 1, "title": "Filter coffee", "quantity": 1, "current_quantity": 1}
    prices = {"price_minor": total_minor, "discount_minor": 0, "tax_minor": 0}
    session.execute(insert(OrderLine).values(shop_id=shop.id, **line, **prices))
    return row


def product(session: Session, shop: Shop, id: int, title: str, **columns: Any) -> Product:
    """A product on sale with one variant."""
    row = Product(
        shop_id=shop.id,
        id=id,
        title=title,
        handle=title.lower().replace(" ", "-"),
        version=b"",
        **{"status": "active", "product_type": "Filter coffee", "published_at": clock.now(session), **columns},
    )
    session.add(row)
    session.flush()
    session.add(Variant(shop_id=shop.id, product_id=id, id=id, price_minor=1490, title="250 g"))
    session.flush()
    return row


def checkout(session: Session, shop: Shop, token: str, email: str, **columns: Any) -> Checkout:
    """A checkout with one line, left now."""
    now = clock.now(session)
    row = Checkout(
        shop_id=shop.id,
        token=token,
        email=email,
        currency=shop.currency,
        total_minor=1490,
        accepts_marketing=True,
        recovery_url=f"https://{shop.domain}/checkouts/{token}/recover?key=secret",
        lines=[{"title": "Filter coffee", "variant": None, "quantity": 1, "price_minor": 1490, "product_id": None}],
        version=b"",
        **{"created_at": now, "updated_at": now, **columns},
    )
    session.add(row)
    session.flush()
    return row


def launch(session: Session, shop: Shop, draft: ProgramDraft = BEANS, reward: str = "5 off") -> None:
    """A programme that counts past orders, and a reward; orders that are there are settled."""
    loyalty.save_program(session, shop, "staff:1", draft, LAUNCH)
    loyalty.add_reward(session, shop, "staff:1", RewardDraft(reward, 250, 500))
    while loyalty.catch_up(session, shop):
        pass


def referral(session: Session, shop: Shop, advocate_id: int, email: str, **columns: Any) -> Referral:
    """Somebody took up the customer's invitation an hour ago."""
    link = links.link_of(session, shop, advocate_id)
    program = queries.latest_program(session, shop)
    assert link is not None and program is not None
    moment = clock.now(session) - timedelta(hours=1)
    values = {"code": f"FRIEND-{advocate_id}-{email.upper()}", "code_ends_at": moment + timedelta(days=30)}
    row = Referral(
        shop_id=shop.id,
        link_code=link.code,
        advocate_id=advocate_id,
        program_id=program.id,
        email=email,
        mailbox=email,
        claimed_at=moment,
        **{"reason": "waiting_for_order", **values, **columns},
    )
    session.add(row)
    session.flush()
    return row
