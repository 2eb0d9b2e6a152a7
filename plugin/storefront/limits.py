"""So many requests a minute and no more, counted in Valkey under keyed hashes: no address and no id is stored there.

A limit protects, it does not decide: when Valkey is away, nobody is refused.
"""

from __future__ import annotations

from functools import cache

from redis import Redis
from redis.exceptions import RedisError

from plugin.config import config
from plugin.crypto.secrets import keyed
from plugin.errors import RegularsError

WINDOW_SECONDS = 60


class TooMany(RegularsError):
    """Too many requests in a minute; `after` seconds later there is room again."""

    status = 429
    after = WINDOW_SECONDS


def allow(purpose: str, most: int, *who: str | int) -> None:
    """Count one request of `who` for a purpose. Raises TooMany beyond `most` a minute."""
    name = f"limit:{keyed('limit', purpose, *who).hex()[:32]}"
    try:
        pipe = _valkey().pipeline()
        pipe.incr(name)
        pipe.expire(name, WINDOW_SECONDS, nx=True)
        count, _ = pipe.execute()
    except (RedisError, OSError):
        return
    if count > most:
        raise TooMany("That was a lot at once. Try again in a minute.")


@cache
def _valkey() -> Redis:
    return Redis.from_url(config().redis_url, socket_timeout=0.3, socket_connect_timeout=0.3)
