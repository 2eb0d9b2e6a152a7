"""The tier in the store: a tag with the merchant's prefix and a metafield, kept in step by one effect a customer.

An effect carries the whole state, and a newer one takes its place. What a customer carries is known from the last
answer (`tier_marks`), so a store is told only what changes, and all is taken off again when the merchant switches off.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from plugin import clock
from plugin.commerce import merges
from plugin.commerce.models import Customer
from plugin.effects import operations as effects
from plugin.loyalty import queries
from plugin.loyalty.models import PointAccount
from plugin.loyalty.tiers.models import TierMark
from plugin.loyalty.tiers.terms import PLAIN, Ladder
from plugin.shops.models import Shop

KIND = "tier_mark"
LONGEST_TAG = 255


def mark(session: Session, shop: Shop, customer_ids: Collection[int]) -> None:
    """Ask the store for whatever these customers do not carry as they should; merged ones count as who is kept."""
    kept = merges.kept(session, shop.id, customer_ids)
    wanted = _wanted(session, shop, {kept.get(each, each) for each in customer_ids})
    if wanted:
        keys = {str(payload["customer_id"]): payload for payload in wanted}
        effects.record_all(session, shop.id, KIND, keys, again=True, patient=True)
        for key, payload in keys.items():
            effects.rewrite(session, shop.id, KIND, [key], payload)


def marked(session: Session, shop: Shop, payload: dict[str, Any], result: dict[str, Any]) -> None:
    """Remember what the store has; and ask anew when something else is wanted by now."""
    customer_id = payload["customer_id"]
    formers = merges.formers(session, shop.id, [customer_id])
    of_formers = TierMark.shop_id == shop.id, TierMark.customer_id.in_(formers)
    session.execute(delete(TierMark).where(*of_formers, TierMark.tag.in_([*payload["remove"], payload["tag"]])))
    said = {"tag": payload["tag"], "field": payload["field"], "written_at": clock.now(session)}
    there = insert(TierMark).values(shop_id=shop.id, customer_id=customer_id, **said)
    session.execute(there.on_conflict_do_update(index_elements=["shop_id", "customer_id"], set_=said))
    mark(session, shop, [customer_id])


def is_used(session: Session, shop: Shop, ladder: Ladder) -> bool:
    """Whether the store carries anything of ours, or is to."""
    carried = select(TierMark.customer_id).where(TierMark.shop_id == shop.id).limit(1)
    return bool(ladder.tag_prefix or ladder.metafield) or session.scalar(carried) is not None


def _wanted(session: Session, shop: Shop, customer_ids: Collection[int]) -> list[dict[str, Any]]:
    program = queries.program(session, shop, clock.now(session))
    ladder = program.document.tiers if program else PLAIN
    names = {tier.id: tier.name for tier in program.tiers} if program else {}
    held = _held(session, shop, customer_ids)
    carried = _carried(session, shop, customer_ids)
    found = []
    for customer_id in sorted(held.keys() | carried.keys()):
        name = names.get(held.get(customer_id) or 0)
        tag, field = _tag(ladder, name), name if ladder.metafield else None
        marks = carried.get(customer_id, [])
        own = next((each for each in marks if each.customer_id == customer_id), None)
        stale = sorted({each.tag for each in marks if each.tag and each.tag != tag})
        if stale or (tag, field) != ((own.tag, own.field) if own else (None, None)):
            was = own.field if own else None
            found.append({"customer_id": customer_id, "tag": tag, "remove": stale, "field": field, "field_was": was})
    return found


def _held(session: Session, shop: Shop, customer_ids: Collection[int]) -> dict[int, int | None]:
    """The tier's id by customer; only customers whom the store still has."""
    there = (Customer.shop_id == PointAccount.shop_id) & (Customer.id == PointAccount.customer_id)
    held = select(PointAccount.customer_id, PointAccount.tier_id).join(Customer, there)
    mine = PointAccount.shop_id == shop.id, PointAccount.customer_id.in_(customer_ids)
    return dict(iter(session.execute(held.where(*mine, Customer.known, Customer.deleted_at.is_(None)))))


def _carried(session: Session, shop: Shop, customer_ids: Collection[int]) -> dict[int, list[TierMark]]:
    """Marks by the customer who carries them: merged customers' tags went over to who is kept."""
    formers = merges.formers(session, shop.id, customer_ids)
    owner = merges.kept(session, shop.id, formers)
    ids = [*customer_ids, *formers]
    carried: dict[int, list[TierMark]] = {}
    for each in session.scalars(select(TierMark).where(TierMark.shop_id == shop.id, TierMark.customer_id.in_(ids))):
        carried.setdefault(owner.get(each.customer_id, each.customer_id), []).append(each)
    return carried


def _tag(ladder: Ladder, name: str | None) -> str | None:
    if not ladder.tag_prefix or name is None:
        return None
    return f"{ladder.tag_prefix}{name}".replace(",", " ").strip()[:LONGEST_TAG]
