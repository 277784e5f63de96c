"""docs/guides/testing.md: the application and its tests, in a folder of their own, by pytest."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.docs.pages import blocks


def test_the_pages_tests_pass(tmp_path: Path) -> None:
    for block in blocks("docs/guides/testing.md"):
        if block.language == "python":
            name = block.text.partition("\n")[0].removeprefix("# ")
            (tmp_path / name).write_text(block.text, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider"]
    environ = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}
    ended = subprocess.run(
        [*command, "--rootdir", tmp_path, tmp_path],
        cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert "8 passed" in ended.stdout, ended.stdout + ended.stderr
