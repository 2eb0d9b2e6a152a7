"""Who was erased, so that late news, comparisons and imports do not bring them back.

Ids stay erased for ever. An address or number is kept under the shop's veil and covers what is older than the erasure:
whoever uses it later is a new person.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import Text, any_, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from plugin.privacy.models import Erasure
from plugin.shops.people import Person
from plugin.shops.veils import Veil


def keys(person: Person, veil: Veil) -> list[str]:
    """The tombstones' keys of a person."""
    return [
        *(f"customer:{id}" for id in person.customer_ids),
        *(f"order:{id}" for id in person.order_ids),
        *(f"checkout:{token}" for token in person.tokens),
        *(f"email:{veil.over(email)}" for email in person.emails),
        *(f"phone:{veil.over(phone)}" for phone in person.phones),
    ]


def put(session: Session, shop_id: int, keys: Collection[str], erased_at: datetime) -> None:
    """Remember these keys; of one that stands already the later moment counts."""
    if not keys:
        return
    made = upsert(Erasure).values([{"shop_id": shop_id, "key": key, "erased_at": erased_at} for key in sorted(keys)])
    later = {"erased_at": made.excluded.erased_at}
    session.execute(
        made.on_conflict_do_update(
            index_elements=["shop_id", "key"], set_=later, where=Erasure.erased_at < made.excluded.erased_at
        )
    )


def among(session: Session, shop_id: int, keys: Collection[str]) -> Mapping[str, datetime]:
    """Those of the keys that stand for somebody erased, each with the moment."""
    if not keys:
        return {}
    listed = Erasure.key == any_(literal(sorted(keys), ARRAY(Text)))
    rows = session.execute(select(Erasure.key, Erasure.erased_at).where(Erasure.shop_id == shop_id, listed))
    return dict(iter(rows))
