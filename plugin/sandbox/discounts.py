"""Discount codes: made by the app or the merchant, checked at the checkout, counted when an order uses them."""

from datetime import datetime
from typing import Any

from plugin.sandbox.documents import misc as documents
from plugin.sandbox.documents.basics import gid, utc_stamp
from plugin.sandbox.errors import Refused
from plugin.sandbox.records import Discount
from plugin.sandbox.world import World


def create_discount(
    world: World,
    *,
    code: str,
    title: str | None = None,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    amount_minor: int | None = None,
    percent_bp: int | None = None,
    minimum_minor: int = 0,
    usage_limit: int | None = None,
    once_per_customer: bool = False,
    customer_ids: list[int] | None = None,
    combines_with: list[str] | None = None,
    free_shipping: bool = False,
    product_ids: list[int] | None = None,
    variant_ids: list[int] | None = None,
) -> Discount:
    """Make a code; `Refused` with code TAKEN when it exists (capitals do not matter), BLANK when it is empty."""
    with world.change():
        _check(world, code, (amount_minor is not None) + (percent_bp is not None) + free_shipping)
        for product_id in product_ids or []:
            world.products[product_id]
        for variant_id in variant_ids or []:
            world.variant(variant_id)
        discount = world.discounts.keep(
            Discount(
                id=world.next_id("discount"),
                code_id=world.next_id("redeem_code"),
                title=title or code,
                code=code.strip(),
                starts_at=starts_at or world.now(),
                ends_at=ends_at,
                created_at=world.now(),
                updated_at=world.now(),
                amount_minor=amount_minor,
                percent_bp=percent_bp,
                minimum_minor=minimum_minor,
                usage_limit=usage_limit,
                once_per_customer=once_per_customer,
                customer_ids=list(customer_ids or []),
                combines_with=list(combines_with or []),
                free_shipping=free_shipping,
                product_ids=list(product_ids or []),
                variant_ids=list(variant_ids or []),
            )
        )
        world.emit("discounts/create", lambda: documents.discount(world, discount))
        return discount


def _check(world: World, code: str, values: int) -> None:
    if not code.strip():
        raise Refused("Code can't be blank", code="BLANK", field=("basicCodeDiscount", "code"))
    if world.discounts.first("code", code.strip().casefold()):
        raise Refused(
            "Code must be unique. Please try a different code.", code="TAKEN", field=("basicCodeDiscount", "code")
        )
    if values != 1:
        raise Refused("Value must be an amount or a percentage", field=("basicCodeDiscount", "customerGets", "value"))


def change_people(world: World, discount_id: int, add: list[int], remove: list[int]) -> Discount:
    """Let these customers use a code too, and those no more; `NotFound` for one to add who is not there."""
    with world.change():
        discount = world.discounts[discount_id]
        added = [world.customers[customer_id].id for customer_id in add]
        left = [customer_id for customer_id in discount.customer_ids if customer_id not in remove]
        discount.customer_ids = list(dict.fromkeys([*left, *added]))
        discount.updated_at = world.now()
        world.emit("discounts/update", lambda: documents.discount(world, discount))
        return world.discounts.keep(discount)


def deactivate_discount(world: World, discount_id: int) -> Discount:
    """End a code now."""
    with world.change():
        discount = world.discounts[discount_id]
        discount.ends_at = discount.updated_at = world.now()
        world.emit("discounts/update", lambda: documents.discount(world, discount))
        return world.discounts.keep(discount)


def activate_discount(world: World, discount_id: int) -> Discount:
    """Open a code again, without an end."""
    with world.change():
        discount = world.discounts[discount_id]
        discount.ends_at, discount.updated_at = None, world.now()
        world.emit("discounts/update", lambda: documents.discount(world, discount))
        return world.discounts.keep(discount)


def delete_discount(world: World, discount_id: int) -> None:
    """Remove a code; `NotFound` when it is not there."""
    with world.change():
        discount = world.discounts[discount_id]
        world.discounts.drop(discount_id)
        body: dict[str, Any] = {"admin_graphql_api_id": gid("DiscountCodeNode", discount.id)}
        world.emit("discounts/delete", lambda: body | {"deleted_at": utc_stamp(world.now())})


def status(discount: Discount, now: datetime) -> str:
    """ACTIVE, SCHEDULED or EXPIRED, as the Admin API calls it."""
    if discount.ends_at and discount.ends_at <= now:
        return "EXPIRED"
    return "SCHEDULED" if discount.starts_at > now else "ACTIVE"


def find_usable(
    world: World, code: str, *, subtotal_minor: int, customer_id: int | None, email: str | None
) -> Discount:
    """The code's discount if this buyer may use it on this subtotal now; `Refused` says to the shopper why not."""
    discount = world.discounts.first("code", code.strip().casefold())
    if discount is None or status(discount, world.now()) == "SCHEDULED":
        raise Refused("Enter a valid discount code", field=("code",))
    if status(discount, world.now()) == "EXPIRED":
        raise Refused(f"{discount.code} has expired", field=("code",))
    if discount.usage_limit is not None and len(discount.used_by) >= discount.usage_limit:
        raise Refused(f"{discount.code} has reached its usage limit", field=("code",))
    if discount.customer_ids and customer_id not in discount.customer_ids:
        raise Refused(f"{discount.code} isn't available to you right now", field=("code",))
    if discount.once_per_customer and _buyer(customer_id, email) in discount.used_by:
        raise Refused(f"{discount.code} was already used", field=("code",))
    if subtotal_minor < discount.minimum_minor:
        raise Refused(f"{discount.code} needs a larger order", field=("code",))
    return discount


def note_use(world: World, code: str, customer_id: int | None, email: str | None) -> None:
    """Count a use of the code by an order."""
    discount = world.discounts.first("code", code.strip().casefold())
    if discount:
        discount.used_by.append(_buyer(customer_id, email))
        discount.updated_at = world.now()
        world.discounts.keep(discount)
        world.emit("discounts/update", lambda: documents.discount(world, discount))


def _buyer(customer_id: int | None, email: str | None) -> str:
    return str(customer_id) if customer_id else (email or "").lower()
