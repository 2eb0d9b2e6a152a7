"""Form fields of the panel: numbers and money as people type them, errors as sentences that say what to do.

Parsing keeps the typed text, so a form that is refused shows exactly what was written.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from flask import g
from flask_babel import get_locale, gettext, lazy_gettext
from wtforms import Field, Form, ValidationError
from wtforms.validators import InputRequired, Length, NumberRange, StopValidation

from admin_ui.formats import number
from plugin.errors import Invalid, RegularsError
from plugin.money import digits, major, minor

LARGEST = 10**12


def said(error: RegularsError) -> str:
    """What an error says, in the reader's language where its sentence is known to the translators."""
    return error.words(gettext, number)


class PanelForm(Form):
    """A form of the panel. Writes carry a bearer token, so there is no CSRF field."""

    def reject(self, error: Invalid) -> None:
        """Show a rule's "no" at the field it names, else above the form, in the reader's language."""
        field, words = self._fields.get(error.field), said(error)
        if field is None:
            self.form_errors.append(words)
        else:
            field.errors = [*field.errors, words]


class TypedField(Field):
    """A field whose text is parsed by `parse` and written by `write`; typed text wins when shown again."""

    data: Any
    complaint = lazy_gettext("Write a number, like 12.")

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else self.write(self.data)

    def process_formdata(self, valuelist: list[str]) -> None:
        if not valuelist or not valuelist[0].strip():
            self.data = None
            return
        try:
            self.data = self.parse(valuelist[0])
        except (InvalidOperation, ValueError, Invalid) as error:
            self.data = None
            raise ValueError(str(self.complaint)) from error

    def parse(self, text: str) -> Any:
        raise NotImplementedError

    def write(self, value: Any) -> str:
        return str(value)


class WholeField(TypedField):
    """A whole number; separators of thousands are accepted."""

    complaint = lazy_gettext("Write a whole number, like 100.")

    def parse(self, text: str) -> int:
        value = decimal(text)
        if value != value.to_integral_value():
            raise ValueError(text)
        return int(value)


class RateField(TypedField):
    """A multiplier such as 1.5, kept as an exact ratio."""

    complaint = lazy_gettext("Write a number, like 1.5.")

    def parse(self, text: str) -> Fraction:
        return Fraction(decimal(text.strip().lstrip("×x").rstrip("×x")))

    def write(self, value: Fraction) -> str:
        return number(Decimal(value.numerator) / Decimal(value.denominator))


class MoneyField(TypedField):
    """Money typed in major units, kept in minor units of the shop's currency unless another is named."""

    complaint = lazy_gettext("Write an amount, like 42.50.")

    def __init__(self, *args: Any, currency: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._currency = currency

    @property
    def currency(self) -> str:
        """The field's own currency, else the shop's."""
        return self._currency or str(g.shop.currency)

    def parse(self, text: str) -> int:
        value = decimal(text.replace(self.currency, ""))
        if value != round(value, digits(self.currency)):
            raise ValueError(text)
        return minor(value, self.currency)

    def write(self, value: int) -> str:
        return str(major(value, self.currency)).replace(".", get_locale().number_symbols["latn"]["decimal"])


def decimal(text: str) -> Decimal:
    """A number typed with the reader's separators or with plain ones: "1.234,5", "1,234.5" and "1 234,5" are one.

    Of two different separators the last is the decimal one; a single one is decimal unless it can only divide thousands
    and the reader's language uses it so. Raises InvalidOperation.
    """
    bare = re.sub(r"[\s\u00a0\u202f'’]", "", text)
    point = _decimal_mark(bare)
    whole, _, rest = bare.rpartition(point) if point else (bare, "", "")
    divided = re.fullmatch(r"-?\d{1,3}(([.,])\d{3}(\2\d{3})*)?|-?\d*", whole)
    if not divided or not re.fullmatch(r"\d*", rest) or not re.search(r"\d", bare):
        raise InvalidOperation(text)
    return Decimal(f"{re.sub('[.,]', '', whole) or '0'}.{rest or '0'}" if whole != "-" else f"-0.{rest or '0'}")


def _decimal_mark(bare: str) -> str:
    """Which of the separators in a number is the decimal one; none when all divide thousands."""
    marks = [mark for mark in bare if mark in ".,"]
    if len(set(marks)) == 2:
        return marks[-1]
    group = get_locale().number_symbols["latn"]["group"]
    if len(marks) > 1 or (marks == [group] and re.fullmatch(r"-?[1-9]\d{0,2}[.,]\d{3}", bare)):
        return ""
    return marks[0] if marks else ""


class Given(InputRequired):
    """Something other than blanks must be typed; a number that could not be read keeps its own complaint."""

    def __init__(self) -> None:
        super().__init__(lazy_gettext("This is needed."))

    def __call__(self, form: Form, field: Field) -> None:
        if field.errors:
            raise StopValidation()
        if not field.raw_data or not str(field.raw_data[0]).strip():
            raise StopValidation(str(self.message))


class Between(NumberRange):
    """A number within limits, both included."""

    def __init__(self, lowest: int, highest: int = LARGEST) -> None:
        super().__init__(lowest, highest)

    def __call__(self, form: Form, field: Field) -> None:
        if field.data is None or self.min <= field.data <= self.max:
            return
        if field.data < self.min:
            raise ValidationError(gettext("At least %(number)s.", number=number(self.min)))
        raise ValidationError(gettext("At most %(number)s.", number=number(self.max)))


class AtMost(Length):
    """A text of limited length."""

    def __init__(self, letters: int) -> None:
        super().__init__(max=letters, message=lazy_gettext("Too long: at most %(number)s letters.", number=letters))


def stripped(text: str | None) -> str:
    """A filter for text fields: no blanks around, line ends as everywhere else, never None."""
    return (text or "").replace("\r\n", "\n").strip()
