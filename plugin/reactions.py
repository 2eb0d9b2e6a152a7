"""The causal map, inwards: what the store changed → who reacts.

Called once a batch, in the batch's own transaction, after the mirror is up to date. Each feature asks "what should be
true now?" and writes the difference, so duplicates, gaps and disorder do no harm. Loyalty comes last: it locks point
accounts, and nothing may be locked after them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from plugin.campaigns import merging as cart_merges
from plugin.campaigns import operations as campaigns
from plugin.commerce import merges
from plugin.loyalty import operations as loyalty
from plugin.loyalty import shelves
from plugin.loyalty.acting import following as actions
from plugin.loyalty.acting import merging as action_merges
from plugin.loyalty.referring import following as referrals
from plugin.loyalty.referring import merging as referral_merges
from plugin.messages import merging as mail_merges
from plugin.messages import operations as messages
from plugin.shops.models import Shop
from plugin.subscriptions import merging as wish_merges
from plugin.subscriptions import operations as subscriptions


@dataclass
class Changes:
    """Ids of what a batch changed, by kind; checkouts by token."""

    customers: set[int] = field(default_factory=set)
    merged: set[int] = field(default_factory=set)  # customers who are somebody else now
    consents: set[int] = field(default_factory=set)  # customers whose e-mail consent changed
    orders: set[int] = field(default_factory=set)  # also those whose lines or refunds changed
    later: set[int] = field(default_factory=set)  # of them, those of an import, which is settled when it ends
    checkouts: set[str] = field(default_factory=set)
    products: set[int] = field(default_factory=set)


def react(session: Session, shop: Shop, changes: Changes) -> None:
    """Everything that follows from `changes`."""
    _follow_merges(session, shop, changes)
    messages.follow_consent(session, shop, changes.consents)
    campaigns.follow_checkouts(session, shop, changes.checkouts)
    campaigns.stop_for_orders(session, shop, changes.orders)
    subscriptions.announce_products(session, shop, changes.products)
    actions.follow_customers(session, shop, changes.customers | changes.consents)
    shelves.follow_products(session, shop, changes.products)
    referrals.follow_referrals(session, shop, changes.orders)
    loyalty.use_codes(session, shop, changes.orders)
    loyalty.follow_merges(session, shop, changes.merged, changes.orders)
    loyalty.settle_orders(session, shop, changes.orders - changes.later)
    loyalty.follow_tiers_of_merges(session, shop, changes.merged)


def _follow_merges(session: Session, shop: Shop, changes: Changes) -> None:
    """What merged customers had goes over; again when the one who is kept changes, whose address it goes to."""
    touched = changes.customers | changes.consents
    merged = changes.merged | merges.formers(session, shop.id, touched)
    if merged:
        cart_merges.follow_merges(session, shop, merged)
        wish_merges.follow_merges(session, shop, merged)
        mail_merges.follow_merges(session, shop, merged)
        referral_merges.follow_merges(session, shop, merged)
        action_merges.follow_merges(session, shop, merged)
