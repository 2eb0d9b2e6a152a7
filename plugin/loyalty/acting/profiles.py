"""What the merchant asks people about themselves, and what they answer.

An answer gives points once a customer and field, however often it is changed. A birthday is a month and a day; the
moment it was told or changed is kept, because points for it need some notice.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from plugin import clock
from plugin.commerce import merges
from plugin.commerce.models import Customer
from plugin.errors import Invalid, NotFound
from plugin.loyalty import queries
from plugin.loyalty.acting import recording
from plugin.loyalty.acting.models import ProfileField, ProfileValue
from plugin.shops import operations as shops
from plugin.shops.models import Shop

KINDS: Final = ("birthday", "text", "choice")
LONGEST: Final = 200
MOST_FIELDS: Final = 30
MOST_CHOICES: Final = 50
_LENGTHS: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def fields(session: Session, shop: Shop) -> Sequence[ProfileField]:
    """The fields that are asked, in the order in which they were made."""
    asked = ProfileField.shop_id == shop.id, ProfileField.archived_at.is_(None)
    return session.scalars(select(ProfileField).where(*asked).order_by(ProfileField.id)).all()


def field(session: Session, shop: Shop, field_id: int) -> ProfileField:
    """One field, asked or not. Raises NotFound."""
    found = session.get(ProfileField, (shop.id, field_id))
    if found is None:
        raise NotFound("This profile field does not exist.")
    return found


def save_field(
    session: Session, shop: Shop, actor: str, label: str, kind: str, choices: Sequence[str], field_id: int | None = None
) -> ProfileField:
    """Add a field, or change the words of one; its kind stays. Raises Invalid at the field, NotFound."""
    wanted = list(dict.fromkeys(choice.strip() for choice in choices if choice.strip()))
    found = field(session, shop, field_id) if field_id is not None else None
    _check_field(label, found.kind if found else kind, wanted)
    with _one_birthday(session):
        if found is None:
            found = _added(session, shop, kind)
        found.label, found.choices = label.strip(), wanted if found.kind == "choice" else []
    after = {"label": found.label, "kind": found.kind, "choices": wanted}
    shops.audit(session, shop, actor, "profile_field.save", f"profile_field:{found.id}", None, after)
    return found


def _check_field(label: str, kind: str, choices: Sequence[str]) -> None:
    if not 1 <= len(label.strip()) <= 80:
        raise Invalid("Enter a question of 1 to 80 letters.", "label")
    if kind not in KINDS:
        raise Invalid("Choose what kind of answer it is.", "kind")
    if kind == "choice" and not 2 <= len(choices) <= MOST_CHOICES:
        raise Invalid("Enter between 2 and %(most)s answers, one a line.", "choices", most=MOST_CHOICES)
    if any(len(choice) > LONGEST for choice in choices):
        raise Invalid("Use at most %(most)s characters.", "choices", most=LONGEST)


def _added(session: Session, shop: Shop, kind: str) -> ProfileField:
    count = select(func.count()).where(ProfileField.shop_id == shop.id, ProfileField.archived_at.is_(None))
    if (session.scalar(count) or 0) >= MOST_FIELDS:
        raise Invalid("Ask for at most %(most)s things.", "label", most=MOST_FIELDS)
    added = ProfileField(shop_id=shop.id, kind=kind, label="", choices=[], created_at=clock.now(session))
    session.add(added)
    return added


@contextmanager
def _one_birthday(session: Session) -> Iterator[None]:
    try:
        with session.begin_nested():
            yield
    except IntegrityError as error:
        raise Invalid("There is a field for the birthday already.", "kind") from error


def archive_field(session: Session, shop: Shop, actor: str, field_id: int, archived: bool = True) -> None:
    """Ask no more, or again. Answers stay. Raises NotFound, Invalid."""
    found = field(session, shop, field_id)
    with _one_birthday(session):
        found.archived_at = clock.now(session) if archived else None
    action = "profile_field.archive" if archived else "profile_field.restore"
    shops.audit(session, shop, actor, action, f"profile_field:{field_id}")


def values(session: Session, shop: Shop, customer_id: int) -> dict[int, str]:
    """What somebody answered, by field."""
    mine = ProfileValue.shop_id == shop.id, ProfileValue.customer_id == customer_id
    return dict(iter(session.execute(select(ProfileValue.field_id, ProfileValue.value).where(*mine))))


def answer(session: Session, shop: Shop, customer_id: int, answers: Mapping[int, str]) -> None:
    """Keep what a customer says; an empty one takes back what they said. Raises Invalid at `field-<id>`, NotFound."""
    kept = merges.kept_for(session, shop.id, customer_id)
    if session.get(Customer, (shop.id, kept)) is None:
        raise NotFound("This customer does not exist.")
    asked = {each.id: each for each in fields(session, shop)}
    said = {id: _read(asked[id], text) for id, text in sorted(answers.items()) if id in asked}
    now = clock.now(session)
    _forget(session, shop, kept, [id for id, value in said.items() if not value])
    given = {id: value for id, value in said.items() if value}
    whose = {"shop_id": shop.id, "customer_id": kept, "changed_at": now}
    _keep(session, [whose | {"field_id": id, "value": value} for id, value in given.items()])
    _record(session, shop, kept, given)


def _keep(session: Session, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    new = insert(ProfileValue)
    news = {"value": new.excluded.value, "changed_at": new.excluded.changed_at}
    keys = ["shop_id", "customer_id", "field_id"]
    differs = ProfileValue.value != new.excluded.value
    session.execute(new.on_conflict_do_update(index_elements=keys, set_=news, where=differs), rows)


def _forget(session: Session, shop: Shop, customer_id: int, field_ids: Collection[int]) -> None:
    mine = ProfileValue.shop_id == shop.id, ProfileValue.customer_id == customer_id
    session.execute(delete(ProfileValue).where(*mine, ProfileValue.field_id.in_(field_ids)))


def _record(session: Session, shop: Shop, customer_id: int, field_ids: Collection[int]) -> None:
    now = clock.now(session)
    program = queries.program(session, shop, now)
    things = {id: f"profile.{id}" for id in field_ids}
    recording.record(
        session,
        shop,
        [
            {"key": f"profile:{id}:{customer_id}", "customer_id": customer_id, "thing": thing, "occurred_at": now}
            for id, thing in things.items()
            if program is not None and program.document.actions.of(thing)
        ],
    )


def _read(field: ProfileField, text: str) -> str:
    value = " ".join(text.replace("\0", "").split())
    if not value:
        return ""
    if len(value) > LONGEST:
        raise Invalid("Use at most %(most)s characters.", f"field-{field.id}", most=LONGEST)
    if field.kind == "choice" and value not in field.choices:
        raise Invalid("Choose one of the answers.", f"field-{field.id}")
    if field.kind == "birthday" and not _is_day(value):
        raise Invalid("Choose a month and a day that there is.", f"field-{field.id}")
    return value


def _is_day(value: str) -> bool:
    found = re.fullmatch(r"([0-9]{2})-([0-9]{2})", value)
    return found is not None and 1 <= int(found[1]) <= 12 and 1 <= int(found[2]) <= _LENGTHS[int(found[1]) - 1]
