"""`regulars doctor`: every problem of an installation in one go, each with a way out."""

from collections.abc import Mapping

from plugin.config import ROOT
from plugin.doctor import connections, settings
from plugin.doctor.problem import Problem

PAGES_NEED = ROOT / "admin_ui" / "static" / "vendor" / "htmx.js"


def examine(env: Mapping[str, str]) -> list[Problem]:
    """All problems of the installation that `env` describes."""
    found = [*settings.problems(env), *connections.problems(env)]
    if not PAGES_NEED.exists():
        found.append(Problem("The panel", "has no scripts: run `regulars frontend` when the release is built"))
    return found


def run(env: Mapping[str, str]) -> int:
    """Prints what was found; 0 when nothing is wrong, else 1."""
    found = examine(env)
    for problem in found:
        print(f"- {problem}")
    print(f"{len(found)} problems." if found else "Everything is in order.")
    return 1 if found else 0
