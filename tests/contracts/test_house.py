"""The shape of the house: who may import whom, which commands there are, and who may look across shops."""

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from plugin.config import ROOT

PRODUCT = ("plugin", "webhooks", "admin_ui")
ACROSS_SHOPS = {"system_scope", "system_transaction"}
MAY_LOOK_ACROSS_SHOPS = {
    "plugin/db/engine.py",  # defines it
    "plugin/shops/queries.py",  # which shop is it
    "plugin/shops/installing.py",  # a shop's first row
    "plugin/shops/tokens.py",  # whose tokens grow old
    "plugin/sync/drain.py",  # whose inbox waits
    "plugin/sync/turns.py",  # whose import or comparison is due
    "plugin/sync/retention.py",  # strays have no shop
    "plugin/sync/retrying.py",  # whose webhook an operator names by its number
    "plugin/effects/claims.py",  # whose effect is due
    "plugin/messages/sending.py",  # whose mail is due
    "plugin/campaigns/waking.py",  # whose enrollment wakes
    "plugin/local/views.py",  # the sandbox's clock has no shop
    "plugin/watching/metrics.py",  # how much waits, of anybody
    "plugin/watching/budgets.py",  # which shop is this store
}


def python_files(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from (path for path in (ROOT / folder).rglob("*.py") if "node_modules" not in path.parts)


def test_import_contracts_hold() -> None:
    command = Path(sys.executable).parent / "lint-imports"
    result = subprocess.run([command, "--no-logo"], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stdout + result.stderr


def test_only_a_few_look_across_shops() -> None:
    users = {str(path.relative_to(ROOT)) for path in python_files(*PRODUCT) if names(path) & ACROSS_SHOPS}
    assert users == MAY_LOOK_ACROSS_SHOPS


def test_sandbox_and_product_share_no_code() -> None:
    for path in python_files("plugin/sandbox"):
        foreign = {name for name in imports(path) if name.startswith(PRODUCT) and not name.startswith("plugin.sandbox")}
        assert foreign == set(), path
    for path in python_files(*PRODUCT):
        if "sandbox" not in path.parts:
            assert not any(name.startswith("plugin.sandbox") for name in imports(path)), path


def test_packages_do_nothing_when_imported() -> None:
    assert [path for path in python_files(*PRODUCT) if path.name == "__init__.py" and path.read_text().strip()] == []


@pytest.mark.parametrize("target", ["demo", "test", "check", "dev", "bench", "test-long", "lock", "install"])
def test_the_makefile_knows_what_the_readme_names(target: str) -> None:
    make = shutil.which("make")
    assert make, "make is missing: apt install make"
    result = subprocess.run([make, "-n", target], cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert result.returncode == 0, result.stderr


def test_the_procfile_starts_the_four_processes() -> None:
    processes = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())
    assert list(processes) == ["web", "worker", "beat", "release"]
    assert processes["web"].startswith("python -m plugin.local.web app:wsgi")
    assert processes["release"] == "regulars migrate"


def test_the_front_door_of_continuous_integration_calls_what_the_readme_names() -> None:
    script, readme = (ROOT / ".ci/run").read_text(), (ROOT / "README.md").read_text()
    for command in ("make check", "make test", "make demo"):
        assert command in script
        assert re.search(rf"\b{command}\b", readme)


def imports(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    found = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    return found | {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}


def names(path: Path) -> set[str]:
    """Every name and attribute a module uses."""
    tree = ast.parse(path.read_text())
    attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
    defined = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    return attributes | imported | defined
