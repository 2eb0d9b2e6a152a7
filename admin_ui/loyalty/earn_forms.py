"""The part of the programme's form that says what an order earns: what counts, rates, multipliers, exclusions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _
from wtforms import BooleanField, Field, FieldList, FormField, RadioField, SelectField, StringField
from wtforms.fields.choices import SelectChoice

from admin_ui.formats import number, shop_zone
from admin_ui.forms import (
    AtMost,
    Between,
    Given,
    MoneyField,
    PanelForm,
    TypedField,
    WholeField,
    decimal,
    said,
    stripped,
)
from admin_ui.loyalty.tier_forms import TierForm
from plugin.errors import Invalid
from plugin.loyalty.checking import LONGEST, MOST_MULTIPLIERS
from plugin.loyalty.document import Earn, Excluded, Goods, Multiplier
from plugin.loyalty.rules import TierRules

KINDS = ("products", "collections", "tags", "vendors")
MOST_RATES = 50


class NamesField(Field):
    """Some of many, by name, in the order they were chosen."""

    def process_data(self, value: Any) -> None:
        self.data = tuple(value or ())

    def process_formdata(self, valuelist: list[str]) -> None:
        self.data = tuple(dict.fromkeys(self.coerce(word.strip()) for word in valuelist if word.strip()))

    def coerce(self, word: str) -> Any:
        return word


class NumbersField(NamesField):
    """Some of many, by number."""

    def coerce(self, word: str) -> int:
        if not word.isascii() or not word.isdigit() or len(word) > 18:
            raise ValueError(gettext("Choose from the list."))
        return int(word)


class TimesField(TypedField):
    """A multiplier as an exact ratio; one that no decimal number writes is shown as a fraction."""

    complaint = _("Write a number, like 1.5.")

    def parse(self, text: str) -> Fraction:
        above, _line, below = text.strip().strip("×x").partition("/")
        divisor = Fraction(decimal(below)) if below else Fraction(1)
        if not divisor:
            raise ValueError(text)
        return Fraction(decimal(above)) / divisor

    def write(self, value: Fraction) -> str:
        written = Decimal(value.numerator) / Decimal(value.denominator)
        shown = number(written)
        return shown if Fraction(decimal(shown)) == value else f"{value.numerator}/{value.denominator}"


class MomentField(TypedField):
    """A minute on the shop's clocks, kept as a moment in UTC."""

    complaint = _("Enter a day and a time.")

    def parse(self, text: str) -> datetime:
        local = datetime.fromisoformat(text)
        if local.tzinfo or not 2000 <= local.year <= 2100:
            raise ValueError(text)
        return local.replace(tzinfo=shop_zone()).astimezone(UTC)

    def write(self, value: datetime) -> str:
        local = value.astimezone(shop_zone()).replace(tzinfo=None)
        whole = not (local.second or local.microsecond)
        return local.isoformat(timespec="minutes" if whole else "auto")


class GoodsForm(PanelForm):
    """Some of what is sold."""

    products = NumbersField(_("Products"))
    collections = NumbersField(_("Collections"))
    tags = NamesField(_("Product tags"))
    vendors = NamesField(_("Vendors"))

    def goods(self) -> Goods:
        return Goods(**{kind: self[kind].data for kind in KINDS})


class MultiplierForm(GoodsForm):
    """One rule of points times something."""

    name = StringField(_("Name"), [Given(), AtMost(LONGEST)], filters=[stripped])
    rate = TimesField(_("Points times"), [Given()])
    weekdays = NumbersField(_("Only on"))
    starts = MomentField(_("From"))
    ends = MomentField(_("Until"))
    tiers = NamesField(_("Only for members of"))


class ExcludedForm(GoodsForm):
    """Who and what earns nothing."""

    customer_tags = NamesField(_("Customers tagged"))


class RateForm(PanelForm):
    """Points for money of another currency; the amount is in that one."""

    currency = StringField(_("Currency"), [Given()], filters=[lambda text: stripped(text).upper()])
    points = WholeField(_("Points"), [Given(), Between(0)])
    amount = MoneyField(_("for every"), [Given(), Between(1)])

    def process(self, formdata: Any = None, obj: Any = None, data: Any = None, **kwargs: Any) -> None:
        typed = formdata.get(self["currency"].name, "") if formdata else (data or kwargs).get("currency", "")
        self["amount"]._currency = stripped(typed).upper()
        super().process(formdata, obj, data=data, **kwargs)


class EarnForm(PanelForm):
    """What an order earns beside the rate of the programme."""

    rounding = SelectField(
        _("Fractions of a point"),
        choices=[
            SelectChoice("down", _("are dropped")),
            SelectChoice("nearest", _("count from a half on")),
            SelectChoice("up", _("count as a whole one")),
        ],
        default="down",
    )
    before_discounts = BooleanField(_("Prices before discounts"))
    shipping = BooleanField(_("Shipping"))
    gift_cards = BooleanField(_("Gift cards that are bought"))
    available = RadioField(
        _("When points can be spent"),
        choices=[
            SelectChoice("days", _("So many days after the order")),
            SelectChoice("fulfilled", _("So many days after all of it was sent")),
        ],
        default="days",
    )
    shortfall = RadioField(
        _("A refund takes back points that were spent already"),
        choices=[
            SelectChoice(
                "debt", _("They are owed: the next points pay for them first. The balance shows 0 until then.")
            ),
            SelectChoice("floor", _("They are written off: the balance stays at 0, and the shop bears it.")),
            SelectChoice("negative", _("They are shown as a minus: the next points fill it up.")),
        ],
        default="debt",
    )
    rates = FieldList(FormField(RateForm), max_entries=MOST_RATES)
    multipliers = FieldList(FormField(MultiplierForm), max_entries=MOST_MULTIPLIERS)
    instead_of_tier = BooleanField(_("A multiplier replaces what the tier gives, instead of coming on top of it"))
    excluded = FormField(ExcludedForm)

    def earn(self, tiers: Sequence[Any]) -> Earn:
        """What was typed; only after `validate`. `tiers` are the typed drafts of them."""
        names = _names((tier.name, tier.origin) for tier in tiers)
        return Earn(
            rates={row.currency.data: (row.points.data, row.amount.data) for row in _forms(self.rates)},
            rounding=self.rounding.data,
            before_discounts=self.before_discounts.data,
            shipping=self.shipping.data,
            gift_cards=self.gift_cards.data,
            multipliers=tuple(_multiplier(form, names) for form in _forms(self.multipliers)),
            instead_of_tier=self.instead_of_tier.data,
            excluded=Excluded(self.excluded.form.goods(), self.excluded.form.customer_tags.data),
            available=self.available.data,
            shortfall=self.shortfall.data,
        )

    def check_rows(self, tiers: Iterable[Any], currency: str) -> bool:
        """Whether rows agree with each other and with the tiers' forms; says at their fields what does not."""
        right, known = True, _names((form.name.data, form.origin.data) for form in tiers)
        for form in _forms(self.multipliers):
            gone = [shown_tier(key) for key in form.tiers.data if key not in known]
            if gone:
                right = _refuse(self.multipliers, form.tiers, gettext("No tier is called %(name)s.", name=gone[0]))
        seen = {currency}
        for form in _forms(self.rates):
            if form.currency.data in seen:
                told = gettext("This is your store's own currency, or is in the list already.")
                right = _refuse(self.rates, form.currency, told)
            seen.add(form.currency.data)
        return right

    def reject_earn(self, error: Invalid) -> bool:
        """Show an error of the rules of earning at its field; False when it is none of them."""
        first, _dash, rest = error.field.partition("-")
        if first == "excluded" and rest in self.excluded.form:
            field = self.excluded.form[rest]
            field.errors = [*field.errors, said(error)]
            return True
        if first == "rates" and rest:
            row = next(form for form in _forms(self.rates) if form.currency.data == rest)
            wrong = row.currency if "letters" in str(error) else row.points
            return not _refuse(self.rates, wrong, said(error))
        if first == "multipliers" and rest:
            place, _dash, name = rest.partition("-")
            return not _refuse(self.multipliers, self.multipliers.entries[int(place)].form[name], said(error))
        return False


def _refuse(rows: FieldList, field: Field, words: str) -> bool:
    field.errors = [*field.errors, words]
    rows.errors = [*rows.errors, words]
    return False


def _forms(rows: FieldList) -> list[Any]:
    return [entry.form for entry in rows]


def _multiplier(form: MultiplierForm, names: dict[str, str]) -> Multiplier:
    rate: Fraction = form.rate.data
    return Multiplier(
        form.name.data,
        (rate.numerator, rate.denominator),
        form.goods(),
        tuple(sorted(form.weekdays.data)),
        form.starts.data,
        form.ends.data,
        tuple(names[key] for key in form.tiers.data),
    )


def _names(tiers: Iterable[tuple[str, int | None]]) -> dict[str, str]:
    return {tier_key(name, origin): name for name, origin in tiers}


def tier_key(name: str, origin: int | None) -> str:
    """How the form names a tier: by what stays when it is renamed, where it has that."""
    return f"o{origin}" if origin and origin > 0 else f"n{name}"


def shown_tier(key: str) -> str:
    """A tier that is not there any more, as far as its key tells."""
    return key[1:] if key.startswith("n") else gettext("a tier that was removed")


def of_earn(earn: Earn, tiers: Sequence[TierRules]) -> dict[str, Any]:
    """The form's data for these rules in a version with these tiers."""
    keys = {tier.name: tier_key(tier.name, tier.origin) for tier in tiers}
    names = ("rounding", "before_discounts", "shipping", "gift_cards", "instead_of_tier", "available", "shortfall")
    return {name: getattr(earn, name) for name in names} | {
        "rates": [{"currency": code, "points": rate[0], "amount": rate[1]} for code, rate in earn.rates.items()],
        "multipliers": [_of_multiplier(rule, keys) for rule in earn.multipliers],
        "excluded": _of_goods(earn.excluded.goods) | {"customer_tags": earn.excluded.customer_tags},
    }


def _of_multiplier(rule: Multiplier, keys: dict[str, str]) -> dict[str, Any]:
    told = {"name": rule.name, "rate": Fraction(*rule.rate), "weekdays": rule.weekdays}
    tiers = tuple(keys.get(name, f"n{name}") for name in rule.tiers)
    return told | {"starts": rule.starts, "ends": rule.ends, "tiers": tiers} | _of_goods(rule.goods)


def _of_goods(goods: Goods) -> dict[str, Any]:
    return {kind: getattr(goods, kind) for kind in KINDS}


def blanks() -> dict[str, PanelForm]:
    """Empty rows, for the page's templates."""
    return {
        "blank_multiplier": MultiplierForm(prefix="multipliers-__index__-"),
        "blank_rate": RateForm(prefix="rates-__index__-"),
    }


def offered_tiers(forms: Iterable[TierForm]) -> list[tuple[str, str]]:
    """The form's own tiers, to choose from."""
    return [(tier_key(form.name.data, form.origin.data), form.name.data) for form in forms if form.name.data]
