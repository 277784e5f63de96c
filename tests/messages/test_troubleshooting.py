"""Every message that the documentation explains is one that the package has."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/troubleshooting.md").read_text(encoding="utf-8")
HEADINGS = re.findall(r"^### (.+)$", PAGE, re.M)
#: what logging and f-strings put in
HOLE = re.compile(r"%[-.\d]*[srdg]|\{\}|…")


@cache
def literals(folder: str) -> list[str]:
    """The strings of the programs there; a hole of an f-string is `{}`."""
    return [text for path in (ROOT / folder).rglob("*.py") for text in _literals(path)]


def _literals(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield "".join(
                str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values
            )


def plain(text: str) -> str:
    """Without what differs from one line to the next."""
    return " ".join(HOLE.sub(" ", text.replace("'", " ")).split())


@cache
def messages() -> list[str]:
    return [plain(text) for text in literals("src")]


@pytest.mark.parametrize("heading", HEADINGS)
def test_the_package_says_it(heading: str) -> None:
    part = plain(heading.removesuffix(", did you mean '…'?"))
    assert any(part in text for text in messages()), part


def test_there_are_headings() -> None:
    assert len(HEADINGS) > 5
