"""`make` where there is a .venv already: a wrong one is made anew, a good one is left alone."""

from __future__ import annotations

import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
INPUTS = ("pyproject.toml", "hatch_build.py", "package-lock.json")
ANEW = "-m venv --clear .venv"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkout, as far as these rules need one, with a .venv."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    shutil.copy(ROOT / "Makefile", folder)
    for name in INPUTS:
        (folder / name).touch()
    venv.create(folder / ".venv", symlinks=True)
    # As the command does it, which is what the Makefile calls.
    config = folder / ".venv/pyvenv.cfg"
    assert f"{folder}/.venv\n" in config.read_text()
    (folder / ".venv/installed").touch()
    return folder


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    argv = ["make", *arguments, ".venv/installed"]
    return subprocess.run(argv, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def old_python(path: Path) -> None:
    """One that does not fit, as Python 3.9 does not."""
    path.unlink(missing_ok=True)
    path.write_text("#!/bin/sh\nexit 1\n")
    path.chmod(0o755)


def test_a_good_one_stays(folder: Path) -> None:
    assert "up to date" in make(folder).stdout


def test_one_of_another_python(folder: Path) -> None:
    old_python(folder / ".venv/bin/python")
    assert ANEW in make(folder, "-n").stdout


def test_one_whose_python_is_gone(folder: Path) -> None:
    python = folder / ".venv/bin/python"
    python.unlink()
    python.symlink_to(folder / "gone")
    assert ANEW in make(folder, "-n").stdout


def test_one_of_a_folder_that_was_moved(folder: Path) -> None:
    moved = folder.rename(folder.with_name("moved"))
    assert ANEW in make(moved, "-n").stdout


def test_a_python_that_does_not_fit(folder: Path) -> None:
    """As in `make PYTHON=python3.9 example`: nothing is made, and what there is stays."""
    shutil.rmtree(folder / ".venv")
    old_python(folder / "python3.9")
    ended = make(folder, "PYTHON=./python3.9")
    assert ended.returncode != 0
    assert "./python3.9: Python 3.11 or newer with venv is needed" in ended.stderr
    assert not (folder / ".venv").exists()
    assert f"{Path(sys.executable).name} -m venv" not in ended.stdout
