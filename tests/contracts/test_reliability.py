"""docs/reliability.md names tests that exist, and forgets no fault."""

from __future__ import annotations

import ast
import re

from plugin.config import ROOT

PAGE = (ROOT / "docs" / "reliability.md").read_text()
ROWS = [line.split("|")[1:-1] for line in PAGE.splitlines() if re.match(r"\| T\d\d \|", line)]
NAMED = [name for row in ROWS if len(row) == 4 for name in re.findall(r"`([^`]+)`", row[3])]


def test_every_fault_is_shown_or_left_out_with_a_reason() -> None:
    numbers = [row[0].strip() for row in ROWS]
    assert sorted(numbers) == [f"T{number:02}" for number in range(1, 61)]
    for row in ROWS:
        assert all(cell.strip() for cell in row), row
        assert len(row) == 3 or "`" in row[3], f"{row[0].strip()} names no test"


def test_every_test_that_is_named_exists() -> None:
    assert len(NAMED) > 100
    gone = [name for name in NAMED if not exists(name)]
    assert gone == [], "docs/reliability.md names these, and they are not there"


def exists(name: str) -> bool:
    file, _, test = name.partition("::")
    path = ROOT / "tests" / file
    if not path.is_file():
        return False
    defined = {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)}
    return test in defined if test else path.parts[-2] == "chaos"
