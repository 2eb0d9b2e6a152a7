"""What goes into one purchase: mostly what the person always buys, sometimes something new, now and then gear."""

from datetime import datetime
from random import Random
from typing import NamedTuple

from plugin.sandbox.records import Product, Variant
from plugin.sandbox.seed.catalogue import ESPRESSO, FILTER
from plugin.sandbox.seed.habits import Habit
from plugin.sandbox.seed.people import Person
from plugin.sandbox.seed.shelf import Shelf

CHOICE_WEIGHTS = (6, 3, 2, 1)


class Pick(NamedTuple):
    product: Product
    variant: Variant
    quantity: int


def basket_of(person: Person, moment: datetime, shelf: Shelf, dice: Random) -> list[Pick]:
    """The picks of one purchase, each variant once; the person remembers the coffees for the next time."""
    picks: dict[int, Pick] = {}
    for _ in range(dice.randint(*person.habit.lines)):
        pick = _coffee(person, moment, shelf, dice)
        picks[pick.variant.id] = pick
        person.usual.append((pick.product.id, pick.variant.id))
    _add_extra(picks, person.habit, moment, shelf, dice)
    return list(picks.values())


def guest_basket(moment: datetime, shelf: Shelf, dice: Random) -> list[Pick]:
    """One or two lines of somebody nobody knows."""
    pick = _new_coffee(dice.choice((FILTER, ESPRESSO)), moment, shelf, dice)
    picks = {pick.variant.id: Pick(*pick, 1)}
    if dice.random() < 0.3:
        extra = _variant(dice.choice(shelf.extras(moment)), dice)
        picks[extra.variant.id] = Pick(*extra, 1)
    return list(picks.values())


class _Found(NamedTuple):
    product: Product
    variant: Variant


def _coffee(person: Person, moment: datetime, shelf: Shelf, dice: Random) -> Pick:
    units = dice.randint(1, person.habit.units)
    if person.usual and dice.random() < person.habit.loyalty:
        return Pick(*_usual(person, shelf, dice), units)
    taste = person.taste if dice.random() < 0.85 else dice.choice((FILTER, ESPRESSO))
    return Pick(*_new_coffee(taste, moment, shelf, dice), units)


def _usual(person: Person, shelf: Shelf, dice: Random) -> _Found:
    product_id, variant_id = dice.choice(person.usual[:4])
    product = next(product for product in shelf.products if product.id == product_id)
    return _Found(product, next(variant for variant in product.variants if variant.id == variant_id))


def _new_coffee(taste: str, moment: datetime, shelf: Shelf, dice: Random) -> _Found:
    return _variant(dice.choice(shelf.on(moment, taste)), dice)


def _variant(product: Product, dice: Random) -> _Found:
    weights = CHOICE_WEIGHTS[: len(product.variants)]
    return _Found(product, dice.choices(product.variants[: len(weights)], weights)[0])


def _add_extra(picks: dict[int, Pick], habit: Habit, moment: datetime, shelf: Shelf, dice: Random) -> None:
    if dice.random() < habit.gear:
        extra = _variant(dice.choice(shelf.extras(moment)), dice)
        picks[extra.variant.id] = Pick(*extra, 1)
