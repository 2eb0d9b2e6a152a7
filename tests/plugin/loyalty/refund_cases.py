"""Forty stories of refunds and edits with the points after each step. `python -m tests.plugin.loyalty.refund_cases`
prints them as docs/refunds.md; test_refund_cases.py plays them on the real tables."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from plugin.loyalty.document import Excluded, Multiplier
from plugin.loyalty.document import Goods as Some
from plugin.loyalty.programs import ProgramDraft, TierDraft
from tests.plugin.loyalty.refund_steps import (
    CANCELLED,
    CLUB,
    REOPENED,
    VOIDED,
    Becomes,
    Buys,
    Changes,
    Edits,
    Goods,
    Hears,
    Returns,
    Spends,
    Step,
    Waits,
    rules,
)


@dataclass(frozen=True)
class Case:
    """Steps, each with the points to spend after it; or (to spend, pending, owed)."""

    title: str
    steps: tuple[tuple[Step, int | tuple[int, int, int]], ...]
    draft: ProgramDraft = CLUB
    terms: str = ""


def case(title: str, *steps: tuple[Step, Any], draft: ProgramDraft = CLUB, terms: str = "") -> Case:
    return Case(title, steps, draft, terms)


MUGS = Buys({"mug": Goods(3, 20)})  # 60 points
PAIR = Buys({"mug": Goods(2, 20), "tea": Goods(1, 10)})  # 50 points
THIRDS = Buys({"cup": Goods(3, 10, discount=10)})  # 20.00 for three: 6.66 a piece
WINDOW = replace(CLUB, return_days=14)
EXPIRING = replace(CLUB, expiry_days=30)
TIERS = replace(CLUB, tiers=(TierDraft("Gold", 100_00, 2, 1),))
HALF = Changes("The merchant halves the rate", {"earn_per_minor": 200})
TWICE = Changes("The merchant doubles the rate", {"earn_points": 2})
PAUSED = Changes("The merchant pauses the programme", {"paused": True})

CASES = (
    case("One of three units comes back", (MUGS, 60), (Returns({"mug": 1}), 40)),
    case(
        "The units come back one by one",
        (MUGS, 60),
        (Returns({"mug": 1}), 40),
        (Returns({"mug": 1}), 20),
        (Returns({"mug": 1}), 0),
    ),
    case("Everything comes back at once", (PAIR, 50), (Returns({"mug": 2, "tea": 1}), 0)),
    case("One line comes back, the other stays", (PAIR, 50), (Returns({"tea": 1}), 40)),
    case(
        "A discounted line comes back in parts: what is left is rounded once",
        (THIRDS, 20),
        (Returns({"cup": 1}), 13),
        (Returns({"cup": 1}), 6),
        (Returns({"cup": 1}), 0),
    ),
    case("The return is paid as store credit", (MUGS, 60), (Returns({"mug": 1}, against="store credit"), 40)),
    case(
        "The return is an exchange for something dearer",
        (MUGS, 60),
        (Returns({"mug": 1}, against="a voucher"), 40),
        (Edits(added={"jug": Goods(1, 45)}), 85),
    ),
    case("Money comes back without goods", (MUGS, 60), (Returns({}, money=15), 45)),
    case("Money without goods, then all goods", (MUGS, 60), (Returns({}, money=15), 45), (Returns({"mug": 3}), 0)),
    case(
        "More money comes back than was paid: points never fall below nothing", (MUGS, 60), (Returns({}, money=80), 0)
    ),
    case(
        "Money back on an order with a gift card in it counts for its share",
        (Buys({"mug": Goods(1, 50), "card": Goods(1, 50, gift_card=True)}), 50),
        (Returns({}, money=20), 40),
    ),
    case(
        "A refunded gift card takes nothing, because it gave nothing",
        (Buys({"mug": Goods(1, 50), "card": Goods(1, 50, gift_card=True)}), 50),
        (Returns({"card": 1}), 50),
    ),
    case("The order is cancelled", (MUGS, 60), (CANCELLED, 0)),
    case("The order is cancelled after a part came back", (MUGS, 60), (Returns({"mug": 1}), 40), (CANCELLED, 0)),
    case("A cancellation that is taken back", (MUGS, 60), (CANCELLED, 0), (REOPENED, 60)),
    case("A chargeback", (MUGS, 60), (VOIDED, 0)),
    case(
        "A chargeback that the store wins",
        (MUGS, 60),
        (VOIDED, 0),
        (Becomes("The bank gives it back", {"financial_status": "paid"}), 60),
    ),
    case(
        "The order is deleted in the store",
        (MUGS, 60),
        (Becomes("The order is deleted", {"deleted_at": CANCELLED.columns["cancelled_at"]}), 0),
    ),
    case("An edit takes a unit out", (MUGS, 60), (Edits({"mug": 2}), 40)),
    case("An edit adds goods", (MUGS, 60), (Edits(added={"tea": Goods(2, 10)}), 80)),
    case(
        "Edits down and up again", (MUGS, 60), (Edits({"mug": 1}), 20), (Edits({"mug": 2}), 40), (Edits({"mug": 3}), 60)
    ),
    case("An edit, then a return of what is left", (MUGS, 60), (Edits({"mug": 2}), 40), (Returns({"mug": 2}), 0)),
    case(
        "The money for a unit that an edit took out costs nothing more",
        (MUGS, 60),
        (Edits({"mug": 2}), 40),
        (Returns({}, money=20), 40),
    ),
    case("The same refund told again", (MUGS, 60), (Returns({"mug": 1}), 40), (Hears(), 40)),
    case(
        "The rate was halved meanwhile: the return costs what the units earned",
        (MUGS, 60),
        (HALF, 60),
        (Returns({"mug": 1}), 40),
    ),
    case(
        "The rate was doubled meanwhile: the return costs no more", (MUGS, 60), (TWICE, 60), (Returns({"mug": 1}), 40)
    ),
    case(
        "The programme was paused meanwhile: a return still takes its points",
        (MUGS, 60),
        (PAUSED, 60),
        (Returns({"mug": 3}), 0),
    ),
    case(
        "Goods added after the rate changed earn by the rate of the order's day",
        (MUGS, 60),
        (HALF, 60),
        (Edits(added={"tea": Goods(1, 10)}), 70),
    ),
    case("The points were spent: the rest is owed", (MUGS, 60), (Spends(50), 10), (Returns({"mug": 1}), (0, 0, 10))),
    case(
        "What is owed is paid by the next order",
        (MUGS, 60),
        (Spends(60), 0),
        (Returns({"mug": 3}), (0, 0, 60)),
        (Buys({"jug": Goods(1, 100)}, order=2), 40),
    ),
    case(
        "Spent points, and the merchant writes off what is missing",
        (MUGS, 60),
        (Spends(50), 10),
        (Returns({"mug": 1}), 0),
        (Buys({"jug": Goods(1, 30)}, order=2), 30),
        draft=rules(shortfall="floor"),
        terms="missing points are written off",
    ),
    case(
        "A return within the return window takes pending points",
        (MUGS, (0, 60, 0)),
        (Returns({"mug": 1}), (0, 40, 0)),
        (Waits(14), 40),
        draft=WINDOW,
        terms="points wait 14 days",
    ),
    case(
        "A return takes the order's own pending points, not those of another",
        (MUGS, (0, 60, 0)),
        (Buys({"jug": Goods(1, 30)}, order=2), (0, 90, 0)),
        (Returns({"mug": 3}), (0, 30, 0)),
        (Waits(14), 30),
        draft=WINDOW,
        terms="points wait 14 days",
    ),
    case(
        "Expired points that a return takes back are not owed",
        (MUGS, 60),
        (Waits(30), 0),
        (Returns({"mug": 3}), 0),
        draft=EXPIRING,
        terms="points expire after 30 days",
    ),
    case(
        "A return of one unit after the points expired",
        (MUGS, 60),
        (Waits(30), 0),
        (Returns({"mug": 1}), 0),
        (Buys({"jug": Goods(1, 30)}, order=2), 30),
        draft=EXPIRING,
        terms="points expire after 30 days",
    ),
    case(
        "An order at a tier gives its tier's points back",
        (Buys({"jug": Goods(1, 100)}), 100),
        (Waits(1), 100),
        (Buys({"mug": Goods(2, 20)}, order=2), 180),
        (Returns({"mug": 1}, order=2), 140),
        draft=TIERS,
        terms="Gold from €100 doubles points",
    ),
    case(
        "The return of an old order does not make later orders cheaper",
        (Buys({"jug": Goods(1, 100)}), 100),
        (Waits(1), 100),
        (Buys({"mug": Goods(2, 20)}, order=2), 180),
        (Waits(1), 180),
        (Returns({"jug": 1}), 80),
        draft=TIERS,
        terms="Gold from €100 doubles points",
    ),
    case(
        "A multiplied line gives back its multiplied points",
        (Buys({"mug": Goods(2, 20), "tea": Goods(1, 10)}), 100),
        (Returns({"tea": 1}), 80),
        draft=rules(multipliers=(Multiplier("Mondays", (2, 1), weekdays=(0,)),)),
        terms="double points on Mondays",
    ),
    case(
        "Shipping that counts goes back with its refund only",
        (Buys({"mug": Goods(2, 20)}, shipping=5), 45),
        (Returns({"mug": 1}), 25),
        draft=rules(shipping=True),
        terms="shipping counts",
    ),
    case(
        "Goods that are excluded later keep what they earned",
        (MUGS, 60),
        (
            Changes(
                "The merchant excludes all mugs",
                {"document": rules(excluded=Excluded(Some(vendors=("Kiln",)))).document},
            ),
            60,
        ),
        (Returns({"mug": 1}), 40),
    ),
)


def rendered() -> str:
    """The table as a merchant reads it."""
    head = (
        "# What refunds and edits do to points\n\n"
        "One point for €1.00, unless a case says otherwise. Each case is played on the real tables by "
        "`tests/plugin/loyalty/test_refund_cases.py`.\n"
    )
    return "\n".join([head, *(_case(number, each) for number, each in enumerate(CASES, start=1))])


def _case(number: int, each: Case) -> str:
    terms = f" ({each.terms})" if each.terms else ""
    rows = [f"| {step.words} | {_points(after)} |" for step, after in each.steps]
    return "\n".join(
        [f"**{number}. {each.title}**{terms}\n", "| what happens | points after |", "|---|---|", *rows, ""]
    )


def _points(after: int | tuple[int, int, int]) -> str:
    available, pending, owed = after if isinstance(after, tuple) else (after, 0, 0)
    said = [f"{available} to spend"] if available or not (pending or owed) else []
    said += [f"{pending} pending"] if pending else []
    return ", ".join([*said, f"{owed} owed"] if owed else said)


if __name__ == "__main__":
    print(rendered(), end="")
