"""All pages of the panel on one list."""

from __future__ import annotations

from flask import Blueprint

from admin_ui.customers.views import customers
from admin_ui.panel import make_blueprint

PAGES = (customers,)


def make_panel() -> Blueprint:
    """The panel with its pages, ready to be registered."""
    panel = make_blueprint()
    for pages in PAGES:
        panel.register_blueprint(pages)
    return panel
