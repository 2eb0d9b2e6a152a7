"""The parent's side of rendering."""

from __future__ import annotations

from plugin.messages import rendering


def compile_mjml(mjml: str) -> str:
    return rendering.compile_mjml(mjml)


def compile_template(subject: str, preheader: str, mjml: str, text: str, field: str) -> str:
    return rendering.compile_mjml(mjml)
