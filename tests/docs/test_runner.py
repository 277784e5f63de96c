"""The runner itself: what it runs, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.pages import PageError, block, blocks, program
from tests.docs.test_programs import run


@pytest.fixture
def page(tmp_path: Path) -> Path:
    return tmp_path / "page.md"


def test_the_example_of_the_readme(page: Path, tmp_path: Path) -> None:
    page.write_text(block("tests/docs/README.md", "<!-- given"))
    assert run(str(page), 0, tmp_path).returncode == 0


def test_what_fails_is_told_by_its_line(page: Path, tmp_path: Path) -> None:
    page.write_text("# Title\n\n```python\na = 1\n```\n\nText.\n\n<!-- then:\nassert a == 2\n-->\n")
    ended = run(str(page), 0, tmp_path)
    assert ended.returncode == 1
    assert f'"{page}", line 10' in ended.stderr


def test_a_new_program_knows_nothing_of_the_first(page: Path, tmp_path: Path) -> None:
    page.write_text("```python\na = 1\n```\n<!-- new program -->\n```python\nprint(a)\n```\n")
    assert len(program(str(page))) == 2
    assert "name 'a' is not defined" in run(str(page), 1, tmp_path).stderr


def test_what_stands_under_main_does_not_run(page: Path, tmp_path: Path) -> None:
    page.write_text('```python\nif __name__ == "__main__":\n    raise SystemExit(1)\n```\n')
    assert run(str(page), 0, tmp_path).returncode == 0


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("<!-- gives: x -->\n```python\n```\n", "nobody knows"),
        ("<!-- file: x.py -->\n\nText.\n\n```python\n```\n", "no block follows"),
        ("Text:\n\n    print()\n", "indented"),
    ],
)
def test_a_page_that_is_not_as_it_has_to_be(page: Path, text: str, why: str) -> None:
    page.write_text(text)
    with pytest.raises(PageError, match=why):
        blocks(str(page))
