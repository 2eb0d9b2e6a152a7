"""Where things are kept, and the one sentence when there is no room for them."""

import contextlib
import json
import os
import random
import shutil
import socket
import stat
from pathlib import Path
from typing import NamedTuple

import pytest

from plugin.local import ports
from plugin.local.errors import DiskFull, LocalError, PortInUse
from plugin.local.home import Home, write_private


class Usage(NamedTuple):
    total: int
    used: int
    free: int


def free_home(path: Path) -> Home:
    """A home whose five ports are free at this moment, below those that the system gives to callers."""
    while True:
        home = Home(path, random.randrange(10000, 30000))
        with contextlib.suppress(PortInUse):
            for name, port in home.ports.items():
                ports.require_free(port, name)
            return home


def test_two_variables_move_everything(tmp_path: Path) -> None:
    home = Home.from_env({"REGULARS_HOME": str(tmp_path), "REGULARS_PORT": "9100"})
    assert home.path == tmp_path
    assert home.ports == {"web": 9100, "sandbox": 9101, "mail": 9102, "postgres": 9103, "valkey": 9104}


def test_defaults_are_in_the_working_directory() -> None:
    assert Home.from_env({}) == Home(Path.cwd() / ".regulars", 8800)


@pytest.mark.parametrize("port", ["http", "80", "65532", "-1", "9100.5"])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    with pytest.raises(LocalError, match="REGULARS_PORT"):
        Home.from_env({"REGULARS_PORT": port})


def test_a_port_in_use_is_named_with_the_variable_that_moves_it(tmp_path: Path) -> None:
    home = free_home(tmp_path)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", home.ports["postgres"]))
        listener.listen()
        with pytest.raises(PortInUse, match=f"Port {home.ports['postgres']}, needed by postgres, .*REGULARS_PORT"):
            home.require_room()


def test_a_full_disk_is_noticed_before_anything_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(100, 99, 1))
    with pytest.raises(DiskFull, match="REGULARS_HOME"):
        free_home(tmp_path / "not" / "there").require_room()


def test_erasing_leaves_what_is_not_ours(tmp_path: Path) -> None:
    home = Home(tmp_path, 9100)
    (tmp_path / "postgres" / "data").mkdir(parents=True)
    (tmp_path / "letters.txt").write_text("mine")
    secrets = home.secrets()
    home.erase()
    assert [path.name for path in tmp_path.iterdir()] == ["letters.txt"]
    assert home.secrets() != secrets


def test_secrets_stay_and_are_private(tmp_path: Path) -> None:
    home = Home(tmp_path, 9100)
    assert home.secrets() == home.secrets()
    assert stat.S_IMODE(os.stat(tmp_path / "secrets.json").st_mode) == 0o600


def test_a_private_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "demo.json"
    path.write_text("{}")
    write_private(path, {"pids": {"web": 1}})
    assert json.loads(path.read_text()) == {"pids": {"web": 1}}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
