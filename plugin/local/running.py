"""The settings of the demo that runs on this machine, for commands that look after an installation."""

from __future__ import annotations

import json
from collections.abc import MutableMapping
from urllib.parse import urlsplit

from plugin.local import commands
from plugin.local.errors import LocalError
from plugin.local.home import Home


def settle(env: MutableMapping[str, str]) -> None:
    """Leaves an environment with DATABASE_URL as it is; else takes every setting from the demo of REGULARS_HOME.

    Raises LocalError when no demo runs there either.
    """
    if env.get("DATABASE_URL"):
        return
    home = Home.from_env(env)
    if not home.announcement.exists():
        raise LocalError(
            f"DATABASE_URL is not set and no demo runs in {home.path}: set the variables of your installation "
            "(docs/operations.md), or start `regulars demo`, or name its folder in REGULARS_HOME."
        )
    said = json.loads(home.announcement.read_text())
    there = Home(home.path, urlsplit(said["urls"]["app"]).port or home.port)
    demo = commands.environment(there, said["database_url"], said["admin_database_url"], said["redis_url"])
    env.update(demo)
