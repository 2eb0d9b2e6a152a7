"""The part of the programme's form that makes the ladder of tiers."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import msgspec
from flask_babel import lazy_gettext as _
from wtforms import BooleanField, IntegerField, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Optional

from admin_ui.forms import AtMost, Between, Given, MoneyField, PanelForm, RateField, WholeField, stripped
from plugin.loyalty.document import Document
from plugin.loyalty.programs import TierDraft
from plugin.loyalty.rules import TierRules
from plugin.loyalty.tiers.terms import LONGEST_PREFIX, METRICS, Ladder, Metric, TierTerms

OTHERS: tuple[Metric, ...] = ("points", "orders", "referrals")


class TierForm(PanelForm):
    """One tier. An empty number to stay asks for what entering asks."""

    name = StringField(_("Name"), [Given(), AtMost(60)], filters=[stripped])
    threshold_minor = MoneyField(_("From spend of"), [Optional(), Between(0)])
    rate = RateField(_("Points times"), [Given()])
    origin = IntegerField(validators=[Optional()])
    entry_points = WholeField(_("From points earned"), [Optional(), Between(0)])
    entry_orders = WholeField(_("From orders"), [Optional(), Between(0)])
    entry_referrals = WholeField(_("From invited friends"), [Optional(), Between(0)])
    keep_spend = MoneyField(_("Spend to stay"), [Optional(), Between(0)])
    keep_points = WholeField(_("Points to stay"), [Optional(), Between(0)])
    keep_orders = WholeField(_("Orders to stay"), [Optional(), Between(0)])
    keep_referrals = WholeField(_("Friends to stay"), [Optional(), Between(0)])
    reward_points = WholeField(_("Points for entering"), [Optional(), Between(0)])
    perks = TextAreaField(_("What members get"))
    hidden = BooleanField(_("Hidden until somebody is in it"))
    manual = BooleanField(_("Given by hand alone"))


class LadderForm(PanelForm):
    """What all tiers share."""

    metrics = SelectMultipleField(
        _("What counts"),
        choices=[
            SelectChoice("spend", _("Spend, net of refunds")),
            SelectChoice("points", _("Points earned with orders")),
            SelectChoice("orders", _("Orders")),
            SelectChoice("referrals", _("Invited friends who bought")),
        ],
    )
    match = SelectField(
        _("When several things count"),
        choices=[SelectChoice("all", _("all are needed")), SelectChoice("any", _("one of them is enough"))],
        default="all",
    )
    window = SelectField(
        _("Over which time"),
        choices=[
            SelectChoice("days", _("the last days")),
            SelectChoice("year", _("the calendar year")),
            SelectChoice("lifetime", _("all time")),
        ],
        default="days",
    )
    downgrade = SelectField(
        _("When it is no longer enough"),
        choices=[
            SelectChoice("at_once", _("the tier is lost")),
            SelectChoice("year_end", _("the tier is lost at the end of the year")),
            SelectChoice("one_step", _("one tier down, then the next")),
            SelectChoice("never", _("the tier stays for ever")),
        ],
        default="at_once",
    )
    grace_days = WholeField(_("Grace"), [Optional(), Between(0, 365)])
    tag_prefix = StringField(_("Tag customers in the store with"), [AtMost(LONGEST_PREFIX)])
    metafield = BooleanField(_("Write the tier into a metafield for themes and apps"))
    mail_up = BooleanField(_("Mail who reaches a tier"))
    mail_risk = BooleanField(_("Mail who is about to lose a tier"))

    def ladder(self, document: Document) -> Document:
        """The document with the typed ladder in it."""
        said: dict[str, Any] = {
            "metrics": tuple(metric for metric in METRICS if metric in (self.metrics.data or ())) or ("spend",),
            "match": self.match.data,
            "window": self.window.data,
            "downgrade": self.downgrade.data,
            "grace_days": self.grace_days.data or 0,
            "tag_prefix": (self.tag_prefix.data or "").lstrip(),
            **{name: bool(self[name].data) for name in ("metafield", "mail_up", "mail_risk")},
        }
        return msgspec.structs.replace(document, tiers=Ladder(**said))


def tier_draft(form: TierForm) -> TierDraft:
    """A typed tier; its rate as an exact ratio."""
    rate: Fraction = form.rate.data
    terms = TierTerms(
        entry={metric: form[f"entry_{metric}"].data for metric in OTHERS if form[f"entry_{metric}"].data is not None},
        keep={metric: form[f"keep_{metric}"].data for metric in METRICS if form[f"keep_{metric}"].data is not None},
        hidden=form.hidden.data,
        manual=form.manual.data,
        reward_points=form.reward_points.data or 0,
        perks=tuple(line.strip() for line in (form.perks.data or "").splitlines() if line.strip()),
    )
    threshold = form.threshold_minor.data or 0
    return TierDraft(form.name.data, threshold, rate.numerator, rate.denominator, form.origin.data, terms)


def of_tier(tier: TierRules) -> dict[str, Any]:
    """A tier's data as the form shows it."""
    terms = tier.terms
    return {
        "name": tier.name,
        "threshold_minor": tier.threshold_minor,
        "rate": Fraction(tier.rate_num, tier.rate_den),
        "origin": tier.origin if tier.origin > 0 else None,
        "hidden": terms.hidden,
        "manual": terms.manual,
        "reward_points": terms.reward_points or None,
        "perks": "\n".join(terms.perks),
        **{f"entry_{metric}": value for metric, value in terms.entry.items()},
        **{f"keep_{metric}": value for metric, value in terms.keep.items()},
    }


def of_ladder(ladder: Ladder) -> dict[str, Any]:
    """The ladder's data as the form shows it."""
    return {name: getattr(ladder, name) for name in Ladder.__struct_fields__} | {"metrics": list(ladder.metrics)}
