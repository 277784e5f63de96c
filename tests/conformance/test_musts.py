"""`MUSTS.md` and the conformance tests name each other: no rule without its test, no test without its rule."""

from __future__ import annotations

import ast
import re
from pathlib import Path

HERE = Path(__file__).parent
TEST_ID = re.compile(r"`tests/conformance/(test_\w+\.py::test_\w+)`")


def named() -> list[str]:
    """The test ids in the table, in its order."""
    return TEST_ID.findall((HERE / "MUSTS.md").read_text(encoding="utf-8"))


def defined() -> set[str]:
    """The test functions of this folder."""
    return {
        f"{path.name}::{node.name}"
        for path in HERE.glob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def test_every_rule_names_tests_that_exist() -> None:
    assert sorted(set(named()) - defined()) == []


def test_every_test_belongs_to_a_rule() -> None:
    assert sorted(defined() - set(named())) == []


def test_every_row_names_a_test() -> None:
    rows = re.findall(r"^\| (?!Where|:?-).*$", (HERE / "MUSTS.md").read_text("utf-8"), re.MULTILINE)
    assert len(rows) > 100
    assert [row for row in rows if not TEST_ID.search(row)] == []
