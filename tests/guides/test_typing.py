"""docs/guides/typing.md: type checkers, strict, have nothing to say of its program."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.pages import block
from tests.type_check.test_types import Checker, mypy, pyright


@pytest.mark.parametrize("checker", [pyright, mypy])
def test_type_checkers_accept_the_page(checker: Checker, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    text = block("docs/guides/typing.md", "class Board")
    program.write_text(f"# pyright: strict\n{text}", encoding="utf-8")
    assert checker(program) == set()
    program.write_text(f"# pyright: strict\n{text}\nrequest.sidd\n", encoding="utf-8")
    assert checker(program) != set()
