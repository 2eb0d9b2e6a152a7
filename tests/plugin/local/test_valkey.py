"""The embedded Valkey refuses rather than forgets, and keeps what it was told to keep."""

import tempfile
from pathlib import Path

import redis

from plugin.local import valkey


def test_keys_are_never_evicted() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="regulars-valkey-") as name,
        valkey.running(Path(name)) as server,
        redis.Redis.from_url(server.url) as client,
    ):
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_a_durable_server_keeps_its_keys() -> None:
    with tempfile.TemporaryDirectory(prefix="regulars-valkey-") as name:
        with valkey.running(Path(name), durable=True) as first, redis.Redis.from_url(first.url) as client:
            client.set("doorbell", "rung")
        with valkey.running(Path(name), durable=True) as second, redis.Redis.from_url(second.url) as client:
            assert client.get("doorbell") == b"rung"
