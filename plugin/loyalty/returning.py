"""Taking an unused reward back: what the store made is ended there first, then the points go back.

    reserved ── made ──> issued ── in an order ──> used
       │                   │ taken back, or ran out and its points come back
       │ refused           v
       │                 ending ── ended unused ──> returned ── found in an order after all ──> late ──> used
       └── returned        └── was used meanwhile ──> used
    issued ── ran out, and its points are lost ──> expired

Redemptions are locked before accounts, everywhere.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from plugin import clock
from plugin.effects import operations as effects
from plugin.errors import NotFound, Refused
from plugin.loyalty import ledger, queries, tallies, terms
from plugin.loyalty.lots import Book, Entry, Use
from plugin.loyalty.models import LotUse, Redemption, Reward
from plugin.loyalty.redeeming import END_KIND
from plugin.shops.models import Shop

TAKE_BACK_KIND = "reward_end"
RUN_OUT_AFTER = timedelta(hours=1)  # an order of the last minute is told by then
STEP = 100
RAN_OUT, CHANGED_MIND = "ran_out", "changed_mind"


class NotReturnable(Refused):
    """A used or already returned redemption cannot be given back."""


def take_back(
    session: Session, shop: Shop, redemption_id: int, actor: str, reason: str = CHANGED_MIND, urgent: bool = True
) -> Redemption:
    """Begin to take an unused reward back; the points return once the store has ended it. Twice is once.

    Raises NotFound, or NotReturnable when it was used, ran out, or cannot be ended.
    """
    redemption = _locked(session, shop, redemption_id)
    if redemption.state in ("ending", "returned"):
        return redemption
    _check_returnable(redemption)
    if redemption.state == "issued":
        _end(session, shop, redemption, actor, reason, urgent)
    redemption.state = "ending"  # what is still being made is ended as soon as it is there (issuing.code_made)
    session.flush()
    return redemption


def take_back_own(session: Session, shop: Shop, customer_id: int, redemption_id: int) -> Redemption:
    """The same by the shopper, where the merchant allows it. Raises NotFound, NotReturnable."""
    mine = queries.redemption(session, shop, redemption_id, customer_id)
    if terms.read(queries.reward(session, shop, mine.reward_id).terms).keep:
        raise NotReturnable("This reward cannot be given back.")
    return take_back(session, shop, redemption_id, "")


def _check_returnable(redemption: Redemption) -> None:
    if redemption.kind == "store_credit":
        raise NotReturnable("Store credit belongs to the customer from the moment it is given. Adjust the points.")
    if redemption.state in ("used", "late"):
        raise NotReturnable("The code of this reward was already used in an order.")
    if redemption.state == "expired":
        raise NotReturnable("The code of this reward has run out.")


def _end(session: Session, shop: Shop, redemption: Redemption, actor: str, reason: str, urgent: bool) -> None:
    payload = {"redemption_id": redemption.id, "kind": redemption.kind, "gid": redemption.discount_gid}
    payload |= {"code": redemption.code, "actor": actor, "reason": reason}
    effects.record(session, shop.id, TAKE_BACK_KIND, str(redemption.id), payload, again=True, urgent=urgent)


def made_meanwhile(session: Session, shop: Shop, redemption_id: int, gid: str) -> None:
    """The store made what nobody wants any more: it is ended."""
    redemption = _locked(session, shop, redemption_id)
    if redemption.state == "ending":
        redemption.discount_gid = gid
        _end(session, shop, redemption, "", CHANGED_MIND, urgent=True)
    elif redemption.state == "returned":
        end_code(session, shop, redemption.id, gid)


def ended(session: Session, shop: Shop, payload: dict[str, Any], result: dict[str, Any]) -> None:
    """The store has ended it: used until then, or the points go back."""
    redemption = _locked(session, shop, payload["redemption_id"])
    if redemption.state != "ending":
        return
    if result["used"]:
        redemption.state, redemption.used_order_id = "used", result.get("order_id")
        return
    _give_back_locked(session, shop, redemption, payload["actor"], payload["reason"])


def not_ended(session: Session, shop: Shop, payload: dict[str, Any], error: Exception) -> None:
    """The store would not end it: it stands as before, and the panel shows why."""
    redemption = _locked(session, shop, payload["redemption_id"])
    if redemption.state == "ending":
        redemption.state = "issued"


def return_redemption(session: Session, shop: Shop, redemption_id: int, actor: str = "", reason: str = "") -> None:
    """Give the points back now: debt first, the rest into its own lots with their dates. Twice is once.

    For what the store never made, or has ended. Raises NotFound, or NotReturnable when the code was used.
    """
    redemption = _locked(session, shop, redemption_id)
    if redemption.state == "returned":
        return
    if redemption.state in ("used", "late"):
        raise NotReturnable("The code of this reward was already used in an order.")
    _give_back_locked(session, shop, redemption, actor, reason)
    if redemption.discount_gid:
        end_code(session, shop, redemption.id, redemption.discount_gid)


def _locked(session: Session, shop: Shop, redemption_id: int) -> Redemption:
    """Redemptions are locked before accounts, as a drain does that first marks codes and then settles."""
    one = select(Redemption).where(Redemption.shop_id == shop.id, Redemption.id == redemption_id)
    found = session.scalar(one.with_for_update(), execution_options={"populate_existing": True})
    if found is None:
        raise NotFound("This redemption does not exist.")
    return found


def _give_back_locked(session: Session, shop: Shop, redemption: Redemption, actor: str, reason: str) -> None:
    book = ledger.lock(session, shop.id, [redemption.customer_id])[redemption.customer_id]
    _give_back(session, shop, book, redemption, actor, reason)
    tallies.give_back(session, shop, redemption)


def _give_back(session: Session, shop: Shop, book: Book, redemption: Redemption, actor: str, reason: str) -> None:
    now = clock.now(session)
    mine = LotUse.shop_id == shop.id, LotUse.redemption_id == redemption.id
    uses = [
        Use(lot_id, points) for lot_id, points in session.execute(select(LotUse.lot_id, LotUse.points).where(*mine))
    ]
    ledger.load_lots(session, shop.id, {book.customer_id: book}, [use.lot_id for use in uses])
    entry = Entry(
        book.customer_id,
        "return",
        redemption.points,
        "rewards",
        f"return:{redemption.id}",
        now,
        {"points": redemption.points, "reason": reason},
        redemption_id=redemption.id,
        actor=actor,
    )
    book.give_back(entry, uses, now)
    redemption.state = "returned"
    ledger.write(session, shop.id, [book], now)


def end_code(session: Session, shop: Shop, redemption_id: int, gid: str) -> None:
    """The points are back, so the code must not work any more."""
    payload = {"discount_gid": gid, "redemption_id": redemption_id}
    effects.record(session, shop.id, END_KIND, str(redemption_id), payload)


def keep(session: Session, shop: Shop) -> bool:
    """One step of what time does to rewards; whether it did anything. Alone in its transaction: accounts come last."""
    return bool(run_out(session, shop) or take_again(session, shop) or tallies.recount(session, shop))


def run_out(session: Session, shop: Shop) -> int:
    """Codes whose day has passed: their points are lost, or begin to come back; how many."""
    due = Redemption.shop_id == shop.id, Redemption.expires_at <= clock.now(session) - RUN_OUT_AFTER
    first = select(Redemption).where(*due, Redemption.state == "issued").order_by(Redemption.expires_at).limit(STEP)
    found = session.scalars(first.with_for_update(skip_locked=True), execution_options={"populate_existing": True})
    redemptions = found.all()
    for redemption in redemptions:
        if redemption.comes_back:
            _end(session, shop, redemption, "system", RAN_OUT, urgent=False)
        redemption.state = "ending" if redemption.comes_back else "expired"
    session.flush()
    return len(redemptions)


def take_again(session: Session, shop: Shop) -> int:
    """Points that went back although the code was used after all are taken again, what is missing as debt; how many."""
    late = select(Redemption).where(Redemption.shop_id == shop.id, Redemption.state == "late")
    found = session.scalars(late.order_by(Redemption.id).limit(STEP).with_for_update(skip_locked=True)).all()
    books = ledger.lock(session, shop.id, {redemption.customer_id for redemption in found}) if found else {}
    ledger.load_open_lots(session, shop.id, books.values())
    for redemption in found:
        _take_again(session, shop, books[redemption.customer_id], redemption)
        redemption.state = "used"
    ledger.write(session, shop.id, books.values(), clock.now(session))
    session.flush()
    return len(found)


def _take_again(session: Session, shop: Shop, book: Book, redemption: Redemption) -> None:
    now = clock.now(session)
    book.bring_up_to(now)
    paid = min(book.available, redemption.points)
    mine = LotUse.shop_id == shop.id, LotUse.redemption_id == redemption.id
    session.execute(delete(LotUse).where(*mine))
    told = {"reason": "used_after_all", "order_id": redemption.used_order_id}

    def entry(points: int, part: str) -> Entry:
        key = f"redeem:{redemption.id}:{part}"
        explained = told | {"points": -points}
        return Entry(
            book.customer_id, "redeem", -points, "rewards", key, now, explained, redemption_id=redemption.id
        )  # fmt: skip

    if paid:
        shared = {"shop_id": shop.id, "redemption_id": redemption.id}
        uses = book.spend(entry(paid, "again"), now)
        session.execute(insert(LotUse), [shared | use._asdict() for use in uses])
    if redemption.points > paid:
        book.claw(None, entry(redemption.points - paid, "owed"), now)


def reward_names(session: Session, shop: Shop, redemptions: list[Redemption]) -> dict[int, str]:
    """Names of the rewards that were bought, by their id."""
    ids = {redemption.reward_id for redemption in redemptions}
    named = select(Reward.id, Reward.name).where(Reward.shop_id == shop.id, Reward.id.in_(ids))
    return dict(iter(session.execute(named))) if ids else {}
