"""Whether the demo's worker still hears: a process that runs may have stopped working."""

import socket

import psycopg

from plugin.db.pulses import STALE_SECONDS

SILENT = """
    SELECT 1 FROM pulses WHERE name = %s AND at < clock_timestamp() - make_interval(secs => %s)
"""


def hears(database_url: str, pid: int) -> bool:
    """False when this worker has finished nothing for 90 s; True when that cannot be known."""
    name = f"worker:{socket.gethostname().replace(':', '-')}:{pid}"
    try:
        with psycopg.connect(database_url, connect_timeout=2) as connection:
            return connection.execute(SILENT, [name, STALE_SECONDS]).fetchone() is None
    except psycopg.Error:
        return True
