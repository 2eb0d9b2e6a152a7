"""What the merchant chose in the theme editor: which blocks of the app are on, and their settings.

Kept as `theme.json` in the store's home, as a real theme keeps it in its own settings file. In the real store
app embeds are off after the installation; here everything is on, so that there is something to see.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from plugin.sandbox.storefront.extension_files import BlockFile

FILE = "theme.json"


@dataclass(frozen=True)
class Placed:
    """One block as it stands in the theme."""

    on: bool = True
    settings: dict[str, Any] = field(default_factory=dict)


def placed(home: Path, block: BlockFile) -> Placed:
    """The block's place in the theme: what was chosen, over the schema's defaults."""
    chosen = _read(home).get(block.name, {})
    return Placed(chosen.get("on", True), block.settings() | chosen.get("settings", {}))


def place(home: Path, block: BlockFile, choice: Placed) -> None:
    """Keep a choice."""
    theme = _read(home) | {block.name: {"on": choice.on, "settings": choice.settings}}
    (home / FILE).write_text(json.dumps(theme, ensure_ascii=False, indent=1), encoding="utf-8")


def _read(home: Path) -> dict[str, Any]:
    path = home / FILE
    return json.loads(path.read_text("utf-8")) if path.exists() else {}
