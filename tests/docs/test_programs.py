"""The Python blocks of each page run, as one program."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import pages, program
from tests.kit import warm

PROGRAMS = [(page, number) for page in pages() for number in range(len(program(page)))]


def run(page: str, number: int, folder: Path) -> subprocess.CompletedProcess[str]:
    return warm.run(
        [sys.executable, "-W", "error", "-m", "tests.docs.program", page, str(number)],
        env={**warm.environment(), "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=folder,
        timeout=120,
    )


@pytest.mark.parametrize(("page", "number"), PROGRAMS)
def test_it_runs(page: str, number: int, tmp_path: Path) -> None:
    ended = run(page, number, tmp_path)
    assert ended.returncode == 0, f"{ended.stdout}\n{ended.stderr}"


@pytest.mark.parametrize(("page", "number"), PROGRAMS)
def test_it_says_what_must_come_of_it(page: str, number: int) -> None:
    assert any("assert" in part.text for part in program(page)[number]), "nothing is asserted"
