"""`python -m tests.plugin.sync.dying_worker SHOP POINT`: a worker that drains one shop and is killed on the way.

POINT names where: a function of the drain, before or after it ("before apply"), or "body" for a body that kills
whoever reads it.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from plugin.jobs.celery import make_celery
from plugin.sync import drain, inbox

PLACES = {"apply": drain, "react": drain, "done": inbox, "decode": drain}
KILLER = b"kills its reader"


def main(shop_id: int, point: str) -> None:
    make_celery().set_default()
    if point == "body":
        drain.decode = dying_on_body(drain.decode)
    elif point != "nowhere":
        when, name = point.split()
        place: Any = PLACES[name]
        setattr(place, name, dying(getattr(place, name), when))
    drain.drain(shop_id)


def dying(function: Callable[..., Any], when: str) -> Callable[..., Any]:
    def call(*args: Any) -> Any:
        if when == "before":
            die()
        function(*args)
        die()

    return call


def dying_on_body(decode: Callable[..., Any]) -> Callable[..., Any]:
    def call(topic: str, data: bytes, shop: Any) -> Any:
        if KILLER in data:
            die()
        return decode(topic, data, shop)

    return call


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
