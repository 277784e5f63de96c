"""The oldest Flask that the package claims to work with; the newest one is what all other tests run on."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.kit.server import ROOT

TESTS = ["tests/surface/test_handlers.py", "tests/surface/test_emitting.py"]


def test_the_oldest_flask(tmp_path: Path) -> None:
    claimed = re.search(r'"flask>=([\d.]+)"', (ROOT / "pyproject.toml").read_text())
    assert claimed is not None
    oldest = f"{claimed[1]}.0"
    pip = [sys.executable, "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
    packages = [f"flask=={oldest}", f"werkzeug=={oldest}"]
    subprocess.run([*pip, "--no-deps", "--target", tmp_path, *packages], check=True)
    environ = {**os.environ, "PYTHONPATH": str(tmp_path)}
    program = "from importlib.metadata import version; print(version('flask'), version('werkzeug'))"
    found = subprocess.check_output([sys.executable, "-c", program], env=environ, text=True)
    assert found.split() == [oldest, oldest]
    arguments = [
        "-q",
        "-c",
        "/dev/null",
        "--rootdir",
        ROOT,
        "--confcutdir",
        "tests/surface",
        *TESTS,
    ]
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments], env=environ, cwd=ROOT, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout
