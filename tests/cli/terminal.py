"""A command as people type it, in a folder of its own, where Flask looks for the application."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

from tests.kit import warm
from tests.kit.server import ServerProcess

FLASK = [str(Path(sysconfig.get_path("scripts"), "flask"))]
MODULE = [sys.executable, "-m", "flask"]
#: the same commands, without the word `socketio`
OURS = [sys.executable, "-m", "flask_socketio"]


class InFolder(ServerProcess):
    """One that serves."""

    def __init__(self, argv: list[str], folder: Path, env: dict[str, str] | None = None) -> None:
        super().__init__(argv, env, cwd=folder)


def typed(
    folder: Path, *command: str, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """One that ends, and what it has said: never a traceback."""
    done = warm.run(command, cwd=folder, env={**warm.environment(), **(env or {})})
    assert "Traceback" not in done.stderr, done.stderr
    return done
