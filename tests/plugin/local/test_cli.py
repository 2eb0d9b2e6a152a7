"""The words of the `regulars` command, and its one-sentence errors."""

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from plugin.local import chromium, cli, demo, memory
from plugin.local.errors import Missing


def test_a_problem_of_the_machine_is_one_sentence_and_status_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("DATABASE_OWNER_URL", raising=False)
    assert cli.run(["migrate"]) == 1
    assert capsys.readouterr().err == "DATABASE_OWNER_URL is not set: migrations run as the owner of the tables.\n"


@pytest.mark.parametrize("word", ["demo", "migrate", "inbox", "keys", "privacy", "doctor", "frontend", "chromium"])
def test_every_word_explains_itself(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        cli.run([word, "--help"])
    assert word in capsys.readouterr().out


def test_the_command_is_installed() -> None:
    command = Path(sys.executable).parent / "regulars"
    result = subprocess.run([command, "--help"], capture_output=True, text=True, timeout=30)
    assert result.returncode == 0
    assert "doctor" in result.stdout


def test_a_browser_on_path_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = tmp_path / "chromium"
    browser.write_text("#!/bin/sh\n")
    browser.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert chromium.find_or_install() == browser


def test_without_any_way_to_a_browser_the_failure_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(Missing, match="apt install chromium"):
        chromium.find_or_install()


def test_memory_counts_a_family_once() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    alone = memory.proportional_bytes([child.pid])
    child.communicate(b"\n")
    assert 1e6 < alone < 100e6
    assert memory.proportional_bytes([child.pid]) == 0


def test_a_disk_that_fills_up_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/data/secrets.json")

    monkeypatch.setattr(demo, "demo", full)
    assert cli.run(["demo"]) == 1
    assert capsys.readouterr().err.startswith("The disk is full (/data/secrets.json)")
