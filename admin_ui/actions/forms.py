"""The forms of ways to earn and of profile fields."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _
from wtforms import BooleanField, HiddenField, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Optional

from admin_ui.forms import AtMost, Between, Given, PanelForm, WholeField, stripped
from plugin.loyalty.acting.terms import LARGEST, MOST_DAYS, ONCE, Kind, Way
from plugin.loyalty.rules import ProgramRules

OWN = {
    "event": ("name",),
    "profile_field": ("field",),
    "anniversary": ("since",),
    "newsletter": ("keep_days",),
    "birthday": ("notice_days",),
}
REPEATED = ("most_times", "cooldown_days")


class WayForm(PanelForm):
    """Fields that a kind does not have are taken out by `for_kind`."""

    name = StringField(_("Name of the event"), [Given(), AtMost(40)], filters=[stripped])
    field = SelectField(_("Profile field"), coerce=int)
    since = SelectField(
        _("Anniversary of"),
        choices=[SelectChoice("signup", _("the sign-up")), SelectChoice("first_order", _("the first order"))],
    )
    points = WholeField(_("Points"), [Given(), Between(1, LARGEST)])
    keep_days = WholeField(_("Taken back when they leave within"), [Given(), Between(0, MOST_DAYS)])
    notice_days = WholeField(_("Told at least so long before"), [Given(), Between(0, MOST_DAYS)])
    most_times = WholeField(_("So often at most"), [Optional(), Between(1, 100_000)])
    most_points = WholeField(_("So many points at most"), [Optional(), Between(1, LARGEST)])
    period = SelectField(
        _("Limits count"),
        choices=[
            SelectChoice("ever", _("for ever")),
            SelectChoice("day", _("each day")),
            SelectChoice("week", _("each week")),
            SelectChoice("month", _("each month")),
            SelectChoice("year", _("each year")),
        ],
    )
    cooldown_days = WholeField(_("Then nothing for"), [Optional(), Between(0, MOST_DAYS)])
    tiers = SelectMultipleField(_("Only in these tiers"))
    customer_tags = StringField(_("Only customers with one of these tags"), [AtMost(1000)], filters=[stripped])
    active = BooleanField(_("On"))
    version = HiddenField()

    @classmethod
    def for_kind(cls, kind: Kind, program: ProgramRules, labels: dict[int, str], *args: Any, **kwargs: Any) -> WayForm:
        """The form of a kind, typed or filled."""
        form = cls(*args, **kwargs)
        form.field.choices = [SelectChoice(id, label) for id, label in labels.items()]
        names = {tier.name: tier.name for tier in program.tiers} | {name: name for name in form.tiers.data or []}
        form.tiers.choices = [SelectChoice(name, name) for name in names]
        others = {name for names in OWN.values() for name in names} - set(OWN.get(kind, ()))
        for name in others | (set(REPEATED) | {"most_points", "period"} if kind in ONCE else set()):
            del form[name]
        return form

    def way(self, kind: Kind, way_id: int = 0) -> Way:
        """What was typed; only after `validate`."""
        said = {name: field.data for name, field in self._fields.items() if name not in ("version", "tiers")}
        said["cooldown_days"] = said.get("cooldown_days") or 0
        said["tiers"] = tuple(self.tiers.data or ())
        said["customer_tags"] = tuple(tag.strip() for tag in said["customer_tags"].split(",") if tag.strip())
        return Way(id=way_id, kind=kind, **said)

    @property
    def shown(self) -> int:
        """The version that was shown; 0 for none."""
        said = self.version.data or ""
        return int(said) if said.isascii() and said.isdigit() and len(said) < 10 else 0


def of_way(way: Way, version: int) -> dict[str, Any]:
    """The form's data for a way as it is."""
    data = {name: getattr(way, name) for name in Way.__struct_fields__}
    tags = ", ".join(way.customer_tags)
    return data | {"version": str(version), "customer_tags": tags, "tiers": list(way.tiers)}


class FieldForm(PanelForm):
    """Something to ask shoppers."""

    label = StringField(_("Question"), [Given(), AtMost(80)], filters=[stripped])
    kind = SelectField(
        _("Answer"),
        choices=[
            SelectChoice("text", _("a few words")),
            SelectChoice("choice", _("one of a list")),
            SelectChoice("birthday", _("a birthday: day and month")),
        ],
    )
    choices = TextAreaField(_("The list, one answer a line"), [AtMost(5000)], filters=[stripped])
