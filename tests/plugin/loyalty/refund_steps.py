"""What can happen to an order and its points, as steps that say themselves in a merchant's words and can be run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from plugin import clock
from plugin.loyalty import operations as loyalty
from plugin.loyalty.document import Document
from plugin.loyalty.programs import ProgramDraft
from plugin.shops.models import Shop
from tests.plugin.loyalty.ledgers import account, at, order, program, refund, reward, settle

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
BUYER = 7
CLUB = ProgramDraft("Club", "point", "points", earn_points=1, earn_per_minor=100, return_days=0)


@dataclass(frozen=True)
class Goods:
    """A line: so many units at `price` (euros), less `discount` on the whole line."""

    quantity: int
    price: int
    discount: int = 0
    gift_card: bool = False


@dataclass
class World:
    """The shop as the story goes: one buyer, orders by number, the programme in force."""

    session: Session
    shop: Shop
    draft: ProgramDraft = CLUB
    bought: dict[int, dict[str, Goods]] = field(default_factory=dict)
    columns: dict[int, dict[str, Any]] = field(default_factory=dict)
    current: dict[int, dict[str, int]] = field(default_factory=dict)
    moments: dict[int, datetime] = field(default_factory=dict)
    happened: int = 0

    def begin(self) -> None:
        at(self.session, NOON)
        program(self.session, self.shop, self.draft)

    def place(self, number: int) -> None:
        """The order as the store has it now, into the mirror and settled."""
        lines = [self._line(name, goods, number) for name, goods in self.bought[number].items()]
        order(self.session, self.shop, number, BUYER, self.moments[number], lines, **self.columns[number])
        settle(self.session, self.shop, number)

    def _line(self, name: str, goods: Goods, number: int) -> dict[str, Any]:
        return {
            "quantity": goods.quantity,
            "current_quantity": self.current[number][name],
            "price_minor": goods.price * 100,
            "discount_minor": goods.discount * 100,
            "gift_card": goods.gift_card,
            "vendor": "Kiln",
        }

    def line_number(self, number: int, name: str) -> int:
        return list(self.bought[number]).index(name)

    def next(self) -> int:
        self.happened += 1
        return self.happened

    def change(self, draft: ProgramDraft) -> None:
        self.session.info["now"] = clock.now(self.session) + timedelta(minutes=1)
        self.draft = draft
        loyalty.save_program(self.session, self.shop, "staff:1", draft)

    def stands(self) -> tuple[int, int, int]:
        return account(self.session, self.shop, BUYER)


@dataclass(frozen=True)
class Buys:
    goods: Mapping[str, Goods]
    order: int = 1
    shipping: int = 0

    @property
    def words(self) -> str:
        said = [self._said(name, goods) for name, goods in self.goods.items()]
        sent = f", €{self.shipping} shipping" if self.shipping else ""
        return f"{_order(self.order, 'Buys')} {', '.join(said)}{sent}"

    @staticmethod
    def _said(name: str, goods: Goods) -> str:
        off = f" less €{goods.discount}" if goods.discount else ""
        return f"{goods.quantity} × {name} at €{goods.price}{off}"

    def run(self, world: World) -> None:
        world.moments[self.order] = clock.now(world.session)
        world.bought[self.order] = dict(self.goods)
        world.current[self.order] = {name: goods.quantity for name, goods in self.goods.items()}
        world.columns[self.order] = {"shipping_minor": self.shipping * 100}
        world.place(self.order)


@dataclass(frozen=True)
class Returns:
    """Goods come back. What the buyer gets for them (money, store credit, other goods) makes no difference."""

    units: Mapping[str, int]
    money: int = 0
    against: str = "money"
    order: int = 1
    known_first: bool = True

    @property
    def words(self) -> str:
        said = [f"{quantity} × {name}" for name, quantity in self.units.items()]
        said += [f"€{self.money} without goods"] if self.money else []
        return f"{_order(self.order, 'Gets back')} {self.against} for {' and '.join(said)}"

    def run(self, world: World) -> None:
        units = {world.line_number(self.order, name): quantity for name, quantity in self.units.items()}
        moment = clock.now(world.session)
        refund(world.session, world.shop, world.next(), self.order, moment, units, self.money * 100)
        for name, quantity in self.units.items():
            world.current[self.order][name] -= quantity
        world.columns[self.order]["financial_status"] = "partially_refunded"
        world.place(self.order)


@dataclass(frozen=True)
class Edits:
    """The store changes the order: how many units of each are left, and what was added."""

    left: Mapping[str, int] = field(default_factory=dict)
    added: Mapping[str, Goods] = field(default_factory=dict)
    order: int = 1

    @property
    def words(self) -> str:
        said = [f"{quantity} × {name} left" for name, quantity in self.left.items()]
        said += [f"{goods.quantity} × {name} at €{goods.price} added" for name, goods in self.added.items()]
        return f"{_order(self.order, 'The order is edited:')} {', '.join(said)}"

    def run(self, world: World) -> None:
        world.bought[self.order] |= self.added
        world.current[self.order] |= {name: goods.quantity for name, goods in self.added.items()} | dict(self.left)
        world.place(self.order)


@dataclass(frozen=True)
class Becomes:
    """The order as a whole becomes something else."""

    words: str
    columns: Mapping[str, Any]
    order: int = 1

    def run(self, world: World) -> None:
        world.columns[self.order] |= self.columns
        world.place(self.order)


@dataclass(frozen=True)
class Spends:
    points: int

    @property
    def words(self) -> str:
        return f"Redeems {self.points} points"

    def run(self, world: World) -> None:
        bought = reward(world.session, world.shop, self.points)
        loyalty.redeem(world.session, world.shop, BUYER, bought.id, f"click-{world.next():04}")


@dataclass(frozen=True)
class Changes:
    """The merchant changes the programme afterwards."""

    words: str
    columns: Mapping[str, Any]

    def run(self, world: World) -> None:
        world.change(replace(world.draft, **self.columns))


@dataclass(frozen=True)
class Waits:
    days: int

    @property
    def words(self) -> str:
        return f"{self.days} days pass"

    def run(self, world: World) -> None:
        at(world.session, clock.now(world.session) + timedelta(days=self.days))
        loyalty.settle_due(world.session, world.shop)


@dataclass(frozen=True)
class Hears:
    """The same news again."""

    words: str = "The store tells the same again, twice"
    order: int = 1

    def run(self, world: World) -> None:
        for _ in range(2):
            world.place(self.order)


Step = Buys | Returns | Edits | Becomes | Spends | Changes | Waits | Hears


def rules(**earn: Any) -> ProgramDraft:
    """The club with other rules of earning."""
    columns = {name: earn.pop(name) for name in list(earn) if name in ProgramDraft.__dataclass_fields__}
    return replace(CLUB, **columns, document=Document(earn=Document().earn.__class__(**earn)))


CANCELLED = Becomes("The order is cancelled", {"cancelled_at": NOON + timedelta(days=1)})
REOPENED = Becomes("The cancellation is taken back", {"cancelled_at": None})
VOIDED = Becomes("The bank takes the payment back", {"financial_status": "voided"})


def _order(number: int, words: str) -> str:
    return words if number == 1 else f"Order {number}: {words[0].lower()}{words[1:]}"
