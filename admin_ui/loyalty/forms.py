"""The forms of the programme and its rewards, and the drafts they make."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from flask import g
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from msgspec import structs
from wtforms import FieldList, FormField, IntegerField, RadioField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Optional

from admin_ui.forms import AtMost, Between, Given, MoneyField, WholeField, said, stripped
from admin_ui.loyalty.earn_forms import EarnForm, of_earn
from admin_ui.loyalty.tier_forms import LadderForm, TierForm, of_ladder, of_tier, tier_draft
from plugin.errors import Invalid
from plugin.loyalty.document import PLAIN, Document
from plugin.loyalty.programs import MOST_TIERS, ProgramDraft
from plugin.loyalty.rules import ProgramRules


class ProgramForm(EarnForm, LadderForm):
    """The rules of the programme."""

    name = StringField(_("Name of the programme"), [Given(), AtMost(80)], filters=[stripped])
    points_one = StringField(_("One point is called"), [Given(), AtMost(30)], filters=[stripped])
    points_many = StringField(_("Many are called"), [Given(), AtMost(30)], filters=[stripped])
    earn_points = WholeField(_("Points"), [Given(), Between(0)])
    earn_per_minor = MoneyField(_("for every"), [Given(), Between(1)])
    tax_basis = SelectField(
        _("Prices that count"),
        choices=[
            SelectChoice("shown", _("as your store shows them")),
            SelectChoice("with", _("with tax")),
            SelectChoice("without", _("without tax")),
        ],
        default="shown",
    )
    return_days = WholeField(_("Return window"), [Given(), Between(0, 365)])
    expiry_days = WholeField(_("Expiry"), [Optional(), Between(1, 3650)])
    tier_days = WholeField(_("The last"), [Given(), Between(1, 1825)])
    tiers = FieldList(FormField(TierForm), max_entries=MOST_TIERS)
    starts = RadioField(
        _("When it starts"),
        choices=[
            SelectChoice("now", _("With orders from now on")),
            SelectChoice("past", _("With all past orders that are imported")),
        ],
        default="past",
    )
    version = IntegerField(validators=[Optional()])  # the one it was made from

    def draft(self, paused: bool = False, document: Document = PLAIN) -> ProgramDraft:
        """What was typed, for the operations; only after `validate`."""
        names = ("name", "points_one", "points_many", "earn_points", "earn_per_minor", "return_days")
        said = {name: self[name].data for name in (*names, "expiry_days", "tier_days", "tax_basis")}
        tiers = tuple(tier_draft(entry.form) for entry in self.tiers)
        kept = structs.replace(self.ladder(document), earn=self.earn(tiers))
        return ProgramDraft(**said, paused=paused, tiers=tiers, document=kept)

    def validate(self, extra_validators: Any = None) -> bool:
        """Where spend counts, every tier that is not given by hand needs its amount."""
        right = super().validate(extra_validators)
        for entry in self.tiers if "spend" in (self.metrics.data or ["spend"]) else ():
            field = entry.form.threshold_minor
            if field.data is None and not field.errors and not entry.form.manual.data:
                field.errors = [*field.errors, gettext("Enter an amount.")]
                self.tiers.errors = [*self.tiers.errors, *field.errors]
                right = False
        return self.check_rows([entry.form for entry in self.tiers], g.shop.currency) and right

    def reject(self, error: Invalid) -> None:
        """Errors of tiers come as `tiers-<position>-<name>`, those of earning as its rules name them."""
        if self.reject_earn(error):
            return
        parts = error.field.split("-", 2)
        if len(parts) == 3 and parts[0] == "tiers":
            entry = self.tiers.entries[int(parts[1])].form
            entry[parts[2]].errors = [*entry[parts[2]].errors, said(error)]
            self.tiers.errors = [*self.tiers.errors, said(error)]
            return
        super().reject(error)


def of_program(program: ProgramRules) -> dict[str, Any]:
    """The form's data for a version as it is in force."""
    names = [name for name in ProgramRules._fields if name not in ("tiers", "document")]
    columns = {name: getattr(program, name) for name in names}
    earn = of_earn(program.document.earn, program.tiers)
    return columns | earn | of_ladder(program.document.tiers) | {"tiers": [of_tier(tier) for tier in program.tiers]}


def suggested(currency_unit: int) -> dict[str, Any]:
    """A programme that can be launched as it stands; `currency_unit` is 1.00 in minor units."""
    return {
        "name": gettext("Loyalty programme"),
        "points_one": gettext("point"),
        "points_many": gettext("points"),
        "earn_points": 1,
        "earn_per_minor": currency_unit,
        "tax_basis": "shown",
        "return_days": 14,
        "expiry_days": 365,
        "tier_days": 365,
        **of_earn(PLAIN.earn, ()),
        **of_ladder(PLAIN.tiers),
        "tiers": [
            {"name": gettext("Regular"), "threshold_minor": 100 * currency_unit, "rate": Fraction(5, 4)},
            {"name": gettext("Insider"), "threshold_minor": 300 * currency_unit, "rate": Fraction(3, 2)},
        ],
    }
