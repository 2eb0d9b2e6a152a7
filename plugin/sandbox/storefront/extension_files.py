"""The theme app extension on disk: its blocks with their schemas, its snippets, its translations.

The folder belongs to the app and may be missing; then there are no blocks. Files are read again when they change.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import current_app

SCHEMA = re.compile(r"{%-?\s*schema\s*-?%}(.*?){%-?\s*endschema\s*-?%}", re.S)
# A theme collects these at build time; a block that still has them keeps working.
COLLECTED = re.compile(r"{%-?\s*(stylesheet|javascript)\s*-?%}.*?{%-?\s*end\1\s*-?%}", re.S)
DEFAULT_LOCALE = "en"


@dataclass(frozen=True)
class BlockFile:
    """One block: its Liquid without the schema, and the schema."""

    name: str
    source: str
    schema: Mapping[str, Any]

    @property
    def is_embed(self) -> bool:
        """Whether it stands at the end of every page instead of inside one."""
        return self.schema.get("target") in ("body", "head", "compliance_head")

    def shows_on(self, template: str) -> bool:
        """Whether the schema allows this page type."""
        enabled = self.schema.get("enabled_on", {}).get("templates")
        disabled = self.schema.get("disabled_on", {}).get("templates", [])
        allowed = enabled is None or "*" in enabled or template in enabled
        return allowed and template not in disabled and "*" not in disabled

    def settings(self) -> dict[str, Any]:
        """Every setting at its default; what has none is empty."""
        listed = self.schema.get("settings", [])
        return {setting["id"]: setting.get("default") for setting in listed if "id" in setting}


def folder() -> Path:
    """Where the extension lives: the setting `EXTENSION_DIR`, else its place in this repository."""
    chosen = current_app.config.get("EXTENSION_DIR")
    return Path(chosen) if chosen else Path(__file__).resolve().parents[2] / "storefront" / "extension"


def blocks() -> list[BlockFile]:
    """All blocks by file name."""
    return [_block(path, path.stat().st_mtime_ns) for path in sorted((folder() / "blocks").glob("*.liquid"))]


@lru_cache(maxsize=64)
def _block(path: Path, _changed: int) -> BlockFile:
    text = path.read_text("utf-8")
    schema = SCHEMA.search(text)
    return BlockFile(path.stem, plain(text), json.loads(schema[1]) if schema else {})


def plain(text: str) -> str:
    """Liquid without schema, stylesheet and javascript tags."""
    return COLLECTED.sub("", SCHEMA.sub("", text))


def snippets() -> dict[str, str]:
    """Liquid of all snippets by name."""
    return {path.stem: plain(path.read_text("utf-8")) for path in (folder() / "snippets").glob("*.liquid")}


def locales() -> list[str]:
    """Languages the extension speaks, the default first."""
    found = {path.name.split(".")[0] for path in _locale_files()}
    return sorted(found, key=lambda code: (code != DEFAULT_LOCALE, code)) or [DEFAULT_LOCALE]


def texts(locale: str) -> dict[str, Any]:
    """Translations in a language over those in the default language."""
    files = {path.name.split(".")[0]: path for path in _locale_files()}
    default = next((path for path in _locale_files() if ".default." in path.name), None)
    merged: dict[str, Any] = {}
    for path in (default, files.get(locale.split("-")[0]), files.get(locale)):
        if path:
            merged = _over(merged, json.loads(path.read_text("utf-8")))
    return merged


def schema_text(text: str) -> str:
    """A text of a schema; `t:` keys are looked up in the extension's schema translations."""
    if not text.startswith("t:"):
        return text
    path = next((folder() / "locales").glob("*.default.schema.json"), None)
    found: Any = json.loads(path.read_text("utf-8")) if path else {}
    for part in text.removeprefix("t:").split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found if isinstance(found, str) else text


def _locale_files() -> list[Path]:
    return [path for path in sorted((folder() / "locales").glob("*.json")) if ".schema." not in path.name]


def _over(base: dict[str, Any], top: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in top.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _over(merged[key], value) if both else value
    return merged
