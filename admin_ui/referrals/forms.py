"""The form of what a referral brings."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _
from wtforms import BooleanField, HiddenField, RadioField, SelectField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Optional

from admin_ui.forms import Between, Given, MoneyField, PanelForm, WholeField
from plugin.errors import Invalid
from plugin.loyalty.referring.terms import LARGEST, Referrals


class TermsForm(PanelForm):
    """Both sides of a referral, and what is held to be none."""

    enabled = BooleanField(_("Reward referrals"))
    points = WholeField(_("Points for who invites"), [Given(), Between(0, LARGEST)])
    friend_kind = SelectField(
        _("The friend gets"),
        choices=[SelectChoice("amount", _("an amount off")), SelectChoice("percent", _("a percentage off"))],
    )
    friend_amount = MoneyField(_("Amount off"), [Optional(), Between(1, LARGEST)])
    friend_percent = WholeField(_("Percent off"), [Optional(), Between(1, 100)])
    minimum_minor = MoneyField(_("First order of at least"), [Optional(), Between(0, LARGEST)])
    claim_days = WholeField(_("The code is good for"), [Given(), Between(1, 365)])
    hold_days = WholeField(_("Rewarded after"), [Given(), Between(0, 365)])
    monthly_cap = WholeField(_("Rewards a month, for each customer"), [Optional(), Between(1, 100_000)])
    daily_claims = WholeField(_("Invitations taken up a day"), [Given(), Between(1, 10_000)])
    household = RadioField(
        _("Friends at the same address"),
        choices=[
            SelectChoice("once", _("The first one counts, you look at the next")),
            SelectChoice("review", _("You look at each")),
            SelectChoice("allow", _("They count like everybody")),
            SelectChoice("block", _("None counts")),
        ],
    )
    version = HiddenField()

    def terms(self) -> Referrals:
        """What was typed; only after `validate`."""
        names = ("enabled", "points", "claim_days", "hold_days", "monthly_cap", "daily_claims", "household")
        kind = self.friend_kind.data
        value = (self.friend_percent if kind == "percent" else self.friend_amount).data
        said = {name: self[name].data for name in names}
        least = self.minimum_minor.data or 0
        return Referrals(**said, friend_kind=kind, friend_value=value or 0, minimum_minor=least)

    @property
    def shown(self) -> int:
        """The version that was shown; 0 for none."""
        said = self.version.data or ""
        return int(said) if said.isascii() and said.isdigit() and len(said) < 10 else 0

    def reject(self, error: Invalid) -> None:
        """The friend's value stands in the field of its kind."""
        if error.field == "friend_value":
            field = self.friend_percent if self.friend_kind.data == "percent" else self.friend_amount
            error = Invalid.at(field.name, error)
        super().reject(error)


def of_terms(terms: Referrals, version: int, currency_unit: int) -> dict[str, Any]:
    """The form's data for terms as they are; `currency_unit` is 1.00 in minor units."""
    data = {name: getattr(terms, name) for name in Referrals.__struct_fields__ if name != "friend_value"}
    percent = terms.friend_value if terms.friend_kind == "percent" else 10
    amount = terms.friend_value if terms.friend_kind == "amount" else 5 * currency_unit
    return data | {"version": str(version), "friend_amount": amount, "friend_percent": percent}
