"""The site, built once."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

#: Seconds in which the site is built, on a machine that is busy with type checkers.
_BUILT = 400


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever needs the site may have to wait for it."""
    for item in items:
        if "site" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.timeout(_BUILT + 60))


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
        timeout=_BUILT,
    )
    assert ended.returncode == 0, ended.stderr
