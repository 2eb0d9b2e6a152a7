"""What a cart costs: lines, a discount code, shipping, tax. The checkout page and the order use the same figures."""

from dataclasses import dataclass

from plugin.sandbox import discounts, money
from plugin.sandbox.errors import Refused
from plugin.sandbox.order_records import Allocation, Application
from plugin.sandbox.records import CartLine, Discount, Product, Variant
from plugin.sandbox.world import World

SHIPPING_MINOR = 490
FREE_SHIPPING_FROM_MINOR = 4_900
SHIPPING_TITLE = "Standard"


@dataclass(frozen=True)
class PricedLine:
    """A cart line with its product, price and discounts; money is minor units, tax included."""

    product: Product
    variant: Variant
    quantity: int
    properties: dict[str, str]
    discount_minor: int = 0

    @property
    def full_minor(self) -> int:
        """Before discounts."""
        return self.variant.price_minor * self.quantity

    @property
    def minor(self) -> int:
        """After discounts."""
        return self.full_minor - self.discount_minor

    @property
    def allocations(self) -> list[Allocation]:
        """The line's part of the code's discount."""
        return [Allocation(amount_minor=self.discount_minor)] if self.discount_minor else []


@dataclass(frozen=True)
class Priced:
    """A whole cart, priced. `problem` is the sentence for the shopper when the code could not be used."""

    lines: list[PricedLine]
    shipping_minor: int
    discount: Discount | None = None
    problem: str | None = None
    shipping_discount_minor: int = 0

    @property
    def full_minor(self) -> int:
        """Lines before discounts."""
        return sum(line.full_minor for line in self.lines)

    @property
    def discount_minor(self) -> int:
        """All discounts."""
        return self.goods_discount_minor + self.shipping_discount_minor

    @property
    def goods_discount_minor(self) -> int:
        """Those on lines."""
        return sum(line.discount_minor for line in self.lines)

    @property
    def subtotal_minor(self) -> int:
        """Lines after discounts."""
        return self.full_minor - self.goods_discount_minor

    @property
    def total_minor(self) -> int:
        """What is to be paid."""
        return self.subtotal_minor + self.shipping_minor

    @property
    def tax_minor(self) -> int:
        """Tax inside the total."""
        lines = sum(money.tax_inside(line.minor, line.product.tax_rate_bp) for line in self.lines)
        return lines + money.tax_inside(self.shipping_minor, 1900)

    @property
    def applications(self) -> list[Application]:
        """The discount as orders and checkouts list it."""
        discount = self.discount
        if discount is None:
            return []
        kind = "fixed_amount" if discount.amount_minor is not None else "percentage"
        percent = 10_000 if discount.free_shipping else discount.percent_bp or 0
        return [
            Application(
                code=discount.code,
                title=discount.title,
                value_type=kind,
                value=discount.amount_minor if discount.amount_minor is not None else percent,
                amount_minor=self.discount_minor,
                target_type="shipping_line" if discount.free_shipping else "line_item",
            )
        ]


def price(
    world: World,
    lines: list[CartLine],
    *,
    code: str | None = None,
    customer_id: int | None = None,
    email: str | None = None,
    shipping: bool = True,
) -> Priced:
    """Price a cart; a code that cannot be used is left out and explained in `problem`. `NotFound`: unknown variant."""
    found = [(line, *world.variant(line.variant_id)) for line in lines if line.quantity > 0]
    full = [variant.price_minor * line.quantity for line, _, variant in found]
    discount, problem = _discount(world, code, sum(full), customer_id, email)
    entitled = [
        amount if _counts(discount, product, variant) else 0
        for (_, product, variant), amount in zip(found, full, strict=True)
    ]
    if discount and discount.limited and not sum(entitled):
        problem, discount = f"{discount.code} isn't valid for the items in your cart", None
    parts = money.split(_discount_minor(discount, sum(entitled)), entitled)
    priced = [
        PricedLine(product, variant, line.quantity, line.properties, part)
        for (line, product, variant), part in zip(found, parts, strict=True)
    ]
    needs_shipping = shipping and any(line.variant.requires_shipping for line in priced)
    costs = _shipping_minor(sum(line.minor for line in priced)) if needs_shipping else 0
    given = costs if discount and discount.free_shipping else 0
    return Priced(priced, costs - given, discount, problem, given)


def _counts(discount: Discount | None, product: Product, variant: Variant) -> bool:
    if discount is None or discount.free_shipping:
        return False
    return not discount.limited or product.id in discount.product_ids or variant.id in discount.variant_ids


def still_sold(world: World, lines: list[CartLine]) -> list[CartLine]:
    """The lines whose variant still exists."""
    return [line for line in lines if world.products.first("variant", line.variant_id)]


def _discount(
    world: World, code: str | None, full_minor: int, customer_id: int | None, email: str | None
) -> tuple[Discount | None, str | None]:
    if not code:
        return None, None
    try:
        found = discounts.find_usable(world, code, subtotal_minor=full_minor, customer_id=customer_id, email=email)
    except Refused as refusal:
        return None, str(refusal)
    return found, None


def _discount_minor(discount: Discount | None, full_minor: int) -> int:
    if discount is None:
        return 0
    if discount.amount_minor is not None:
        return min(discount.amount_minor, full_minor)
    return min(money.share(full_minor, discount.percent_bp or 0, 10_000), full_minor)


def _shipping_minor(subtotal_minor: int) -> int:
    return 0 if subtotal_minor >= FREE_SHIPPING_FROM_MINOR else SHIPPING_MINOR
