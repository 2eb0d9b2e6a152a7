"""The form of an automation: its mails in order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from email_validator import EmailNotValidError, validate_email
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from wtforms import EmailField, Field, FieldList, FormField, SelectField, StringField, TextAreaField, ValidationError
from wtforms.fields.choices import SelectChoice

from admin_ui.forms import AtMost, Between, Given, PanelForm, WholeField, said, stripped
from plugin.errors import Invalid

UNITS = {"minutes": 1, "hours": 60, "days": 1440}


class StepForm(PanelForm):
    """One mail. The delay counts from the moment the cart was last touched."""

    delay = WholeField(_("Send after"), [Given(), Between(1, 100_000)])
    unit = SelectField(
        _("Unit"),
        choices=[
            SelectChoice("minutes", _("minutes")),
            SelectChoice("hours", _("hours")),
            SelectChoice("days", _("days")),
        ],
    )
    subject = StringField(_("Subject"), [Given(), AtMost(200)], filters=[stripped])
    preheader = StringField(_("Preview line"), [AtMost(200)], filters=[stripped])
    mjml = TextAreaField(_("Mail (MJML with Liquid)"), [AtMost(100_000)], filters=[stripped])
    text = TextAreaField(_("Plain-text part (Liquid)"), [AtMost(20_000)], filters=[stripped])


class AutomationForm(PanelForm):
    """All mails of an automation."""

    steps = FieldList(FormField(StepForm), min_entries=1, max_entries=5)

    def values(self) -> list[dict[str, Any]]:
        """The steps as the operations take them."""
        return [_step(entry.form) for entry in self.steps]

    def reject(self, error: Invalid) -> None:
        """Errors of steps come as `steps-<n>-<name>`; the delay is typed as number and unit."""
        wanted = error.field.replace("delay_minutes", "delay")
        wanted = f"{wanted}-mjml" if wanted.count("-") == 1 else wanted  # a template that cannot be compiled
        for entry in self.steps:
            for field in entry.form:
                if field.name == wanted:
                    field.errors = [*field.errors, said(error)]
                    self.steps.errors = [*self.steps.errors, said(error)]
                    return
        super().reject(error)


class TestForm(PanelForm):
    """Where a test mail goes."""

    email = EmailField(_("Send a test to"), [Given(), AtMost(254)], filters=[stripped])

    def validate_email(self, field: Field) -> None:
        """An address that can exist; whether it does is seen when the mail comes."""
        try:
            validate_email(field.data, check_deliverability=False)
        except EmailNotValidError as error:
            raise ValidationError(gettext("Write an address like name@example.com.")) from error


def filled(steps: Sequence[dict[str, Any]]) -> AutomationForm:
    """The form of a version as it is kept."""
    return AutomationForm(data={"steps": [{**step, **split(step["delay_minutes"])} for step in steps]})


def split(minutes: int) -> dict[str, Any]:
    """Minutes as a number of the largest unit that divides them."""
    unit = next(name for name in ("days", "hours", "minutes") if minutes % UNITS[name] == 0)
    return {"delay": minutes // UNITS[unit], "unit": unit}


def _step(form: StepForm) -> dict[str, Any]:
    texts = {name: form[name].data for name in ("subject", "preheader", "mjml", "text")}
    return {"delay_minutes": form.delay.data * UNITS[form.unit.data], **texts}
