"""Front-end packages come by lock; what the pages load is where they look for it."""

import json
import re
from pathlib import Path

import pytest

from plugin.local import frontend
from plugin.local.errors import Missing


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    (tmp_path / "package-lock.json").write_text("{}")
    for source in frontend.FILES:
        path = tmp_path / "node_modules" / source
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    return tmp_path


def installed(packages: Path, development: bool) -> None:
    stamp = {"lock": frontend._digest(packages), "development": development}
    (packages / "node_modules" / frontend.STAMP).write_text(json.dumps(stamp))


def test_an_unchanged_lock_installs_nothing_and_copies_what_pages_load(packages: Path, tmp_path: Path) -> None:
    installed(packages, development=False)
    frontend.ensure(packages=packages, vendor=tmp_path / "vendor")
    assert {path.name for path in (tmp_path / "vendor").iterdir()} == set(frontend.FILES.values())


def test_a_changed_lock_or_a_wish_for_more_installs_again(packages: Path) -> None:
    modules = packages / "node_modules"
    installed(packages, development=False)
    assert not frontend._needs_install(modules, packages, False)
    assert frontend._needs_install(modules, packages, True)
    (packages / "package-lock.json").write_text('{"changed": true}')
    assert frontend._needs_install(modules, packages, False)


def test_a_failing_install_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text("{")
    (tmp_path / "package-lock.json").write_text("{")
    with pytest.raises(Missing, match="could not be installed") as error:
        frontend.ensure(packages=tmp_path, vendor=tmp_path / "vendor")
    assert "\n" not in str(error.value)


def test_what_pages_load_is_what_is_copied() -> None:
    pages = [path.read_text() for path in (frontend.PACKAGES).rglob("*.html") if "node_modules" not in path.parts]
    loaded = {name for page in pages for name in re.findall(r"vendor/([\w.-]+)", page)}
    assert loaded == set(frontend.FILES.values())


def test_a_file_of_an_older_release_goes(packages: Path, tmp_path: Path) -> None:
    installed(packages, development=False)
    (tmp_path / "vendor").mkdir()
    (tmp_path / "vendor" / "old.js").write_text("")
    frontend.ensure(packages=packages, vendor=tmp_path / "vendor")
    assert not (tmp_path / "vendor" / "old.js").exists()
