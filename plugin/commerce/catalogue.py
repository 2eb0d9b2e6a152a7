"""Collections as the store has them: all by title, and the products of those that somebody's rules name.

The store tells of a collection that was edited, not of a product that a rule now puts into it. So what is named is
read again whenever it or a product changed, and all of it once a day; each is one effect, and one that waits is enough.
"""

from __future__ import annotations

from collections.abc import Collection as Some
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from plugin import clock
from plugin.commerce.models import Collection, CollectionProduct
from plugin.effects import operations as effects
from plugin.effects.models import Effect
from plugin.shops import api
from plugin.shops.models import Shop

ALL: Final = "collections"  # kind of the effect that reads titles; its one key is the same word
ONE: Final = "collection"  # kind of the effect that reads one with its products; its key is the id
EVERY: Final = timedelta(days=1)
MOST_PAGES: Final = 200
UNDER_WAY: Final = ("pending", "claimed", "calling")
_GID: Final = "gid://shopify/Collection/"


def ask(session: Session, shop: Shop, ids: Some[int]) -> None:
    """Read these with their products anew, once all that somebody waits for is done."""
    wanted: dict[str, dict[str, Any]] = {str(id): {"id": id} for id in ids}
    effects.record_all(session, shop.id, ONE, wanted, again=True, patient=True)


def awaits(session: Session, shop: Shop, ids: Some[int]) -> bool:
    """Whether one of these is about to be read."""
    asked = Effect.shop_id == shop.id, Effect.kind == ONE, Effect.key.in_([str(id) for id in ids])
    first = select(Effect.id).where(*asked, Effect.done_at.is_(None), Effect.state.in_(UNDER_WAY))
    return bool(ids) and session.scalar(first.limit(1)) is not None


def ask_due(session: Session, shop: Shop, named: Some[int]) -> None:
    """Read titles, and what is named, unless that was done within a day."""
    if "read_products" not in shop.scopes:
        return
    fresh = select(Effect.kind, Effect.key).where(
        Effect.shop_id == shop.id,
        Effect.kind.in_((ALL, ONE)),
        (Effect.done_at > func.clock_timestamp() - EVERY) | Effect.state.in_(UNDER_WAY),
    )
    done = {tuple(row) for row in session.execute(fresh)}
    if (ALL, ALL) not in done:
        effects.record_all(session, shop.id, ALL, {ALL: {}}, again=True, patient=True)
    ask(session, shop, [id for id in named if (ONE, str(id)) not in done])


def read_titles(shop: Shop, payload: dict[str, Any]) -> dict[str, Any]:
    """All collections without their products; `whole` unless the store has more than are read."""
    nodes: list[dict[str, Any]] = []
    page: dict[str, Any] = {}
    for page in _pages(lambda after: api.execute(shop, "CollectionsNow", {"after": after})["collections"]):
        nodes += page["nodes"]
    return {"collections": [_told(node) for node in nodes], "whole": not page["pageInfo"]["hasNextPage"]}


def keep_titles(session: Session, shop: Shop, payload: dict[str, Any], answer: dict[str, Any]) -> None:
    """Write them; what the store does not list any more is gone."""
    _write(session, shop, answer["collections"])
    if answer["whole"]:
        listed = [told["id"] for told in answer["collections"]]
        gone = Collection.shop_id == shop.id, Collection.id.not_in(listed), Collection.deleted_at.is_(None)
        session.execute(update(Collection).where(*gone).values(deleted_at=clock.now(session)))
    _shorten(session, shop, ALL, ALL, {"found": len(answer["collections"])})


def read_one(shop: Shop, payload: dict[str, Any]) -> dict[str, Any]:
    """One collection with its products' ids; {"collection": None} when the store has none."""
    found: dict[str, Any] | None = None
    products: list[int] = []

    def page(after: str | None) -> dict[str, Any] | None:
        nonlocal found
        asked = {"id": f"{_GID}{payload['id']}", "after": after}
        found = api.execute(shop, "CollectionNow", asked)["collection"]
        return found and found["products"]

    for part in _pages(page):
        products += [_number(node["id"]) for node in part["nodes"]]
    return {"collection": _told(found) if found else None, "products": sorted(set(products))}


def keep_one(session: Session, shop: Shop, payload: dict[str, Any], answer: dict[str, Any]) -> None:
    """Write it and exactly these products."""
    id = int(payload["id"])
    if answer["collection"] is None:
        bury(session, shop, id)
    else:
        _write(session, shop, [answer["collection"]])
        within = CollectionProduct.shop_id == shop.id, CollectionProduct.collection_id == id
        session.execute(
            delete(CollectionProduct).where(*within, CollectionProduct.product_id.not_in(answer["products"]))
        )
        rows = [{"shop_id": shop.id, "collection_id": id, "product_id": product} for product in answer["products"]]
        if rows:
            session.execute(insert(CollectionProduct).on_conflict_do_nothing(), rows)
    _shorten(session, shop, ONE, str(id), {"found": answer["collection"] is not None})


def bury(session: Session, shop: Shop, id: int, at: datetime | None = None) -> None:
    """It is gone from the store: its title stays for rules that name it, its products do not."""
    session.execute(
        delete(CollectionProduct).where(CollectionProduct.shop_id == shop.id, CollectionProduct.collection_id == id)
    )
    there = Collection.shop_id == shop.id, Collection.id == id, Collection.deleted_at.is_(None)
    session.execute(update(Collection).where(*there).values(deleted_at=at or clock.now(session)))


def tell(session: Session, shop: Shop, id: int, title: str, handle: str, updated_at: datetime | None) -> None:
    """What the store says of one in passing."""
    stamp = (updated_at or clock.now(session)).isoformat()
    _write(session, shop, [{"id": id, "title": title, "handle": handle, "updated_at": stamp}])


def _write(session: Session, shop: Shop, told: list[dict[str, Any]]) -> None:
    if not told:
        return
    rows = [{"shop_id": shop.id, **each, "updated_at": datetime.fromisoformat(each["updated_at"])} for each in told]
    made = insert(Collection)
    said = {name: made.excluded[name] for name in ("title", "handle", "updated_at")} | {"deleted_at": None}
    newer = (Collection.updated_at.is_(None)) | (Collection.updated_at <= made.excluded.updated_at)
    session.execute(
        made.on_conflict_do_update(index_elements=["shop_id", "id"], set_=said, where=newer),
        [row | {"version": b""} for row in rows],
    )


def _shorten(session: Session, shop: Shop, kind: str, key: str, result: dict[str, Any]) -> None:
    """What was read is in the mirror now; the outbox keeps only that it was."""
    mine = Effect.shop_id == shop.id, Effect.kind == kind, Effect.key == key
    session.execute(update(Effect).where(*mine).values(result=result))


def _pages(read: Any) -> Iterator[dict[str, Any]]:
    after = None
    for _page in range(MOST_PAGES):
        page = read(after)
        if page is None:
            return
        yield page
        if not page["pageInfo"]["hasNextPage"]:
            return
        after = page["pageInfo"]["endCursor"]


def _told(node: dict[str, Any]) -> dict[str, Any]:
    kept = {name: node[name] for name in ("title", "handle")}
    return {"id": _number(node["id"]), **kept, "updated_at": node["updatedAt"]}


def _number(gid: str) -> int:
    return int(gid.rpartition("/")[2])
