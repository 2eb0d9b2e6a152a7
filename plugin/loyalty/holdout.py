"""Who gets the programme and who is held out of it, so that what the programme brings can be measured.

A customer's place on a line of 10,000 is a hash of the programme's salt and the customer's id; who stands below the
share is held out. So the split is the same on every machine and after every restart, it is blind to anything a customer
does, and a share that grows or shrinks moves only those between the old mark and the new one.
"""

from __future__ import annotations

import secrets
from hashlib import sha256
from typing import Final, Literal

import msgspec

from plugin.errors import Invalid

Arm = Literal["programme", "holdout"]
PROGRAMME: Final = "programme"
HOLDOUT: Final = "holdout"

MOST_PERCENT: Final = 50
PLACES: Final = 10_000

# The same place in SQL, for sets of customers; `salt` and `customer` are the two inputs.
PLACE_SQL: Final = (
    "('x' || substr(encode(sha256(convert_to({salt} || ':' || {customer}, 'UTF8')), 'hex'), 1, 15))::bit(60)::bigint"
    " % 10000"
)


class Holdout(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The part of the programme's document: how many of a hundred customers get no benefits."""

    percent: int = 0


def arm(salt: int, percent: int, customer_id: int) -> Arm:
    """The side of a customer while `percent` of a hundred are held out."""
    return HOLDOUT if place(salt, customer_id) < percent * PLACES // 100 else PROGRAMME


def place(salt: int, customer_id: int) -> int:
    """Where a customer stands, 0 to 9,999: the first 60 bits of SHA-256 over "salt:customer", so PLACE_SQL agrees."""
    digest = sha256(f"{salt}:{customer_id}".encode()).digest()
    return (int.from_bytes(digest[:8]) >> 4) % PLACES


def check(part: Holdout) -> None:
    """Raises Invalid("percent") for a share that cannot be."""
    if not 0 <= part.percent <= MOST_PERCENT:
        raise Invalid("Hold out between 0 and %(most)s of 100 customers.", "percent", most=MOST_PERCENT)


def kept_salt(before: int | None) -> int:
    """The salt of a new version: the one of the version before it, or people would change sides; else a random one."""
    return before or secrets.randbits(62) + 1
