"""A row of the matrix as a process: the command line, its environment, and a port that nobody else has."""

from __future__ import annotations

import http.client
import os
import shlex
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.deployment.rows import Row
from tests.kit.missing import skip_or_fail
from tests.kit.ports import free_port
from tests.kit.raw import Address
from tests.kit.server import ROOT, START_DEADLINE, ServerProcess

ENVIRONMENT = ROOT / ".venv-deployment"
APPS = "tests.deployment.apps."

#: How each program is told where to listen; before its other arguments, but for Flask's.
BIND = {
    "daphne": "--port PORT",
    "flask": "--port PORT",
    "granian": "--port PORT",
    "gunicorn": "--bind 127.0.0.1:PORT",
    "hypercorn": "--bind 127.0.0.1:PORT",
    "uvicorn": "--port PORT",
    "uwsgi": f"--http 127.0.0.1:PORT --die-on-term --virtualenv {ENVIRONMENT}",
    "waitress-serve": "--listen 127.0.0.1:PORT",
}


class Deployed(ServerProcess):
    """A server that is started as people start theirs; `app` names the module in apps/ that it serves."""

    def __init__(
        self,
        row: Row,
        home: Path,
        implementation: str = "ours",
        app: str = "app",
        env: Mapping[str, str] | None = None,
    ) -> None:
        if not (ENVIRONMENT / "installed").exists():
            skip_or_fail("the servers are not installed: make .venv-deployment/installed")
        self._implementation = implementation
        self._port = free_port()
        folders = [ENVIRONMENT / folder for folder in row.folders]
        argv = [str(self._port) if word == "PORT" else word for word in command_line(row, app)]
        argv = [word.replace(":PORT", f":{self._port}") for word in argv]
        argv[0] = find_program(argv[0], folders)
        env = {**row.env, **(env or {}), "PORT": str(self._port), "APP": APPS + app}
        super().__init__(argv, {**env, "HOME": str(home)})  # gunicorn keeps a socket there
        if implementation == "original":
            folders.insert(0, ENVIRONMENT / "original")
        self._env["PYTHONPATH"] += "".join(f"{os.pathsep}{folder}" for folder in folders)

    def __exit__(self, *error: Any) -> None:
        """How the original ends, and what it logs meanwhile, is not compared."""
        if self._implementation == "ours":
            super().__exit__(*error)
        else:
            self.stop()

    def wait_until_it_listens(self) -> Address:
        """Wait for an answer of any kind: some say that they listen before they do, some say nothing."""
        deadline = time.monotonic() + START_DEADLINE
        address = ("127.0.0.1", self._port)
        while not answers(address):
            assert self.alive() and time.monotonic() < deadline, f"{self.argv}\n{self.log}"
            time.sleep(0.02)
        return address


def answers(address: Address) -> bool:
    connection = http.client.HTTPConnection(*address, timeout=START_DEADLINE)
    try:
        connection.request("GET", "/")
        connection.getresponse().read()
        return True
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def command_line(row: Row, app: str) -> list[str]:
    if row.program:
        return ["python", "-m", f"{APPS}{app if row.program == 'app' else row.program}"]
    words = shlex.split(row.command.strip("`"))
    words = [w.replace("module:asgi", f"{APPS}asgi:asgi") for w in words]
    words = [w.replace("module:app", f"{APPS}{app}:app") for w in words]
    bind = shlex.split(BIND[words[0]])
    return [*words, *bind] if words[0] == "flask" else [words[0], *bind, *words[1:]]


def find_program(name: str, folders: list[Path]) -> str:
    places = [folder / "bin" / name for folder in (*folders, ENVIRONMENT)]
    found = next((place for place in places if place.exists()), None)
    if found is None:
        skip_or_fail(f"{name} is not installed: see {ENVIRONMENT.name}/{name}.log")
    return str(found)
