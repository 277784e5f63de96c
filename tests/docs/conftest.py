"""The site, built once."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as `make docs` does, by the first of the processes that run tests."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # each process has its own in that one
    with (folder / "site.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "site").exists():
            build(folder / "site.new")
            (folder / "site.new").rename(folder / "site")
    return folder / "site"


def build(folder: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    words = makefile.partition("python -m sphinx ")[2].partition(" docs build/docs")[0].split()
    ended = subprocess.run(
        [sys.executable, "-m", "sphinx", *words, "docs", folder],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=170,
    )
    assert ended.returncode == 0, ended.stderr
