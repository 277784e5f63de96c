"""docs/guides/typed-events.md: its commands, as they stand there."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

from tests.docs.pages import block
from tests.kit.server import ROOT

PAGE = "docs/guides/typed-events.md"
SCRIPTS = sysconfig.get_path("scripts")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "example/typed/app.py", tmp_path)
    return tmp_path


def run(has: str, folder: Path) -> str:
    words = shlex.split(block(PAGE, has))
    path = {"PATH": f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run(
        words, cwd=folder, env={**os.environ, **path}, capture_output=True, text=True, check=True
    ).stdout


def test_the_table(folder: Path) -> None:
    *_, note = run("socketio routes", folder).splitlines()
    assert note.split()[:4] == ["/", "note", "def", "note"]
    assert "new: NewNote (checked)" in note


def test_typescript(folder: Path) -> None:
    run("socketio typescript", folder)
    made = (folder / "events.ts").read_text()
    assert "export interface ClientToServerEvents" in made


def test_asyncapi(folder: Path) -> None:
    run("socketio asyncapi", folder)
    made = json.loads((folder / "asyncapi.json").read_text())
    assert made["info"] == {"title": "Board", "version": "2.1"}
