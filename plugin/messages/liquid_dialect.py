"""The Liquid that templates may use: no file access, no way round escaping, bounded loops, memory and output.

Filters are an allow-list. Left out on purpose: `safe` (turns escaping off), base64 and `escapejs` (no use in a mail).
Money and dates are written the way people write them where the message's locale is spoken.
"""

from __future__ import annotations

from datetime import date, datetime
from functools import cache
from typing import Any, Final

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal
from liquid import Environment
from liquid.context import RenderContext
from liquid.exceptions import FilterArgumentError
from liquid.filter import with_context

from plugin.money import digits, major

TAGS: Final = frozenset(
    [
        "#",
        "assign",
        "break",
        "capture",
        "case",
        "comment",
        "continue",
        "cycle",
        "decrement",
        "echo",
        "for",
        "if",
        "ifchanged",
        "illegal",
        "increment",
        "output",
        "tablerow",
        "unless",
        "content",
    ]
)
FILTERS: Final = frozenset(
    [
        "abs",
        "append",
        "at_least",
        "at_most",
        "capitalize",
        "ceil",
        "compact",
        "concat",
        "default",
        "divided_by",
        "downcase",
        "escape",
        "escape_once",
        "first",
        "floor",
        "join",
        "last",
        "lstrip",
        "map",
        "minus",
        "modulo",
        "newline_to_br",
        "plus",
        "prepend",
        "remove",
        "remove_first",
        "replace",
        "replace_first",
        "reverse",
        "round",
        "rstrip",
        "size",
        "slice",
        "sort",
        "sort_natural",
        "split",
        "squish",
        "strip",
        "strip_html",
        "strip_newlines",
        "sum",
        "times",
        "truncate",
        "truncatewords",
        "uniq",
        "upcase",
        "url_encode",
        "where",
    ]
)
DATE_STYLES: Final = ("short", "medium", "long", "full")


class Dialect(Environment):
    """python-liquid with the house's limits; sizes in bytes."""

    loop_iteration_limit = 10_000
    local_namespace_limit = 1_000_000
    output_stream_limit = 1_000_000
    block_nesting_limit = 20
    context_depth_limit = 20


@cache
def page_dialect() -> Environment:
    """For HTML: everything that comes from data is escaped."""
    return _dialect(autoescape=True)


@cache
def text_dialect() -> Environment:
    """For subjects and plain text: nothing is escaped."""
    return _dialect(autoescape=False)


def _dialect(autoescape: bool) -> Environment:
    dialect = Dialect(autoescape=autoescape)
    dialect.tags = {name: tag for name, tag in dialect.tags.items() if name in TAGS}
    dialect.filters = {name: function for name, function in dialect.filters.items() if name in FILTERS}
    dialect.add_filter("money", money)
    dialect.add_filter("number", number)
    dialect.add_filter("date", day)
    return dialect


@with_context
def money(amount_minor: Any, currency: Any = None, *, context: RenderContext) -> str:
    """Minor units of `currency` (default: the mail's own) in the mail's locale; nothing for nothing."""
    if amount_minor is None or not isinstance(amount_minor, int):
        return ""
    code = str(currency or context.resolve("currency") or "EUR")
    amount = major(amount_minor, code)
    return format_currency(amount, code, locale=_locale(context), decimal_quantization=digits(code) == 0)


@with_context
def number(value: Any, *, context: RenderContext) -> str:
    """A whole number with the locale's separators."""
    return format_decimal(value, locale=_locale(context)) if isinstance(value, int) else ""


@with_context
def day(value: Any, style: Any = "medium", *, context: RenderContext) -> str:
    """An ISO date or moment as a day, in one of the styles short, medium, long, full."""
    if style not in DATE_STYLES:
        raise FilterArgumentError(f"date knows the styles {', '.join(DATE_STYLES)}", token=None)
    try:
        moment = datetime.fromisoformat(str(value)) if not isinstance(value, date) else value
    except ValueError:
        return ""
    return format_date(moment, format=str(style), locale=_locale(context))


def _locale(context: RenderContext) -> Locale:
    return locale_of(str(context.resolve("locale") or "en"))


@cache
def locale_of(name: str) -> Locale:
    """The locale of a name such as "de", "pt-BR" or "zh_Hant_TW"; English when nobody knows it."""
    try:
        return Locale.parse(name.replace("-", "_"))
    except (ValueError, UnknownLocaleError, TypeError):
        return Locale("en")
