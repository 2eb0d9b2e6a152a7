"""Money behind a code: gift cards, made by the app or the merchant, spent at the checkout."""

import re
from datetime import date

from plugin.sandbox.errors import Refused
from plugin.sandbox.records import GiftCard
from plugin.sandbox.world import World

LONGEST, SHORTEST = 20, 8
MOST_MINOR = 200_000


def create_gift_card(
    world: World,
    *,
    code: str | None,
    amount_minor: int,
    customer_id: int | None = None,
    expires_on: date | None = None,
    note: str | None = None,
) -> GiftCard:
    """Make a card; `Refused` with code TAKEN when its code exists (capitals do not matter)."""
    with world.change():
        wanted = (code or world.next_token("gift_card")[:16]).strip().lower()
        _check(world, wanted, amount_minor)
        if customer_id is not None and customer_id not in world.customers:
            raise Refused("Customer could not be found.", code="CUSTOMER_NOT_FOUND", field=("input", "customerId"))
        now = world.now()
        return world.gift_cards.keep(
            GiftCard(
                id=world.next_id("gift_card"),
                code=wanted,
                initial_minor=amount_minor,
                balance_minor=amount_minor,
                customer_id=customer_id,
                expires_on=expires_on,
                note=note,
                created_at=now,
                updated_at=now,
            )
        )


def _check(world: World, code: str, amount_minor: int) -> None:
    field = ("input", "code")
    if len(code) < SHORTEST:
        raise Refused("Code is too short (minimum is 8 characters)", code="TOO_SHORT", field=field)
    if len(code) > LONGEST:
        raise Refused("Code is too long (maximum is 20 characters)", code="TOO_LONG", field=field)
    if not re.fullmatch(r"[a-z0-9]+", code):
        raise Refused("Code can only contain letters(a-z) and numbers(0-9)", code="INVALID", field=field)
    if world.gift_cards.first("code", code):
        raise Refused("Code has already been taken", code="TAKEN", field=field)
    if amount_minor <= 0:
        raise Refused("Initial value must be greater than 0", code="GREATER_THAN", field=("input", "initialAmount"))
    if amount_minor > MOST_MINOR:
        raise Refused("Gift card limit exceeded", code="GIFT_CARD_LIMIT_EXCEEDED", field=("input", "initialAmount"))


def deactivate_gift_card(world: World, card_id: int) -> GiftCard:
    """End a card for ever; `NotFound` when it is not there."""
    with world.change():
        card = world.gift_cards[card_id]
        card.deactivated_at = card.deactivated_at or world.now()
        card.updated_at = world.now()
        return world.gift_cards.keep(card)


def usable(world: World, code: str) -> GiftCard:
    """The card behind a code if it can pay now; `Refused` says to the shopper why not."""
    card = world.gift_cards.first("code", code.strip().casefold())
    if card is None or card.deactivated_at:
        raise Refused("Enter a valid discount code or gift card", field=("code",))
    if card.expires_on and card.expires_on < world.now().date():
        raise Refused("This gift card has expired", field=("code",))
    if not card.balance_minor:
        raise Refused("This gift card has no balance left", field=("code",))
    return card


def spend(world: World, code: str, most_minor: int) -> int:
    """Take up to that much from a card; how much it was."""
    card = usable(world, code)
    taken = min(card.balance_minor, most_minor)
    card.balance_minor -= taken
    card.updated_at = world.now()
    world.gift_cards.keep(card)
    return taken
