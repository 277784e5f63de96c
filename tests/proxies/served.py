"""An app that four processes serve, in each of the ways that people start them."""

from __future__ import annotations

import sys
import sysconfig
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from tests.kit.server import ROOT, ServerProcess
from tests.kit.sockets import sockets

WORKERS = 4
APP = "tests.workers.app"
ASGI = "tests.proxies.asgi:asgi"
#: Where a connection can be taken from the server, so that a client that upgrades comes to the worker that has it.
HANDS_OVER = {"run", "gunicorn"}


def _program(name: str) -> str:
    return str(Path(sysconfig.get_path("scripts"), name))


def _run(pem: str) -> list[str]:
    return [sys.executable, str(ROOT / "tests/workers/app.py")]


def _gunicorn(pem: str) -> list[str]:
    tls = ["--certfile", pem, "--keyfile", pem] if pem else []
    words = ["-w", "4", "--threads", "100", "--bind", "127.0.0.1:0"]
    return [_program("gunicorn"), *words, *tls, f"{APP}:app"]


def _uvicorn(pem: str) -> list[str]:
    tls = ["--ssl-certfile", pem, "--ssl-keyfile", pem] if pem else []
    words = [
        "--workers",
        "4",
        "--ws",
        "websockets-sansio",
        "--ws-ping-interval",
        "0",
        "--port",
        "0",
    ]
    return [_program("uvicorn"), *words, *tls, ASGI]


COMMANDS: dict[str, Callable[[str], list[str]]] = {
    "run": _run,
    "gunicorn": _gunicorn,
    "uvicorn": _uvicorn,
}


#: Between looks at all the connections of all workers, which are work: proxies keep theirs for seconds.
_DEAR = 0.5


class Served(ServerProcess):
    """Four workers; `pem` is a certificate and its key, for TLS that they do themselves."""

    def __init__(self, way: str, home: Path, pem: Path | None = None) -> None:
        tls = str(pem or "")
        env = {"WORKERS": str(WORKERS), "HOME": str(home), **({"CERTIFICATE": tls} if tls else {})}
        super().__init__(COMMANDS[way](tls), env)
        self.way = way

    def start(self) -> None:
        super().start()
        wait_until(lambda: len(self.workers()) == WORKERS)

    def workers(self) -> set[int]:
        """The processes that listen, but for the first one."""
        return {process.pid for process in self._processes() if process.pid != self.pid}

    def _processes(self) -> list[psutil.Process]:
        port = self.address[1]
        own = psutil.Process(self.pid)
        return [process for process in (own, *own.children()) if port in _listens(process)]

    def sockets(self) -> int:
        """All that are open, when no client is connected any more."""
        wait_until(lambda: not any(map(self.connections, self.workers())), pause=_DEAR)
        return sum(sockets(process.pid) for process in self._processes())

    def connections(self, pid: int) -> set[int]:
        """The ports from which clients are connected with a process."""
        return {
            connection.raddr.port
            for connection in psutil.Process(pid).net_connections("tcp")
            if connection.laddr.port == self.address[1] and connection.raddr
        }


def _listens(process: psutil.Process) -> set[int]:
    try:
        return {
            connection.laddr.port
            for connection in process.net_connections("tcp")
            if connection.status == psutil.CONN_LISTEN
        }
    except psutil.Error:  # it has ended
        return set()


def wait_until(condition: Callable[[], object], seconds: float = 30, pause: float = 0.05) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(pause)
