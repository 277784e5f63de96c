"""Flask-SocketIO installed beside Flask-Duplex: one clear error, and the commands that it names mend it."""

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from tests.kit.missing import skip_or_fail
from tests.packaging.test_wheel import ROOT, build

MODULE = "import flask_socketio; print(flask_socketio.SocketIO.__module__)"


def run(python: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """With Flask and its parts from the environment of the tests."""
    env = {**os.environ, "PYTHONPATH": sysconfig.get_path("purelib")}
    return subprocess.run([python, *arguments], env=env, capture_output=True, text=True)


def pip(python: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    # What is installed somewhere else is not for it to find.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [python, "-m", "pip", *arguments], env=env, capture_output=True, text=True
    )


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """An environment in which Flask-SocketIO was installed first."""
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    done = pip(python, "install", "--no-deps", "flask-socketio")
    if done.returncode:
        skip_or_fail(f"Flask-SocketIO could not be installed: {done.stderr.strip()[-200:]}")
    return python


@pytest.mark.timeout(240)  # three installations
def test_both_installed_is_one_clear_error_and_can_be_mended(python: Path, tmp_path: Path) -> None:
    wheel = str(build("wheel", ROOT, tmp_path / "wheel"))
    assert pip(python, "install", "--no-deps", wheel).returncode == 0
    broken = run(python, "-c", MODULE)
    assert broken.returncode == 1
    last = broken.stderr.partition("ImportError: ")[2].splitlines()
    assert "Flask-Duplex and Flask-SocketIO are both installed" in last[0]
    assert [line.strip() for line in last[1:]] == [
        "pip uninstall flask-socketio",
        "pip install --force-reinstall flask-duplex",
    ]
    assert "During handling" not in broken.stderr

    doctor = run(python, "-m", "flask", "socketio", "doctor")
    assert doctor.returncode == 1, doctor.stderr
    assert "broken   Flask-SocketIO" in doctor.stdout
    assert "> pip uninstall flask-socketio\n" in doctor.stdout

    assert pip(python, "uninstall", "--yes", "flask-socketio").returncode == 0
    assert pip(python, "install", "--force-reinstall", "--no-deps", wheel).returncode == 0
    mended = run(python, "-c", MODULE)
    assert (mended.returncode, mended.stdout.strip()) == (0, "flask_socketio.extension")
