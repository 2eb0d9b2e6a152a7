"""The demo runs the Procfile's own commands, on loopback, and shows the owner's password to the release alone."""

import shlex
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from plugin.config import Config
from plugin.local import commands
from plugin.local.home import Home


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return commands.environment(Home(tmp_path, 9100), "postgresql://app", "postgresql://owner", "redis://bell")


def test_the_environment_is_that_of_a_sandbox_on_loopback(environ: dict[str, str], tmp_path: Path) -> None:
    read = Config.from_env(environ)
    assert (read.app_url, read.database_url, read.redis_url) == (
        "http://127.0.0.1:9100",
        "postgresql://app",
        "redis://bell",
    )
    assert read.smtp_url == "smtp://127.0.0.1:9102"
    assert read.platform.base(commands.SHOP) == "http://127.0.0.1:9101"
    assert read.api_secret == Home(tmp_path, 9100).secrets()["client_secret"]


@pytest.fixture
def told(tmp_path: Path, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """What a started process sees of its environment, by name of the process."""
    seen: dict[str, str] = {}
    printing = 'python -c "import os; print(sorted(os.environ))"'
    monkeypatch.setattr(commands, "procfile", lambda: {"web": printing, "release": printing})
    home = Home(tmp_path, 9100)
    for name, child in {
        "web": commands.start("web", home, environ),
        "release": commands.start_release(home, environ),
    }.items():
        child.popen.wait(30)
        seen[name] = child.log.read_text()
    yield seen


def test_only_the_release_knows_the_owner(told: dict[str, str]) -> None:
    assert "DATABASE_OWNER_URL" not in told["web"]
    assert "'DATABASE_URL'" in told["web"]
    assert "DATABASE_OWNER_URL" in told["release"]


def test_the_procfile_runs_without_our_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    web = commands.procfile()["web"]
    assert "${PORT:-8800}" in web
    assert "--respawn-failed-workers" in shlex.split(web)


def test_words_are_found_in_a_log_that_grows(tmp_path: Path) -> None:
    log = tmp_path / "worker.log"
    log.write_text(f"{time.monotonic()} celery@machine ready.\n")
    assert commands.logged(log, " ready.")
    assert not commands.logged(log, "beat: Starting")
