"""Numbers and money as people type them."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

import pytest
from flask import Flask, g
from flask.ctx import RequestContext
from werkzeug.datastructures import MultiDict

from admin_ui.forms import MoneyField, PanelForm, RateField, WholeField, decimal
from admin_ui.panel import make_blueprint, register
from plugin.shops.models import Shop


@pytest.fixture
def german() -> RequestContext:
    return _context("de")


def _context(locale: str) -> RequestContext:
    app = Flask("forms", static_folder=None)
    app.testing = True
    register(app, make_blueprint(), lambda domain, token: Shop())
    app.extensions["babel"].locale_selector = lambda: locale
    return app.test_request_context()


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("42.50", "42.50"),
        ("42,50", "42.50"),
        ("1,234.50", "1234.50"),
        ("1.234,50", "1234.50"),
        ("1 234,50", "1234.50"),
        ("1’234.50", "1234.50"),
        ("1,234,567", "1234567"),
        (".5", "0.5"),
        ("-3", "-3"),
        ("1,234", "1234"),
        ("0,123", "0.123"),
        ("1.234", "1.234"),
    ],
)
def test_an_english_reader_may_use_any_separators(typed: str, meant: str) -> None:
    with _context("en"):
        assert decimal(typed) == Decimal(meant)


def test_a_german_reader_divides_thousands_with_a_point(german: RequestContext) -> None:
    with german:
        assert decimal("1.234") == 1234
        assert decimal("1,234") == Decimal("1.234")


@pytest.mark.parametrize("typed", ["", "abc", "1e9", "NaN", "Infinity", "1..2", "--1", "١٢x", "1,2,3.4.5"])
def test_what_is_no_number_is_refused(typed: str) -> None:
    with _context("en"), pytest.raises(InvalidOperation):
        decimal(typed)


class Sample(PanelForm):
    amount = MoneyField("Amount")
    whole = WholeField("Whole")
    rate = RateField("Rate")


@pytest.mark.parametrize(
    ("currency", "typed", "minor"), [("EUR", "42.5 EUR", 4250), ("JPY", "1,200", 1200), ("KWD", "1.5", 1500)]
)
def test_money_is_kept_in_minor_units_of_its_currency(currency: str, typed: str, minor: int) -> None:
    with _context("en"):
        g.shop = Shop(currency=currency)
        assert Sample(MultiDict({"amount": typed})).amount.data == minor


@pytest.mark.parametrize(("currency", "typed"), [("EUR", "1.234567"), ("JPY", "0.5")])
def test_money_finer_than_its_currency_is_refused(currency: str, typed: str) -> None:
    with _context("en"):
        g.shop = Shop(currency=currency)
        form = Sample(MultiDict({"amount": typed}))
        assert not form.validate()
        assert form.amount._value() == typed
