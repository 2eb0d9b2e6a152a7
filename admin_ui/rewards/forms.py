"""The form of a reward of any kind, and the draft it makes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from flask import g
from flask_babel import lazy_gettext as _
from wtforms import BooleanField, DateField, HiddenField, SelectField, SelectMultipleField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Optional

from admin_ui.forms import AtMost, Between, Given, MoneyField, PanelForm, TypedField, WholeField, decimal, stripped
from plugin.errors import Invalid
from plugin.loyalty.rewards import MOST_POINTS, RewardDraft
from plugin.loyalty.terms import KINDS, MONEY_KINDS, Chosen, Terms

OF_KIND = {
    "value_minor": MONEY_KINDS,
    "percent_bp": ("percent_off",),
    "variant_id": ("free_product",),
}


class PercentField(TypedField):
    """A percentage with up to two digits behind the point, kept in basis points."""

    complaint = _("Write a percentage, like 10 or 12.5.")

    def parse(self, text: str) -> int:
        value = decimal(text.replace("%", "")) * 100
        if value != value.to_integral_value():
            raise ValueError(text)
        return int(value)

    def write(self, value: int) -> str:
        return f"{Decimal(value) / 100:f}".rstrip("0").rstrip(".") if value % 100 else str(value // 100)


class ManyField(SelectMultipleField):
    """Some of many, by number."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, coerce=int, validate_choice=False, choices=[], **kwargs)


class RewardForm(PanelForm):
    """What points buy. Which fields a kind has is said by `has`."""

    kind = HiddenField(default="amount_off")
    name = StringField(_("Name"), [Given(), AtMost(80)], filters=[stripped])
    cost_points = WholeField(_("Costs"), [Given(), Between(1, MOST_POINTS)])
    value_minor = MoneyField(_("Amount"), [Given(), Between(1)])
    percent_bp = PercentField(_("Percentage"), [Given(), Between(1)])
    variant_id = SelectField(_("Product"), validate_choice=False)
    least = WholeField(_("Fewest points"), [Optional(), Between(1, MOST_POINTS)])
    most = WholeField(_("Most points"), [Optional(), Between(1, MOST_POINTS)])
    minimum_minor = MoneyField(_("For orders of at least"), [Optional(), Between(0)])
    products = ManyField(_("Only for these products"))
    collections = ManyField(_("Only for these collections"))
    with_order = BooleanField(_("Discounts on the whole order"))
    with_product = BooleanField(_("Discounts on products"))
    with_shipping = BooleanField(_("Discounts on shipping"))
    valid_days = WholeField(_("Valid for"), [Given(), Between(1, 730)])
    comes_back = BooleanField(_("Points come back when it runs out unused"))
    may_return = BooleanField(_("Shoppers can give it back unused"))
    per_customer = WholeField(_("Per customer at most"), [Optional(), Between(1, 10_000)])
    per_period = SelectField(
        _("Within"),
        choices=[
            SelectChoice("ever", _("all time")),
            SelectChoice("day", _("a day")),
            SelectChoice("week", _("a week")),
            SelectChoice("month", _("a month")),
            SelectChoice("year", _("a year")),
        ],
        validate_choice=False,
    )
    stock = WholeField(_("How many there are"), [Optional(), Between(0, MOST_POINTS)])
    budget_minor = MoneyField(_("Budget a month"), [Optional(), Between(1)])
    cost_minor = MoneyField(_("What one costs you"), [Optional(), Between(0)])
    starts_on = DateField(_("From"), [Optional()])
    ends_on = DateField(_("Until and including"), [Optional()])
    active = BooleanField(_("Shoppers can redeem it"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.kind.data not in KINDS:
            self.kind.data = "amount_off"
        for name, kinds in OF_KIND.items():
            if self.kind.data not in kinds:
                self[name].validators = []

    def offer_goods(self, variants: Sequence[tuple[str, str]], products: Any, collections: Any) -> None:
        """Fill the lists that goods are chosen from: pairs of a value and its words."""
        self.variant_id.choices = [SelectChoice(value, label) for value, label in variants]
        self.products.choices, self.collections.choices = list(products), list(collections)

    def reject(self, error: Invalid) -> None:
        """A moment that is wrong stands at the day it was typed as."""
        names = {"starts_at": "starts_on", "ends_at": "ends_on"}
        super().reject(Invalid.at(names.get(error.field, error.field), error))

    def draft(self) -> RewardDraft:
        """What was typed, for the operations; only after `validate`."""
        return RewardDraft(
            name=self.name.data,
            kind=self.kind.data,
            cost_points=self.cost_points.data,
            value_minor=self.value_minor.data or 0,
            minimum_minor=self.minimum_minor.data or 0,
            valid_days=self.valid_days.data,
            active=self.active.data,
            terms=self._terms(),
        )

    def _terms(self) -> Terms:
        product_id, _sep, variant_id = (self.variant_id.data or "").partition("/")
        return Terms(
            percent_bp=self.percent_bp.data or 0,
            product_id=int(product_id) if product_id.isdigit() else 0,
            variant_id=int(variant_id) if variant_id.isdigit() else 0,
            chosen=self._chosen(),
            products=tuple(self.products.data or ()),
            collections=tuple(self.collections.data or ()),
            combines=tuple(name for name in ("order", "product", "shipping") if self[f"with_{name}"].data),  # type: ignore[misc]
            comes_back=self.comes_back.data,
            keep=not self.may_return.data,
            per_customer=self.per_customer.data,
            per_period=self.per_period.data or "ever",
            stock=self.stock.data,
            budget_minor=self.budget_minor.data,
            cost_minor=self.cost_minor.data,
            starts_at=_begin(self.starts_on.data),
            ends_at=_begin(self.ends_on.data, days=1),
        )

    def _chosen(self) -> Chosen | None:
        if self.least.data is None and self.most.data is None:
            return None
        return Chosen(self.least.data or self.cost_points.data, self.most.data or 0)


def of_draft(draft: RewardDraft) -> dict[str, Any]:
    """The form's data for a reward as it is."""
    said = draft.terms
    plain = ("percent_bp", "products", "collections", "comes_back", "per_customer", "per_period", "stock")
    money = ("budget_minor", "cost_minor")
    names = ("kind", "name", "cost_points", "value_minor", "minimum_minor", "valid_days", "active")
    return {
        **{name: getattr(draft, name) for name in names},
        **{name: getattr(said, name) for name in (*plain, *money)},
        **{f"with_{name}": name in said.combines for name in ("order", "product", "shipping")},
        "variant_id": f"{said.product_id}/{said.variant_id}" if said.variant_id else "",
        "least": said.chosen.least if said.chosen else None,
        "most": said.chosen.most if said.chosen else None,
        "may_return": not said.keep,
        "starts_on": _day(said.starts_at),
        "ends_on": _day(said.ends_at - timedelta(days=1)) if said.ends_at else None,
    }


def suggested(kind: str, unit: int) -> dict[str, Any]:
    """A reward that can be saved with a name; `unit` is 1.00 in minor units."""
    worth = {"percent_off": {"percent_bp": 1000}, "free_shipping": {}, "free_product": {}}.get(kind)
    return {
        "kind": kind,
        "cost_points": 250,
        "valid_days": 365 if kind in ("gift_card", "store_credit") else 90,
        "active": True,
        "may_return": True,
        "comes_back": True,
        "with_product": True,
        "with_shipping": kind != "free_shipping",
        "per_period": "ever",
        **({"value_minor": 5 * unit} if worth is None else worth),
    }


def _begin(day: date | None, days: int = 0) -> datetime | None:
    """The first moment of a day in the shop's time zone, as UTC."""
    if day is None:
        return None
    return datetime.combine(day + timedelta(days=days), time(0), ZoneInfo(g.shop.timezone)).astimezone(UTC)


def _day(moment: datetime | None) -> date | None:
    return moment.astimezone(ZoneInfo(g.shop.timezone)).date() if moment else None
