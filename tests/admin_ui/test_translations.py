"""Every sentence of the panel can be translated, and the template for translators is complete."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po
from jinja2 import Environment

PANEL = Path(__file__).resolve().parents[2] / "admin_ui"
TEMPLATES = [
    path
    for path in sorted(PANEL.rglob("*.html"))
    if not {"node_modules", "gallery"} & set(path.relative_to(PANEL).parts)
]


def sentences() -> set[str]:
    found = set()
    for folder in [PANEL, *(path for path in PANEL.iterdir() if path.is_dir() and path.name not in LEFT_OUT)]:
        methods = [("*.py", "python"), ("*.html", "jinja2")]
        for _name, _line, message, _comments, _context in extract_from_dir(str(folder), methods, directory_filter=no):
            found.add(message[0] if isinstance(message, tuple) else message)
    for feature in FEATURES:  # what a rule says at a field of the panel, and the public pages
        for _name, _line, message, _comments, _context in extract_from_dir(
            str(PANEL.parent / "plugin" / feature),
            [("*.py", "python"), ("*.html", "jinja2")],
            keywords=DEFAULT_KEYWORDS | {"Invalid": None},
        ):
            found.add(message[0] if isinstance(message, tuple) else message)
    return found


FEATURES = ("loyalty", "subscriptions", "campaigns", "messages", "storefront", "shops")
LEFT_OUT = ("node_modules", "static", "translations")


def no(_directory: str) -> bool:
    return False


def test_the_template_holds_every_sentence() -> None:
    with (PANEL / "translations" / "messages.pot").open("rb") as file:
        known = {entry.id[0] if isinstance(entry.id, tuple) else entry.id for entry in read_po(file) if entry.id}
    assert sentences() - known == set(), "run pybabel extract as pyproject.toml says"


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(PANEL)))
def test_no_sentence_of_a_template_stands_outside_of_gettext(path: Path) -> None:
    tokens = Environment().lex(path.read_text("utf-8"))
    text = "".join(value if kind == "data" else '"' for _line, kind, value in tokens)
    bare = re.sub(r"<svg.*?</svg>|<!--.*?-->|<[^>]*>|[a-z-]+=\"+| page-wide|#page", "", text, flags=re.S)
    assert re.findall(r"[A-Za-z]{2,}", bare.replace("Regulars", "")) == []
