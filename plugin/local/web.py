"""The web process: the app is loaded once, then granian forks its workers, which share what they do not change.

`python -m plugin.local.web app:wsgi …` takes what the granian command takes. Workers begin without connections, and one
that died is forked from the same code: new code needs a new process.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module

from granian.cli import entrypoint
from sqlalchemy.orm import configure_mappers

from plugin.db.engine import engine, forget_connections
from plugin.jobs import collector


def main(target: str) -> None:
    """Load `module:name` and serve it with this process's arguments until it is told to stop."""
    module, _, name = target.partition(":")
    getattr(import_module(module), name)
    configure_mappers()
    if engine.cache_info().currsize:
        engine().dispose()
    os.register_at_fork(before=collector.relax, after_in_child=forget_connections)
    entrypoint()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main(sys.argv[1])
