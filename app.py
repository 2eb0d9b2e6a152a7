"""The composition root: the web app, the Celery app and the `regulars` command. It knows everybody; nobody imports it.

`app:wsgi`, `app:celery` and `app:beat` are made when first asked for, so that each process loads only what it is.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from celery import Celery
    from flask import Flask

LOYALTY = ("loyalty", "loyalty.books")
TASKS = ("sync", "effects", "campaigns", "messages", *LOYALTY, "insights", "privacy", "shops", "storefront", "watching")


def create_app() -> Flask:
    """The web app: the receiver in front, the panel and the storefront's doors behind it."""
    from flask import Flask

    from admin_ui import pages, panel
    from plugin.jobs import doorbell, logs
    from plugin.local.views import local
    from plugin.messages.views import unsubscribing
    from plugin.shops.installing import open_shop
    from plugin.storefront.events import api
    from plugin.storefront.views import storefront
    from plugin.watching.views import watching
    from webhooks.receiver import Webhooks

    logs.set_up()
    _refuse_privileged()
    _wire()
    make_celery()  # views ring its doorbell
    doorbell.prepare()
    app = Flask("regulars", static_folder=None)
    panel.register(app, pages.make_panel(), open_shop)
    for blueprint in (storefront, api, unsubscribing, watching, local):
        app.register_blueprint(blueprint)
    app.wsgi_app = Webhooks(app.wsgi_app)  # type: ignore[method-assign]
    return app


def make_celery() -> Celery:
    """The Celery app with every feature's tasks, the default of all threads, and what a worker does besides them."""
    from plugin.db import pulses
    from plugin.db.engine import forget_connections
    from plugin.db.locks import alone
    from plugin.jobs import worker
    from plugin.jobs.celery import make_celery as make
    from plugin.jobs.schedule import BEAT
    from plugin.jobs.sweeper import Sweeper
    from plugin.watching import budgets, life

    celery = make()
    celery.set_default()
    celery.conf.imports = tuple(f"plugin.{feature}.tasks" for feature in TASKS)
    ticks = {tick["task"]: tick["schedule"] for tick in BEAT.values()}
    worker.prepare(
        Sweeper(ticks, lambda task: celery.tasks[task](), alone, pulse=life.show),
        before=[_refuse_privileged, _wire, pulses.begin],
        after_fork=[forget_connections],
        after_task=[pulses.sign, budgets.tell],
        at_end=[pulses.end],
    )
    return celery


def make_beat() -> Celery:
    """The Celery app of beat, which rings by name and needs nobody's code."""
    from celery.signals import setup_logging

    from plugin.jobs import logs
    from plugin.jobs.celery import make_celery as make

    setup_logging.connect(lambda **_: logs.set_up(), weak=False)
    return make()


def main() -> None:
    """The `regulars` command."""
    from plugin.local.cli import run

    sys.exit(run(sys.argv[1:], wire=_work_at_a_terminal))


def _work_at_a_terminal() -> None:
    """A command that does a worker's work: only what went wrong is logged, and bells can be rung."""
    import logging

    from plugin.jobs import logs

    logs.set_up(logging.WARNING)
    _refuse_privileged()
    _wire()
    make_celery()


def _wire() -> None:
    """Hands down what lower layers need from higher ones without knowing them."""
    from plugin.campaigns import waking
    from plugin.effects import performing
    from plugin.loyalty.mails import gate
    from plugin.loyalty.mails.kinds import KINDS
    from plugin.messages import claiming, leaving
    from plugin.performers import PERFORMERS
    from plugin.privacy import bodies
    from plugin.shops import installing, queries
    from plugin.storefront import operations as storefront
    from plugin.subscriptions import announcing
    from plugin.subscriptions import operations as subscriptions
    from plugin.sync import erasing
    from plugin.sync.operations import start_backfill

    bodies.use(erasing)
    performing.use(PERFORMERS, queries.shop)
    own = dict.fromkeys(KINDS, gate.check)
    claiming.use({"cart": waking.recheck, "announcement": announcing.recheck, **own})
    leaving.use(subscriptions.unsubscribe, subscriptions.come_back)
    installing.use([start_backfill, storefront.publish], doorbells=["sync.drain_waiting"])


def _refuse_privileged() -> None:
    """Neither web nor worker runs as a role that row-level security does not bind."""
    from plugin.db.engine import engine
    from plugin.db.guard import refuse_privileged

    refuse_privileged(engine())


MADE_WHEN_ASKED = {"wsgi": create_app, "celery": make_celery, "beat": make_beat}


def __getattr__(name: str) -> Any:
    if name not in MADE_WHEN_ASKED:
        raise AttributeError(name)
    made = globals()[name] = MADE_WHEN_ASKED[name]()
    return made
