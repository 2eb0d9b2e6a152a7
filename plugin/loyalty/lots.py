"""One customer's points in memory: an account, its lots, and the movements between them. Pure; time is an argument.

Invariants of every movement: available, pending and debt are never negative; debt and available are never both above
zero; the sum of all entries is the lots' remaining points minus the debt; what a lot lost is either spent (granted −
remaining − expired) or expired.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from plugin.errors import Refused


class NotEnoughPoints(Refused):
    """The balance does not cover it, or there is a debt to earn back first."""


class Entry(NamedTuple):
    """A ledger line to be written. `points` on the customer's side; `counter_account` has the other side."""

    customer_id: int
    kind: str
    points: int
    counter_account: str
    key: str
    occurred_at: datetime
    explanation: dict[str, Any]
    order_id: int | None = None
    redemption_id: int | None = None
    program_id: int | None = None
    actor: str = ""
    available_at: datetime | None = None
    expires_at: datetime | None = None


@dataclass(slots=True)
class Lot:
    """Points that came together. `id` is None until it is written."""

    id: int | None
    customer_id: int
    order_id: int | None
    source: str | None
    granted: int
    remaining: int
    expired: int
    expiries: int
    pending: bool
    available_at: datetime
    expires_at: datetime | None
    changed: bool = False

    @property
    def name(self) -> str:
        return str(self.id) if self.id is not None else self.source or f"order:{self.order_id}:{self.customer_id}"

    def usable(self, now: datetime) -> bool:
        return not self.pending and self.remaining > 0 and not self.dead(now)

    def dead(self, now: datetime) -> bool:
        """An expiry moment is the first one at which the points are gone."""
        return self.expires_at is not None and self.expires_at <= now


class Use(NamedTuple):
    lot_id: int
    points: int


@dataclass(slots=True)
class Book:
    """An account under its lock, with the lots that were loaded and the entries that movements have made."""

    customer_id: int
    available: int = 0
    pending: int = 0
    debt: int = 0
    tier_id: int | None = None
    tier_name: str | None = None
    tier_spend_minor: int = 0
    tier_since: datetime | None = None
    lots: list[Lot] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    changed: bool = False

    def bring_up_to(self, now: datetime) -> None:
        """Mature what is due, paying debt first, then expire what is due."""
        for lot in sorted(self.lots, key=lambda lot: (lot.available_at, lot.id or 0)):
            if lot.pending and lot.available_at <= now:
                self._mature(lot)
        for lot in self.lots:
            if not lot.pending and lot.dead(now):
                self._expire(lot, lot.expires_at or now)

    def earn(self, lot: Lot, entry: Entry, now: datetime) -> None:
        """More points into a lot: pending if it is, else debt first; gone at once if its day has passed."""
        if lot not in self.lots:
            self.lots.append(lot)
        self.post(entry)
        self._give(lot, entry.points, entry.points, now)

    def claw(self, lot: Lot | None, entry: Entry, now: datetime, forgive: bool = False) -> None:
        """Points back: from the order's own lot, its expired part, other lots; what is missing becomes debt.

        With `forgive` what is missing is written off instead, by an entry of its own.
        """
        missing = -entry.points
        if lot is not None:
            missing -= self._take_back(lot, missing)
            missing -= self._unexpire(lot, missing, entry)
        missing -= sum(use.points for use in self._take(missing, now))
        self.post(entry)
        if forgive and missing:
            self._forgive(missing, entry)
        else:
            self.debt += missing

    def date(self, lot: Lot, available_at: datetime, expires_at: datetime | None, now: datetime) -> None:
        """Give pending points their day, and bring the account up to now."""
        lot.available_at, lot.expires_at = available_at, expires_at
        lot.changed = self.changed = True
        self.bring_up_to(now)

    def spend(self, entry: Entry, now: datetime) -> list[Use]:
        """Points out, first the ones that expire first. Raises NotEnoughPoints."""
        self.require(-entry.points, now)
        self.post(entry)
        return self._take(-entry.points, now)

    def require(self, points: int, now: datetime) -> None:
        """Bring the account up to now. Raises NotEnoughPoints when it does not cover `points` then."""
        self.bring_up_to(now)
        if self.debt:
            raise NotEnoughPoints("A refund left %(debt)s points to earn back first.", debt=self.debt)
        if self.available < points:
            raise NotEnoughPoints(
                "This takes %(points)s points; there are %(available)s to spend.",
                points=points,
                available=self.available,
            )

    def give_back(self, entry: Entry, uses: Iterable[Use], now: datetime) -> None:
        """A returned spend: debt first, the rest into its own lots with their own dates."""
        self.post(entry)
        by_id = {lot.id: lot for lot in self.lots}
        own = sorted(((by_id[use.lot_id], use.points) for use in uses), key=lambda pair: fifo(pair[0]))
        for lot, points in own:
            self._give(lot, points, 0, now)

    def move_expiry(self, lot: Lot, expires_at: datetime) -> None:
        """Give a lot another last day."""
        lot.expires_at = expires_at
        lot.changed = self.changed = True

    def revive(self, lot: Lot, entry: Entry, expires_at: datetime, now: datetime) -> None:
        """What expired of a lot comes back until another day: debt first, the rest into the lot."""
        self.post(entry)
        self.move_expiry(lot, expires_at)
        lot.expired -= entry.points
        self._give(lot, entry.points, 0, now)

    def put_back(self, entry: Entry, lots: Iterable[Lot], spare: Lot, now: datetime) -> None:
        """Points that were taken come back into the gaps they left in these lots; the rest into a spare one."""
        self.post(entry)
        left = entry.points
        for lot in sorted(lots, key=fifo):
            gap = min(left, lot.granted - lot.remaining - lot.expired)
            if gap > 0:
                self._give(lot, gap, 0, now)
                left -= gap
        if left:
            self.lots.append(spare)
            self._give(spare, left, left, now)

    def lapse(self, lot: Lot, points: int, key: str, actor: str, now: datetime) -> None:
        """Points of a lot that is not pending expire before their day, as far as they are still there."""
        gone = min(points, lot.remaining)
        if gone:
            lot.remaining -= gone
            lot.expired += gone
            lot.changed = True
            self.available -= gone
            told = {"points": -gone, "expires_at": _iso(lot.expires_at), "available_at": _iso(lot.available_at)}
            entry = Entry(self.customer_id, "expire", -gone, "breakage", key, now, told, lot.order_id)
            self.post(entry._replace(actor=actor))

    def stand(self, tier_id: int | None, tier_name: str | None, spend_minor: int, since: datetime) -> None:
        """The tier of today; `since` counts only when it is another one."""
        if (tier_id, spend_minor) == (self.tier_id, self.tier_spend_minor):
            return
        if tier_id != self.tier_id:
            self.tier_since = since
        self.tier_id, self.tier_name, self.tier_spend_minor = tier_id, tier_name, spend_minor
        self.changed = True

    def post(self, entry: Entry) -> None:
        """Put an entry down."""
        self.entries.append(entry)
        self.changed = True

    def pay_debt(self, points: int) -> int:
        """What of these points goes to the debt."""
        paid = min(self.debt, points)
        self.debt -= paid
        return paid

    def _give(self, lot: Lot, points: int, granted: int, now: datetime) -> None:
        lot.granted += granted
        lot.changed = self.changed = True
        if lot.pending:
            lot.remaining += points
            self.pending += points
            return
        paid = self.pay_debt(points)
        lot.remaining += points - paid
        self.available += points - paid
        if lot.dead(now):
            self._expire(lot, now if lot.id is not None else lot.expires_at or now)

    def _mature(self, lot: Lot) -> None:
        self.pending -= lot.remaining
        lot.remaining -= self.pay_debt(lot.remaining)
        self.available += lot.remaining
        lot.pending = False
        lot.changed = self.changed = True

    def _expire(self, lot: Lot, moment: datetime) -> None:
        gone = lot.remaining
        if not gone:
            return
        self.available -= gone
        lot.remaining = 0
        lot.expired += gone
        key = f"expire:{lot.name}:{lot.expiries}"
        lot.expiries += 1
        lot.changed = True
        told = {"points": -gone, "expires_at": _iso(lot.expires_at), "available_at": _iso(lot.available_at)}
        self.post(Entry(self.customer_id, "expire", -gone, "breakage", key, moment, told, lot.order_id))

    def _take_back(self, lot: Lot, wanted: int) -> int:
        taken = min(wanted, lot.remaining)
        lot.remaining -= taken
        lot.granted -= taken
        lot.changed = True
        if lot.pending:
            self.pending -= taken
        else:
            self.available -= taken
        return taken

    def _unexpire(self, lot: Lot, wanted: int, entry: Entry) -> int:
        back = min(wanted, lot.expired)
        if not back:
            return 0
        lot.expired -= back
        lot.granted -= back
        lot.changed = True
        told = {"points": back, "for": entry.key}
        key = f"unexpire:{entry.key}"
        self.post(Entry(self.customer_id, "unexpire", back, "breakage", key, entry.occurred_at, told, lot.order_id))
        return back

    def _forgive(self, points: int, entry: Entry) -> None:
        told = {"points": points, "for": entry.key}
        key = f"forgive:{entry.key}"
        moment = entry.occurred_at
        self.post(Entry(self.customer_id, "forgive", points, "sales", key, moment, told, entry.order_id))

    def _take(self, wanted: int, now: datetime) -> list[Use]:
        uses = []
        for lot in sorted((lot for lot in self.lots if lot.usable(now)), key=fifo):
            if not wanted:
                break
            taken = min(wanted, lot.remaining)
            lot.remaining -= taken
            lot.changed = True
            self.available -= taken
            wanted -= taken
            uses.append(Use(lot.id or 0, taken))
        return uses


def fifo(lot: Lot) -> tuple[bool, datetime, int]:
    """First what expires first; what never expires last; the older of two equals."""
    return lot.expires_at is None, lot.expires_at or lot.available_at, lot.id or 0


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
