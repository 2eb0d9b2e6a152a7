"""Turning templates into mails: MJML to HTML once, then Liquid for each person. Pure: text in, text out.

This module runs inside the limited child process (renderer_child.py), because a template can be a bomb: Liquid's own
limits stop most of them, the kernel's limits the rest. It imports no settings, no database and no network.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import mrml
from liquid import BoundTemplate
from liquid.exceptions import LiquidError, ResourceLimitError

from plugin.errors import Invalid
from plugin.messages.liquid_dialect import page_dialect, text_dialect

LIQUID: Final = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
HELD: Final = re.compile(r"(?:<!--)?LQ(\d+)QL(?:-->)?")
ACTIVE: Final = re.compile(r"<\s*script|javascript:|vbscript:", re.IGNORECASE)
SUBJECT_LONGEST: Final = 250
NO_WEB_FONTS: Final[dict[str, str]] = {}  # the compiler would load them from their maker, who would see each reader


@dataclass(frozen=True)
class Rendered:
    """One mail, ready to be put into an envelope."""

    subject: str
    html: str
    text: str


def compile_mjml(mjml: str) -> str:
    """MJML with Liquid in it as an HTML page with the same Liquid in it. Raises Invalid in the merchant's words.

    Liquid is held out of the MJML parser's sight: tags between elements as comments (which the parser keeps in place),
    everything else as a word, so that `{% if a < b %}` or quotes in a filter do not break the XML.
    """
    held: list[str] = []
    words = LIQUID.sub(lambda found: _hold(held, found.group()), mjml)
    source = HELD.sub(lambda found: _as_comment(words, found, held), words)
    try:
        html = str(mrml.to_html(source, render_options=mrml.RenderOptions(fonts=NO_WEB_FONTS)).content)
    except OSError as error:
        raise Invalid("The layout is not valid MJML: %(reason)s.", reason=str(error)) from error
    if ACTIVE.search(html):
        raise Invalid("A mail cannot contain scripts: mail programs block them.")
    return HELD.sub(lambda found: held[int(found.group(1))], html)


def render(subject: str, preheader: str, html: str, text: str, context: Mapping[str, Any]) -> Rendered:
    """One mail for one person. Raises Invalid(part) in the merchant's words when a template cannot be filled."""
    data = dict(context)
    data["preheader"] = _one_line(_fill("preheader", preheader, data))
    return Rendered(
        subject=_one_line(_fill("subject", subject, data))[:SUBJECT_LONGEST],
        html=_fill("mjml", html, data),
        text=_tidy(_fill("text", text, data)),
    )


def check(subject: str, preheader: str, html: str, text: str) -> None:
    """Parse all four parts. Raises Invalid(part) at the first that Liquid does not understand."""
    for part, source in (("subject", subject), ("preheader", preheader), ("mjml", html), ("text", text)):
        _parse(part, source)


def _hold(held: list[str], liquid: str) -> str:
    held.append(liquid)
    return f"LQ{len(held) - 1}QL"


def _as_comment(source: str, found: re.Match[str], held: list[str]) -> str:
    """A tag between elements becomes a comment; an output, or a tag inside `<…>` or a style sheet, stays a word."""
    is_tag = held[int(found.group(1))].startswith("{%")
    inside = _is_open(source, "<", ">", found.start()) or _is_open(source, "<mj-style", "</mj-style", found.start())
    return f"<!--{found.group()}-->" if is_tag and not inside else found.group()


def _is_open(source: str, opening: str, closing: str, position: int) -> bool:
    return source.rfind(opening, 0, position) > source.rfind(closing, 0, position)


def _fill(part: str, source: str, data: Mapping[str, Any]) -> str:
    try:
        return _parse(part, source).render(**data)
    except ResourceLimitError as error:
        raise Invalid("The template produces too much: it was stopped.", part) from error
    except (LiquidError, ArithmeticError, ValueError, RecursionError) as error:
        raise Invalid("The template cannot be filled: %(reason)s", part, reason=_words(error)) from error


@lru_cache(maxsize=256)
def _parse(part: str, source: str) -> BoundTemplate:
    dialect = page_dialect() if part == "mjml" else text_dialect()
    try:
        return dialect.from_string(source)
    except (LiquidError, RecursionError) as error:
        raise Invalid("The template cannot be read: %(reason)s", part, reason=_words(error)) from error


def _words(error: Exception) -> str:
    first = (str(error).splitlines() or [""])[0].strip() or type(error).__name__
    return first[:200]


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _tidy(text: str) -> str:
    """No more than one empty line in a row, no spaces at line ends."""
    lines = "\n".join(line.rstrip() for line in text.splitlines())
    return re.sub(r"\n{3,}", "\n\n", lines).strip() + "\n"
