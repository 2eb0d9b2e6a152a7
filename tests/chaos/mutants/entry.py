"""Where web, worker and beat start when the harness wants a broken product: patched first, then made as always.

Only the harness names this module in a command. The product has no such switch.
"""

from __future__ import annotations

import os
from typing import Any

import app
from tests.chaos.mutants.broken import MUTANTS
from tests.chaos.mutants.probe import install_probe

MUTANTS[os.environ["REGULARS_CHAOS_MUTANT"]]()


def __getattr__(name: str) -> Any:
    if name not in app.MADE_WHEN_ASKED:
        raise AttributeError(name)
    made = globals()[name] = getattr(app, name)
    if name == "celery":
        install_probe(made)
    return made
