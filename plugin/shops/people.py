"""One person as a request about personal data finds them: everything by which rows of a shop may name them."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True)
class Person:
    """Ids of the store's customer records, addresses in lower case, phone numbers as written, their orders and carts.

    An address or number that another living customer has is that customer's and stands in nobody else's list.
    """

    customer_ids: frozenset[int] = frozenset()
    emails: frozenset[str] = frozenset()
    phones: frozenset[str] = frozenset()
    order_ids: frozenset[int] = frozenset()
    tokens: frozenset[str] = frozenset()  # of checkouts

    def dumped(self) -> str:
        """As JSON, for keeping it sealed while a request is worked on."""
        return json.dumps({field.name: sorted(getattr(self, field.name)) for field in fields(self)})

    @classmethod
    def loaded(cls, dumped: str) -> Person:
        told: dict[str, Any] = json.loads(dumped)
        return cls(**{name: frozenset(values) for name, values in told.items()})

    def named(self) -> dict[str, Any]:
        """The lists as values of a statement."""
        return {field.name: sorted(getattr(self, field.name)) for field in fields(self)}
