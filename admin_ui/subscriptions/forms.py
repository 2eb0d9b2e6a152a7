"""The form of a subscription field."""

from __future__ import annotations

from flask_babel import lazy_gettext as _
from wtforms import SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice

from admin_ui.forms import AtMost, Given, PanelForm, stripped


class FieldForm(PanelForm):
    """What shoppers can ask to be told about."""

    label = StringField(_("What shoppers read"), [Given(), AtMost(255)], filters=[stripped])
    match_kind = SelectField(
        _("Products with"), choices=[SelectChoice("type", _("this product type")), SelectChoice("tag", _("this tag"))]
    )
    match_value = StringField(_("Type or tag"), [Given(), AtMost(255)], filters=[stripped])
    consent_text = TextAreaField(_("Consent text"), [Given(), AtMost(255)], filters=[stripped])
    subject = StringField(_("Subject of the mail"), [Given(), AtMost(255)], filters=[stripped])

    def values(self) -> dict[str, str]:
        """The texts as the operations take them."""
        return {name: str(value) for name, value in self.data.items()}
