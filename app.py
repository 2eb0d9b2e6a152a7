"""The composition root: the web app, the Celery app and the `regulars` command. It knows everybody; nobody imports it.

`app:wsgi` and `app:celery` are made when first asked for, so each process loads only what it is.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from celery import Celery
    from flask import Flask

PAGES = (
    ("admin_ui.home.views", "home"),
    ("admin_ui.customers.views", "customers"),
    ("admin_ui.loyalty.views", "loyalty"),
    ("admin_ui.subscriptions.views", "subscriptions"),
    ("admin_ui.campaigns.views", "campaigns"),
    ("admin_ui.sync.views", "sync"),
    ("admin_ui.gallery.views", "gallery"),
)
PUBLIC = (("plugin.storefront.views", "storefront"),)
TASKS = ("sync", "effects", "campaigns", "messages", "loyalty", "shops")


def create_app() -> Flask:
    """The web app: receiver in front, panel and storefront behind it."""
    from flask import Flask
    from webhooks.receiver import Webhooks

    from admin_ui import panel

    make_celery()  # views ring its doorbell
    app = Flask("regulars", static_folder=None)
    pages = panel.make_blueprint()
    for module, name in PAGES:
        pages.register_blueprint(getattr(import_module(module), name))
    panel.register(app, pages, _open_shop())
    for module, name in PUBLIC:
        app.register_blueprint(getattr(import_module(module), name))
    app.add_url_rule("/healthz", view_func=lambda: {"status": "ok"})
    app.wsgi_app = Webhooks(app.wsgi_app)  # type: ignore[method-assign]
    return app


def make_celery() -> Celery:
    """The Celery app with every feature's tasks, the default of all threads."""
    from celery.signals import worker_process_init

    from plugin.db.engine import forget_connections
    from plugin.jobs.celery import make_celery as make

    celery = make()
    celery.set_default()
    celery.conf.imports = tuple(f"plugin.{feature}.tasks" for feature in TASKS)
    worker_process_init.connect(lambda **_: forget_connections(), weak=False)
    return celery


def main() -> None:
    """The `regulars` command."""
    from plugin.local.cli import run

    sys.exit(run(sys.argv[1:]))


def _open_shop() -> Any:
    from plugin.shops.operations import open_shop

    return open_shop


MADE_WHEN_ASKED = {"wsgi": create_app, "celery": make_celery}


def __getattr__(name: str) -> Any:
    if name not in MADE_WHEN_ASKED:
        raise AttributeError(name)
    made = globals()[name] = MADE_WHEN_ASKED[name]()
    return made
