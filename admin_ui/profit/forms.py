"""Who is held out, and what goods and mails cost."""

from __future__ import annotations

from flask_babel import lazy_gettext as _
from wtforms import IntegerField
from wtforms.validators import Optional
from wtforms.widgets import HiddenInput

from admin_ui.forms import Between, Given, MoneyField, PanelForm, WholeField
from plugin.loyalty.holdout import MOST_PERCENT


class ProfitForm(PanelForm):
    """The split and the costs that the store does not know."""

    percent = WholeField(_("Customers without the programme"), [Given(), Between(0, MOST_PERCENT)])
    goods_percent = WholeField(_("Goods cost you"), [Optional(), Between(0, 100)])
    mails_minor = MoneyField(_("1,000 mails cost you"), [Optional(), Between(0)])
    version = IntegerField(widget=HiddenInput())
