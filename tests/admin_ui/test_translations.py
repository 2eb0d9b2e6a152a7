"""Every sentence of the panel can be translated, and the template for translators is complete."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po
from flask import Flask
from flask_babel import Babel, gettext
from jinja2 import Environment

from admin_ui.formats import number
from plugin.errors import Invalid

ROOT = Path(__file__).resolve().parents[2]
PANEL = ROOT / "admin_ui"
TEMPLATES = [
    path
    for path in sorted(PANEL.rglob("*.html"))
    if not {"node_modules", "gallery"} & set(path.relative_to(PANEL).parts)
]
LEFT_OUT = {"node_modules", "static", "sandbox", "local"}


def modules() -> Iterator[tuple[str, ast.Module]]:
    """Every module of the product: its place and what it says."""
    for path in [*(ROOT / "plugin").rglob("*.py"), *PANEL.rglob("*.py")]:
        place = path.relative_to(ROOT)
        if not LEFT_OUT & set(place.parts):
            yield str(place), ast.parse(path.read_text("utf-8"))


def errors() -> set[str]:
    """The name of every class of error whose sentence a person may read."""
    classes = [node for _place, tree in modules() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    bases = {one.name: {base.id for base in one.bases if isinstance(base, ast.Name)} for one in classes}
    found = {"RegularsError"}
    while more := {name for name, above in bases.items() if above & found} - found:
        found |= more
    return found


def sentences() -> set[str]:
    keywords = {**DEFAULT_KEYWORDS, **dict.fromkeys(errors())}
    found = set()
    for folder in ("admin_ui", "plugin"):
        for _name, _line, message, _comments, _context in extract_from_dir(
            str(ROOT / folder),
            [("**.py", "python"), ("**.html", "jinja2")],
            keywords=keywords,
            directory_filter=lambda path: Path(path).name not in LEFT_OUT,
        ):
            found.add(message[0] if isinstance(message, tuple) else message)
    return found


def raised() -> Iterator[tuple[str, ast.expr]]:
    """Where each error is made, and what it says."""
    names = errors()
    for place, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names and node.args:
                yield f"{place}:{node.lineno}", node.args[0]


def test_the_template_holds_every_sentence() -> None:
    with (PANEL / "translations" / "messages.pot").open("rb") as file:
        known = {entry.id[0] if isinstance(entry.id, tuple) else entry.id for entry in read_po(file) if entry.id}
    assert sentences() - known == set(), "run make translations"


def test_no_error_mixes_its_values_into_its_sentence() -> None:
    mixed = [where for where, said in raised() if isinstance(said, ast.JoinedStr | ast.BinOp | ast.Call)]
    assert mixed == [], 'keep them apart: Invalid("At most %(most)s.", field, most=MOST)'


def test_an_error_is_said_in_the_reader_s_language_with_its_values(tmp_path: Path) -> None:
    translated = {"Use at most %(most)s characters.": "Höchstens %(most)s Zeichen."}
    error = Invalid("Use at most %(most)s characters.", "subject", most=20000)
    assert str(error) == "Use at most 20,000 characters."
    assert error.words(lambda sentence: translated[sentence]) == "Höchstens 20,000 Zeichen."
    app = Flask(__name__)
    Babel(app, locale_selector=lambda: "de")
    with app.test_request_context():
        assert error.words(gettext, number) == "Use at most 20.000 characters."


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(PANEL)))
def test_no_sentence_of_a_template_stands_outside_of_gettext(path: Path) -> None:
    tokens = Environment().lex(path.read_text("utf-8"))
    text = "".join(value if kind == "data" else '"' for _line, kind, value in tokens)
    bare = re.sub(r"<svg.*?</svg>|<!--.*?-->|<[^>]*>|[a-z-]+=\"+| page-wide|#page", "", text, flags=re.S)
    assert re.findall(r"[A-Za-z]{2,}", bare.replace("Regulars", "")) == []
