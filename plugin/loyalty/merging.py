"""When the store makes one person of two: points, redemptions and codes of the one go to the other.

Lots go over with their dates; entries stay where they were posted, and a pair of `transfer` entries says what went. For
an order the entries of both count as those of the kept customer (plugin/loyalty/settling.py), so it is not earned anew.
Each step asks what is still with the merged customer: done again it finds nothing.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import case, exists, func, select, text, update
from sqlalchemy.orm import Session, aliased

from plugin import clock
from plugin.commerce import merges
from plugin.effects import operations as effects
from plugin.loyalty import ledger, settling
from plugin.loyalty.lots import Book
from plugin.loyalty.models import LotUse, PointAccount, PointEntry, PointLot, Redemption
from plugin.loyalty.moving import Merge, Moved, move
from plugin.loyalty.redeeming import KIND_OF_EFFECT
from plugin.loyalty.terms import DISCOUNTS
from plugin.loyalty.tiers import following, granting
from plugin.shops import operations as shops
from plugin.shops.models import Shop

OWNER_KIND = "discount_code_owner"

_HAND_OVER = text("UPDATE point_lots SET customer_id = :into WHERE shop_id = :shop AND id = ANY (:lots)")
_FOLD = text("""
    INSERT INTO lot_uses AS u (shop_id, redemption_id, lot_id, points)
    SELECT shop_id, redemption_id, :twin, points FROM lot_uses WHERE shop_id = :shop AND lot_id = :lot
    ON CONFLICT (shop_id, redemption_id, lot_id) DO UPDATE SET points = u.points + EXCLUDED.points
""")
_FOLDED = text("DELETE FROM lot_uses WHERE shop_id = :shop AND lot_id = :lot")


_BY_HAND = text("""
    SELECT explanation->'lots' FROM point_entries
    WHERE shop_id = :shop AND customer_id = ANY (:customers) AND kind = 'adjust' AND explanation ? 'lots'
""")


def follow_merges(session: Session, shop: Shop, from_ids: Collection[int], order_ids: Collection[int]) -> None:
    """What these merged customers still have goes to who is kept. Call it before `order_ids` are settled.

    All accounts that the settling will want are locked here, because they must be locked in one go.
    """
    granting.follow_merges(session, shop, from_ids)
    kept = _with_accounts(session, shop, merges.kept(session, shop.id, from_ids))
    if not kept:
        return
    _readdress_codes(session, shop, kept)
    _lock_redemptions(session, shop, kept)
    wanted = {*kept, *kept.values(), *settling.changed_from(session, shop, order_ids)}
    books = ledger.lock(session, shop.id, wanted)
    for from_id, into_id in sorted(kept.items()):
        _follow(session, shop, books[from_id], books[into_id])


def follow_tiers_of_merges(session: Session, shop: Shop, from_ids: Collection[int]) -> None:
    """The tiers of both, after their orders are settled."""
    kept = _with_accounts(session, shop, merges.kept(session, shop.id, from_ids))
    settling.settle_orders(session, shop, granting.orders_within(session, shop, set(kept.values())))
    following.follow_tiers(session, shop, {*kept, *kept.values()})


def _with_accounts(session: Session, shop: Shop, kept: dict[int, int]) -> dict[int, int]:
    if not kept:
        return {}
    mine = PointAccount.shop_id == shop.id, PointAccount.customer_id.in_(kept)
    there = set(session.scalars(select(PointAccount.customer_id).where(*mine)))
    return {from_id: into_id for from_id, into_id in kept.items() if from_id in there}


def _readdress_codes(session: Session, shop: Shop, kept: dict[int, int]) -> None:
    """Codes that are still to be made are made for who is kept. Effects are locked before redemptions."""
    for from_id, into_id in kept.items():
        theirs = Redemption.shop_id == shop.id, Redemption.customer_id == from_id, Redemption.state == "reserved"
        keys = [str(id) for id in session.scalars(select(Redemption.id).where(*theirs))]
        for kind in sorted(set(KIND_OF_EFFECT.values())):
            effects.rewrite(session, shop.id, kind, keys, {"customer_id": into_id})


def _lock_redemptions(session: Session, shop: Shop, from_ids: Collection[int]) -> None:
    """Redemptions are locked before accounts, everywhere."""
    theirs = select(Redemption.id).where(Redemption.shop_id == shop.id, Redemption.customer_id.in_(from_ids))
    session.execute(theirs.order_by(Redemption.id).with_for_update())


def _follow(session: Session, shop: Shop, one: Book, other: Book) -> None:
    now = clock.now(session)
    _load(session, shop, one, other)
    held = {"points": one.available + one.pending, "debt": one.debt}
    before = held | {"kept_points": other.available + other.pending, "kept_debt": other.debt}
    moved = move(_merge(session, shop, one, other), one, other, _uses(session, shop, one), now)
    _write_moves(session, shop, other.customer_id, moved)
    ledger.write(session, shop.id, (one, other), now)
    one.entries, other.entries = [], []
    redemptions = _take_redemptions(session, shop, one.customer_id, other.customer_id)
    if moved.lots or redemptions or one.changed:
        after = {"into": other.customer_id, "lots": len(moved.lots), "redemptions": redemptions} | held
        shops.audit(session, shop, "store", "points.merge", f"customer:{one.customer_id}", before, after)


def _load(session: Session, shop: Shop, one: Book, other: Book) -> None:
    theirs = PointLot.shop_id == shop.id, PointLot.customer_id == one.customer_id, PointLot.granted > 0
    lots = session.execute(select(PointLot.id, PointLot.order_id).where(*theirs)).all()
    books = {one.customer_id: one, other.customer_id: other}
    ledger.load_lots(session, shop.id, books, [lot_id for lot_id, _ in lots])
    ledger.load_order_lots(session, shop.id, {other.customer_id: other}, {o for _, o in lots if o is not None})
    ledger.load_open_lots(session, shop.id, [other])


def _merge(session: Session, shop: Shop, one: Book, other: Book) -> Merge:
    there = merges.of(session, shop.id, one.customer_id)
    assert there is not None
    theirs = PointEntry.shop_id == shop.id, PointEntry.customer_id == one.customer_id, PointEntry.kind == "transfer"
    times = session.scalar(select(func.count()).where(*theirs)) or 0
    return Merge(one.customer_id, other.customer_id, there.merged_at, times)


def _uses(session: Session, shop: Shop, one: Book) -> dict[int, int]:
    """What redemptions that stand, and staff, took; by lot."""
    uses = _redeemed(session, shop, one)
    before = merges.formers(session, shop.id, [merges.kept_for(session, shop.id, one.customer_id)])
    taken = session.execute(_BY_HAND, {"shop": shop.id, "customers": [one.customer_id, *before]})
    for lots in taken.scalars():
        for lot_id, points in lots:
            uses[lot_id] = uses.get(lot_id, 0) + points
    return uses


def _redeemed(session: Session, shop: Shop, one: Book) -> dict[int, int]:
    taken = (
        select(LotUse.lot_id, func.sum(LotUse.points))
        .join(Redemption, (Redemption.shop_id == LotUse.shop_id) & (Redemption.id == LotUse.redemption_id))
        .where(LotUse.shop_id == shop.id, LotUse.lot_id.in_([lot.id for lot in one.lots]))
        .where(Redemption.state.not_in(("returned", "late")))
        .group_by(LotUse.lot_id)
    )
    return {lot_id: int(points) for lot_id, points in session.execute(taken)}


def _write_moves(session: Session, shop: Shop, into_id: int, moved: Moved) -> None:
    session.execute(_HAND_OVER, {"shop": shop.id, "into": into_id, "lots": moved.lots})
    for lot_id, twin_id in sorted(moved.folded.items()):
        values = {"shop": shop.id, "lot": lot_id, "twin": twin_id}
        session.execute(_FOLD, values)
        session.execute(_FOLDED, values)


def _take_redemptions(session: Session, shop: Shop, from_id: int, into_id: int) -> int:
    """Redemptions change hands; the same click of both stays two. Codes that can still be used get their new owner."""
    twin = aliased(Redemption)
    same = exists().where(
        twin.shop_id == shop.id, twin.customer_id == into_id, twin.request_key == Redemption.request_key
    )
    key = case((same, func.concat(Redemption.request_key, ":", from_id)), else_=Redemption.request_key)
    theirs = update(Redemption).where(Redemption.shop_id == shop.id, Redemption.customer_id == from_id)
    taken = theirs.values(customer_id=into_id, request_key=key).returning(Redemption)
    found = session.scalars(taken, execution_options={"populate_existing": True, "synchronize_session": False}).all()
    for redemption in found:
        if redemption.state == "issued" and redemption.kind in DISCOUNTS:
            tell_owner(session, shop, redemption)
    return len(found)


def tell_owner(session: Session, shop: Shop, redemption: Redemption) -> None:
    """The code in the store is for one customer: from now on for the one who is kept."""
    payload = {"code": redemption.code, "customer_id": redemption.customer_id}
    effects.record(session, shop.id, OWNER_KIND, f"{redemption.id}:{redemption.customer_id}", payload)
