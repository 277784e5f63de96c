"""`MUSTS.md` and the conformance tests name each other: no rule without its test, no test without its rule."""

from __future__ import annotations

import ast
import re
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
TABLE = (HERE / "MUSTS.md").read_text(encoding="utf-8")
TEST_ID = re.compile(r"`(tests/(?:\w+/)+test_\w+\.py::test_\w+)`")


def named() -> set[str]:
    """The test ids in the table."""
    return set(TEST_ID.findall(TABLE))


def defined(folder: Path) -> set[str]:
    """The test functions in a folder and below."""
    return {
        f"{path.relative_to(ROOT)}::{node.name}"
        for path in folder.rglob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def test_every_rule_names_tests_that_exist() -> None:
    assert sorted(named() - defined(HERE.parent)) == []


def test_every_test_belongs_to_a_rule() -> None:
    assert sorted(defined(HERE) - named()) == []


def test_every_row_names_a_test() -> None:
    rows = re.findall(r"^\| (?!Where|:?-).*$", TABLE, re.MULTILINE)
    assert len(rows) > 100
    assert [row for row in rows if row.count(" | ") != 2 or not TEST_ID.search(row)] == []


def test_no_test_id_is_spelled_wrong() -> None:
    """What looks like an id is one: an id that the pattern misses would not be checked."""
    assert [
        code for code in re.findall(r"`([^`\n]*::[^`\n]*)`", TABLE) if code not in named()
    ] == []
