"""What follows when the store has made what was bought, or will not: it is issued and mailed, or returned."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from plugin.commerce.models import Customer
from plugin.effects import operations as effects
from plugin.loyalty import queries, returning
from plugin.loyalty.merging import tell_owner
from plugin.loyalty.models import Redemption
from plugin.loyalty.redeeming import KIND_OF_EFFECT, issue
from plugin.messages import operations as messages
from plugin.shops.models import Shop


def code_made(session: Session, shop: Shop, payload: dict[str, Any], result: dict[str, Any]) -> None:
    """The redemption is issued and its code mailed; a service mail, asked for by the click."""
    redemption = issue(session, shop, payload["redemption_id"], result["discount_gid"])
    if redemption is None:
        returning.made_meanwhile(session, shop, payload["redemption_id"], result["discount_gid"])
        return
    if redemption.customer_id != payload["customer_id"]:
        tell_owner(session, shop, redemption)
    if redemption.kind != "store_credit":  # the store tells of credit by itself
        _mail(session, shop, redemption, payload["title"])


def code_ended(session: Session, shop: Shop, payload: dict[str, Any], result: dict[str, Any]) -> None:
    """Nothing follows: the points went back before."""


def owner_told(session: Session, shop: Shop, payload: dict[str, Any], result: dict[str, Any]) -> None:
    """Nothing follows: the redemption changed hands before."""


def code_refused(session: Session, shop: Shop, payload: dict[str, Any], error: Exception) -> None:
    """The store will not make it: the points go back. For a customer merged meanwhile it is asked for again."""
    redemption = queries.redemption(session, shop, payload["redemption_id"])
    if redemption.state == "reserved" and redemption.customer_id != payload["customer_id"]:
        kept = payload | {"customer_id": redemption.customer_id}
        effects.record(session, shop.id, KIND_OF_EFFECT[redemption.kind], str(redemption.id), kept, again=True)
        return
    if redemption.state in ("reserved", "ending"):
        returning.return_redemption(session, shop, redemption.id, "system", "code_refused")


def _mail(session: Session, shop: Shop, redemption: Redemption, title: str) -> None:
    customer = session.get(Customer, (shop.id, redemption.customer_id))
    if customer is None or not customer.email:
        return
    messages.queue(
        session,
        shop,
        kind="reward",
        key=f"reward:{redemption.id}",
        marketing=False,
        email=customer.email,
        customer_id=customer.id,
        template="reward",
        context=_context(shop, redemption, title),
        subject_kind="redemption",
        subject_id=redemption.id,
        locale=customer.locale or shop.locale,
    )


def _context(shop: Shop, redemption: Redemption, title: str) -> dict[str, Any]:
    return {
        "reward_title": title,
        "code": redemption.code,
        "points": redemption.points,
        "value_minor": redemption.value_minor,
        "minimum_minor": redemption.minimum_minor or None,
        "currency": redemption.currency,
        "expires_at": redemption.expires_at.isoformat(),
        "url": apply_url(shop, redemption),
    }


def apply_url(shop: Shop, redemption: Redemption, redirect: str = "/cart") -> str:
    """The link that puts the code on the visitor's cart; a gift card is typed in at the checkout."""
    if redemption.kind == "gift_card":
        return shop.storefront_url
    return f"{shop.storefront_url}/discount/{redemption.code}?redirect={redirect}"
