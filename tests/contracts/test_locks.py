"""A fresh machine installs what was tested: locks carry hashes and no addresses, and no registry is named anywhere."""

import json
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from plugin.config import ROOT

LOCKS = ("requirements-build.lock", "requirements.lock", "requirements-dev.lock")
REGISTRIES = re.compile(r"(pyp" + r"i|pythonhos" + r"ted|npm" + r"js|yarn" + r"pkg)\.(org|com)")
PINNED = re.compile(r"^([A-Za-z0-9._-]+(?:\[[a-z,]+\])?)==([^ ;]+)")


def entries(lock: str) -> dict[str, str]:
    """Each pinned requirement of a lock with everything that belongs to it."""
    blocks = re.split(r"\n(?=\S)", (ROOT / lock).read_text().replace("\\\n", " "))
    return {match[1]: block for block in blocks if (match := PINNED.match(block))}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_requirement_is_pinned_with_hashes(lock: str) -> None:
    lines = [line for line in (ROOT / lock).read_text().replace("\\\n", " ").splitlines() if line.strip()]
    assert lines
    assert [line for line in lines if not (PINNED.match(line) and "--hash=sha256:" in line)] == []


@pytest.mark.parametrize("lock", [*LOCKS, "admin_ui/package-lock.json", "admin_ui/.npmrc"])
def test_locks_hold_no_addresses(lock: str) -> None:
    assert not re.search(r"https?://|git\+|--(extra-)?index-url|--find-links|registry\s*=", (ROOT / lock).read_text())


def test_front_end_packages_carry_hashes_and_no_place() -> None:
    packages = json.loads((ROOT / "admin_ui/package-lock.json").read_text())["packages"]
    packages.pop("")
    assert packages
    assert [
        name for name, package in packages.items() if "integrity" not in package and "inBundle" not in package
    ] == []
    assert [name for name, package in packages.items() if "resolved" in package] == []


def test_the_production_lock_is_part_of_the_development_lock() -> None:
    development = {name.lower(): text.split()[0] for name, text in entries("requirements-dev.lock").items()}
    production = {name.lower(): text.split()[0] for name, text in entries("requirements.lock").items()}
    assert production.items() <= development.items()


def test_every_declared_dependency_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = {re.split(r"[\[<>=]", name)[0].lower() for name in project["dependencies"]}
    assert declared <= {name.lower() for name in entries("requirements.lock")}


def test_no_registry_is_named_in_the_repository() -> None:
    files = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert [name for name in files if names_registry(ROOT / name)] == []


def names_registry(path: Path) -> bool:
    return path.is_file() and REGISTRIES.search(path.read_text(errors="replace")) is not None
