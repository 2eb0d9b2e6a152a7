"""One call of the Admin API: the store, the scopes that count, and whether it runs as a bulk operation."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from plugin.sandbox.declaration import Declaration
from plugin.sandbox.order_records import Order
from plugin.sandbox.settings import Settings
from plugin.sandbox.world import World

VISIBLE_ORDERS = timedelta(days=60)


@dataclass
class Api:
    """Handed to every node. In a bulk query `window` limits the root connection; `root` keeps its sorted rows."""

    world: World
    settings: Settings
    declaration: Declaration
    bulk: bool = False
    window: slice | None = None
    root: list[Any] | None = None

    @cached_property
    def scopes(self) -> frozenset[str]:
        """What was granted; who may write may read."""
        installation = self.world.installation
        granted = set(installation.scopes if installation else ())
        granted |= {scope.replace("write_", "read_", 1) for scope in granted if scope.startswith("write_")}
        return frozenset(granted)

    def orders(self) -> list[Order]:
        """Orders the app may see: of the last 60 days, or all with `read_all_orders`."""
        return [order for order in self.world.orders if self.sees(order)]

    def sees(self, order: Order) -> bool:
        """Whether the app may see this order."""
        return order.created_at >= self._since

    @cached_property
    def _since(self) -> datetime:
        if "read_all_orders" in self.scopes:
            return datetime.min.replace(tzinfo=self.world.now().tzinfo)
        return self.world.now() - VISIBLE_ORDERS
