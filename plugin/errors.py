"""The one family of errors, mapped to HTTP once (admin_ui) and to retries once (effects, sync).

    RegularsError
    ├── NotFound            404
    ├── Invalid(field)      422, shown at the field
    ├── Refused             409, a business rule said no
    └── RemoteError         502 in a view
        ├── Throttled(after)   retried then
        ├── Unavailable        retried with back-off
        │   └── OutcomeUnknown it may have happened: looked up before it is repeated
        └── Unauthorized       never retried: the shop must be opened again

Every message is a sentence for the person who reads it: the thing, the reason, the way out. What varies in it is named
and kept apart (`Invalid("Use at most %(most)s letters.", "name", most=80)`), so that it can be said in any language.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class RegularsError(Exception):
    """Anything the product says no with."""

    status = 500

    def __init__(self, sentence: str = "", **values: Any) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.values = values

    def words(self, translate: Callable[[str], str] = str, number: Callable[[int], str] = "{:,}".format) -> str:
        """The sentence with its values, in the language of `translate` and with whole numbers written by `number`."""
        sentence = translate(self.sentence) if self.sentence else ""
        told = {name: number(value) if type(value) is int else value for name, value in self.values.items()}
        return sentence % told if told else sentence

    def __str__(self) -> str:
        return self.words()


class NotFound(RegularsError):
    """The thing does not exist, or belongs to another shop: the two look the same."""

    status = 404


class Invalid(RegularsError):
    """What was typed or sent cannot be used; `field` names where it was typed."""

    status = 422

    def __init__(self, sentence: str, field: str = "", **values: Any) -> None:
        super().__init__(sentence, **values)
        self.field = field

    @classmethod
    def at(cls, field: str, error: RegularsError) -> Invalid:
        """What another error says, shown at `field`."""
        return cls(error.sentence, field, **error.values)


class Refused(RegularsError):
    """A business rule said no; subclasses stand beside the rule."""

    status = 409


class RemoteError(RegularsError):
    """The other side failed or did not answer."""

    status = 502


class Throttled(RemoteError):
    """The other side asks for patience: try again after `after` seconds."""

    def __init__(self, sentence: str, after: float, **values: Any) -> None:
        super().__init__(sentence, **values)
        self.after = after


class Unavailable(RemoteError):
    """No answer, or a 5xx: try again with back-off."""


class OutcomeUnknown(Unavailable):
    """The request left and no usable answer came: it may have happened, so it is looked up, never repeated blindly."""


class Unauthorized(RemoteError):
    """The token is dead: never retried, the shop must be opened again."""
