"""What stands above this feature and holds personal data all the same: the inbox. The composition root hands it in."""

from __future__ import annotations

from typing import Any, Protocol

from sqlalchemy.orm import Session

from plugin.shops.models import Shop
from plugin.shops.people import Person


class Chunk(Protocol):
    """A stretch of the inbox that was gone through (plugin.sync.erasing)."""

    @property
    def read_to(self) -> str | None: ...
    @property
    def emptied(self) -> int: ...
    @property
    def waits(self) -> bool: ...
    @property
    def bodies(self) -> tuple[dict[str, Any], ...]: ...


class Bodies(Protocol):
    """The inbox, as `plugin.sync.erasing` has it."""

    def wait_for_turn(self, session: Session, shop_id: int) -> None: ...
    def erase_bodies(self, session: Session, shop: Shop, person: Person, after: str) -> Chunk: ...
    def export_bodies(self, session: Session, shop: Shop, person: Person, after: str) -> Chunk: ...


_bodies: list[Bodies] = []


def use(inbox: Bodies) -> None:
    """Said once by the composition root."""
    _bodies[:] = [inbox]


def bodies() -> Bodies:
    """The inbox that was handed in."""
    return _bodies[0]
