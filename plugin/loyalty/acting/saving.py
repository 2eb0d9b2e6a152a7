"""Changing the ways to earn: a new version of the programme that differs in nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from msgspec import structs
from sqlalchemy.orm import Session

from plugin.errors import NotFound, Refused
from plugin.loyalty import programs, queries
from plugin.loyalty.acting.terms import Actions, Way, check_way, next_id
from plugin.loyalty.models import Program
from plugin.shops.models import Shop

Ways = tuple[Way, ...]


def put(session: Session, shop: Shop, actor: str, way: Way, version: int) -> Way:
    """Save a way over `version`, the one that was shown; id 0 adds it at the end. Raises Invalid at the field."""
    check_way(way)
    saved = way

    def changed(ways: Ways) -> Ways:
        nonlocal saved
        if way.id == 0:
            saved = structs.replace(way, id=next_id(ways))
            return (*ways, saved)
        _found(ways, way.id)
        return tuple(way if each.id == way.id else each for each in ways)

    _save(session, shop, actor, changed, version)
    return saved


def switch(session: Session, shop: Shop, actor: str, way_id: int, active: bool) -> None:
    """Turn a way on or off. Raises NotFound."""
    _change_one(session, shop, actor, way_id, lambda way: structs.replace(way, active=active))


def remove(session: Session, shop: Shop, actor: str, way_id: int) -> None:
    """Take a way out; what it gave stays. Raises NotFound."""
    _change_one(session, shop, actor, way_id, lambda _: None)


def move_up(session: Session, shop: Shop, actor: str, way_id: int) -> None:
    """Ask a way before the one above it. Raises NotFound."""

    def changed(ways: Ways) -> Ways:
        order = list(ways)
        place = order.index(_found(ways, way_id))
        if place:
            order[place - 1], order[place] = order[place], order[place - 1]
        return tuple(order)

    _save(session, shop, actor, changed)


def find(ways: Ways, way_id: int) -> Way:
    """One of the ways. Raises NotFound."""
    return _found(ways, way_id)


def _change_one(session: Session, shop: Shop, actor: str, way_id: int, change: Callable[[Way], Way | None]) -> None:
    def changed(ways: Ways) -> Ways:
        _found(ways, way_id)
        kept = (change(way) if way.id == way_id else way for way in ways)
        return tuple(way for way in kept if way is not None)

    _save(session, shop, actor, changed)


def _save(
    session: Session, shop: Shop, actor: str, change: Callable[[Ways], Ways], version: int | None = None
) -> Program | None:
    latest = queries.latest_program(session, shop)
    if latest is None:
        raise NotFound("This way to earn does not exist.")
    if version is not None and latest.version != version:
        raise Refused("The programme was saved elsewhere meanwhile. Load the page again and repeat this.")
    ways = change(latest.document.actions.ways)
    if ways == latest.document.actions.ways:
        return None
    document = structs.replace(latest.document, actions=Actions(ways))
    return programs.save_program(session, shop, actor, replace(programs.draft_of(latest), document=document))


def _found(ways: Ways, way_id: int) -> Way:
    found = next((way for way in ways if way.id == way_id), None)
    if found is None:
        raise NotFound("This way to earn does not exist.")
    return found
