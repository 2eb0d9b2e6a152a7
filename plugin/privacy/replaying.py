"""After a restore: who was erased since the backup is erased again.

The list names people by the store's ids alone and is kept outside the database. From those ids everything else is found
again in what was restored. Runs as the owner, because it looks at all shops.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from plugin import clock
from plugin.crypto import secrets
from plugin.errors import Invalid
from plugin.privacy.models import PrivacyRequest, ShopErasure
from plugin.privacy.operations import DAYS_TO_COMPLETE
from plugin.shops.models import Shop
from plugin.shops.people import Person

AT_ONCE = 500  # tombstones a request

_TOMBSTONES = text("""
    SELECT s.domain, e.key, e.erased_at FROM erasures e JOIN shops s ON s.id = e.shop_id
    WHERE e.erased_at >= :since AND e.key NOT LIKE 'email:%' AND e.key NOT LIKE 'phone:%'
    ORDER BY e.erased_at, e.shop_id, e.key
""")


def erased_since(owner: Engine, since: datetime) -> Iterator[str]:
    """Who and which shops were erased since a moment: lines of JSON without personal data."""
    with Session(owner) as session:
        for domain, key, erased_at in session.execute(_TOMBSTONES, {"since": since}):
            yield json.dumps({"shop": domain, "key": key, "erased_at": erased_at.isoformat()})
        shops = select(ShopErasure).where(ShopErasure.begun_at >= since).order_by(ShopErasure.id)
        for proof in session.scalars(shops):
            told = {"shop_id": proof.erased_shop_id, "domain_sha256": proof.domain_sha256.hex()}
            yield json.dumps(told | {"received_at": proof.received_at.isoformat()})


def replay(owner: Engine, lines: Iterable[str]) -> int:
    """Open requests for everybody on the list; how many. They are worked off like any other. Raises Invalid."""
    people: dict[str, list[str]] = defaultdict(list)
    gone: dict[tuple[int, str], datetime] = {}
    for number, line in enumerate(lines, 1):
        try:
            told = json.loads(line)
            if "key" in told:
                people[told["shop"]].append(told["key"])
            else:
                gone[told["shop_id"], told["domain_sha256"]] = datetime.fromisoformat(told["received_at"])
        except (ValueError, KeyError, TypeError) as error:
            raise Invalid("Line %(number)s is not of a list of erasures.", number=number) from error
    with Session(owner) as session, session.begin():
        shops = session.execute(select(Shop.id, Shop.domain)).all()
        return sum(_replay_shop(session, shop.id, people.get(shop.domain, []), _left(shop, gone)) for shop in shops)


def _left(shop: Any, gone: Mapping[tuple[int, str], datetime]) -> datetime | None:
    """When the store asked to erase this very shop; one that came back since has another id."""
    return gone.get((shop.id, hashlib.sha256(shop.domain.encode()).hexdigest()))


def _replay_shop(session: Session, shop_id: int, keys: list[str], left_at: datetime | None) -> int:
    if left_at is not None:
        # The backup may be older than its leaving.
        session.execute(update(Shop).where(Shop.id == shop_id).values(uninstalled_at=left_at))
        _open(session, shop_id, "shop/redact", (), left_at)
        return 1
    some = list(_some_at_once(sorted(keys)))
    for people in some:
        _open(session, shop_id, "customers/redact", people, clock.now(session))
    return len(some)


def _some_at_once(keys: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(keys), AT_ONCE):
        yield keys[start : start + AT_ONCE]


def _open(session: Session, shop_id: int, kind: str, keys: Iterable[str], came: datetime) -> None:
    person = _person(keys)
    digest = hashlib.sha256(person.dumped().encode()).hexdigest()[:32]
    values: dict[str, Any] = {"shop_id": shop_id, "key": f"replay:{kind}:{digest}", "kind": kind, "received_at": came}
    values |= {"due_at": came + DAYS_TO_COMPLETE, "contact": secrets.encrypt(shop_id, person.dumped())}
    again = {"state": "open", "completed_at": None, "read_to": None, "contact": values["contact"]}
    made = insert(PrivacyRequest).values(values)
    session.execute(made.on_conflict_do_update(index_elements=["shop_id", "key"], set_=again))


def _person(keys: Iterable[str]) -> Person:
    parts = [key.partition(":") for key in keys]
    return Person(
        customer_ids=frozenset(int(value) for kind, _, value in parts if kind == "customer"),
        order_ids=frozenset(int(value) for kind, _, value in parts if kind == "order"),
        tokens=frozenset(value for kind, _, value in parts if kind == "checkout"),
    )
