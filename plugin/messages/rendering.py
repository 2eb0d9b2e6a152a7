from __future__ import annotations

import mrml


def compile_mjml(mjml: str) -> str:
    return str(mrml.to_html(mjml).content)
