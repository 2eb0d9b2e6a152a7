"""Filters that Shopify's Liquid has and the plain language has not, as far as a theme block needs them."""

import json
import re
from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from typing import Any

from babel import Locale, UnknownLocaleError

from plugin.sandbox import money

ASSETS_PATH = "/extensions/regulars/assets"
PLACEHOLDER = re.compile(r"{{\s*(\w+)\s*}}")


def filters(folder: Path, texts: Mapping[str, Any], locale: str) -> dict[str, Callable[..., Any]]:
    """All filters for one page: `folder` is the extension, `texts` its translations in `locale`."""

    def translate(key: str, **values: Any) -> str:
        return translated(texts, str(key), values, locale)

    def asset_url(name: str) -> str:
        return f"{ASSETS_PATH}/{name}?v={_version(folder / 'assets' / str(name))}"

    return {
        "t": translate,
        "translate": translate,
        "asset_url": asset_url,
        "inline_asset_content": lambda name: (folder / "assets" / str(name)).read_text("utf-8"),
        "money": money_text,
        "money_with_currency": lambda minor: f"{money_text(minor)} {money.CURRENCY}",
        "money_without_currency": lambda minor: money.text(int(minor or 0)),
        "money_without_trailing_zeros": lambda minor: money_text(minor).removesuffix(".00"),
        "json": lambda value: json.dumps(value, ensure_ascii=False, default=str).replace("<", "\\u003c"),
        "image_url": image_url,
        "img_url": lambda image, _size="": image_url(image),
        "stylesheet_tag": lambda url, **_: f'<link href="{escape(str(url))}" rel="stylesheet" media="all">',
        "script_tag": lambda url: f'<script src="{escape(str(url))}"></script>',
        "handle": handle,
        "handleize": handle,
    }


def _version(path: Path) -> int:
    return path.stat().st_mtime_ns // 1_000_000 if path.exists() else 0


def money_text(minor: object) -> str:
    """Minor units in the shop's format: 1250 is `€12.50`; nothing for no number."""
    try:
        whole, cents = divmod(int(str(minor)), 100)
    except ValueError:
        return ""
    return f"€{whole:,}.{cents:02d}"


def image_url(image: object, **_size: object) -> str:
    """The address of an image object or of a path; drawings have no fixed size, so widths are ignored."""
    return str(image.get("src") or "") if isinstance(image, Mapping) else str(image or "")


def handle(text: object) -> str:
    """The text as an address part."""
    return re.sub(r"[^\w]+", "-", str(text).lower()).strip("-")


def translated(texts: Mapping[str, Any], key: str, values: Mapping[str, Any], locale: str) -> str:
    """The text under a dotted key with its values filled in; `count` chooses the plural form."""
    found: Any = texts
    for part in key.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    if isinstance(found, Mapping):
        found = found.get(_plural_form(values.get("count"), locale)) or found.get("other")
    if not isinstance(found, str):
        return f"translation missing: {key}"
    raw = key.endswith("_html")
    return PLACEHOLDER.sub(lambda slot: _filled(slot, values, raw), found)


def _filled(slot: re.Match[str], values: Mapping[str, Any], raw: bool) -> str:
    if slot[1] not in values:
        return slot[0]
    return str(values[slot[1]]) if raw else escape(str(values[slot[1]]))


def _plural_form(count: object, locale: str) -> str:
    try:
        return Locale.parse(locale, sep="-").plural_form(abs(int(str(count))))
    except (ValueError, UnknownLocaleError):
        return "other"
