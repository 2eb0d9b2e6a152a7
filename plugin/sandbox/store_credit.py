"""Store credit: an account for each customer who was given some, spent at the checkout, what expires first first."""

from datetime import datetime

from plugin.sandbox.errors import Refused
from plugin.sandbox.records import CreditMove
from plugin.sandbox.world import World


def give_credit(
    world: World, customer_id: int, amount_minor: int, *, currency: str = "EUR", expires_at: datetime | None = None
) -> CreditMove:
    """Give a customer credit. Asking twice gives twice, as in the real store."""
    with world.change():
        if customer_id not in world.customers:
            raise Refused("Owner does not exist", code="OWNER_NOT_FOUND", field=("id",))
        if amount_minor <= 0:
            raise Refused("Amount must be greater than 0", code="NEGATIVE_OR_ZERO_AMOUNT", field=_field("creditAmount"))
        if currency != "EUR":
            raise Refused("Currency is not supported", code="UNSUPPORTED_CURRENCY", field=_field("creditAmount"))
        if expires_at and expires_at <= world.now():
            raise Refused("Expiry must be in the future", code="EXPIRES_AT_IN_PAST", field=_field("expiresAt"))
        return world.credit_moves.keep(
            CreditMove(
                id=world.next_id("credit_move"),
                customer_id=customer_id,
                amount_minor=amount_minor,
                remaining_minor=amount_minor,
                balance_minor=balance(world, customer_id) + amount_minor,
                created_at=world.now(),
                expires_at=expires_at,
            )
        )


def _field(name: str) -> tuple[str, ...]:
    return ("creditInput", name)


def balance(world: World, customer_id: int) -> int:
    """What a customer can spend now."""
    return sum(move.remaining_minor for move in _open(world, customer_id))


def _open(world: World, customer_id: int) -> list[CreditMove]:
    """Credit with something left, what expires first first."""
    now = world.now()
    alive = [
        move
        for move in world.credit_moves.by("customer", customer_id)
        if move.remaining_minor and (move.expires_at is None or move.expires_at > now)
    ]
    return sorted(alive, key=lambda move: (move.expires_at is None, move.expires_at or now, move.id))


def spend(world: World, customer_id: int, most_minor: int, order_id: int) -> int:
    """Take up to that much; how much it was."""
    taken = 0
    for move in _open(world, customer_id):
        part = min(move.remaining_minor, most_minor - taken)
        move.remaining_minor -= part
        taken += part
        world.credit_moves.keep(move)
    if taken:
        world.credit_moves.keep(
            CreditMove(
                id=world.next_id("credit_move"),
                customer_id=customer_id,
                amount_minor=-taken,
                balance_minor=balance(world, customer_id),
                created_at=world.now(),
                order_id=order_id,
            )
        )
    return taken
