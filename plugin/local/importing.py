"""Installs the plugin into the pretend store as a merchant would, and shows how its history comes in.

Progress is read from `sync_runs` as the owner, who sees every shop.
"""

import time
from dataclasses import dataclass

import psycopg
import requests
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from plugin.local.errors import NotReady

POLL_SECONDS = 0.5
BEGIN_SECONDS = 60
STALL_SECONDS = 180
FINAL = ("done", "failed", "cancelled")


@dataclass(frozen=True)
class Run:
    """One kind of object being imported; `total` is None until the store has said how many there are."""

    id: int
    object: str
    state: str
    done: int
    total: int | None
    error: str | None


def is_installed(owner_url: str, domain: str) -> bool:
    """Whether the shop has the plugin at this moment."""
    with psycopg.connect(owner_url) as connection:
        query = "SELECT 1 FROM shops WHERE domain = %s AND installed_at IS NOT NULL AND uninstalled_at IS NULL"
        return connection.execute(query, (domain,)).fetchone() is not None


def is_complete(owner_url: str, domain: str) -> bool:
    """Whether history was asked for and none of it is still coming in, as after a start that was cut short."""
    with psycopg.connect(owner_url) as connection:
        runs = _latest_runs(connection, domain)
    return bool(runs) and all(run.state in FINAL for run in runs)


def install(store_url: str, owner_url: str, domain: str) -> None:
    """Grants the scopes in the store, then opens the panel once, which is when an app meets its shop."""
    granted = requests.post(f"{store_url}/_control/install", timeout=60)
    granted.raise_for_status()
    panel = requests.get(granted.json()["launch_url"], timeout=120)
    if not panel.ok or not is_installed(owner_url, domain):
        raise NotReady(f"The panel's first opening was answered with {panel.status_code}; why stands in logs/web.log.")


def show(console: Console, owner_url: str, domain: str) -> list[Run]:
    """A progress bar for each run until all have ended; returns them. Raises NotReady when nothing moves any more."""
    columns = (TextColumn("  {task.description:<12}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with psycopg.connect(owner_url, autocommit=True) as connection, Progress(*columns, console=console) as progress:
        bars: dict[int, int] = {}
        seen: list[Run] = []
        moved_at = time.monotonic()
        while True:
            runs = _latest_runs(connection, domain)
            for run in runs:
                _draw(progress, bars, run)
            if runs and all(run.state in FINAL for run in runs):
                return runs
            if runs != seen:
                seen, moved_at = runs, time.monotonic()
            if time.monotonic() - moved_at > (STALL_SECONDS if runs else BEGIN_SECONDS):
                raise NotReady(f"The import has not moved for {STALL_SECONDS if runs else BEGIN_SECONDS} s.")
            time.sleep(POLL_SECONDS)


def _draw(progress: Progress, bars: dict[int, int], run: Run) -> None:
    if run.id not in bars:
        bars[run.id] = int(progress.add_task(run.object, total=None))
    total = run.total if run.total is not None or run.state != "done" else run.done
    progress.update(progress.task_ids[list(bars).index(run.id)], completed=run.done, total=total)


def _latest_runs(connection: psycopg.Connection, domain: str) -> list[Run]:
    rows = connection.execute(
        "SELECT DISTINCT ON (r.object) r.id, r.object, r.state, r.rows_done, r.rows_total, r.error"
        " FROM sync_runs r JOIN shops s ON s.id = r.shop_id"
        " WHERE s.domain = %s AND r.kind = 'backfill' ORDER BY r.object, r.id DESC",
        (domain,),
    )
    return sorted((Run(*row) for row in rows), key=lambda run: run.id)
