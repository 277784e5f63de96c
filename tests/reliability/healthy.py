"""A healthy client in a process of its own, which has one echo after the other, and tells how long the slowest took.

`python -m tests.reliability.healthy PORT` answers each line on its standard input with JSON.
"""

from __future__ import annotations

import json
import select
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Self

from tests.kit.engine import EngineWebSocket
from tests.kit.server import ROOT, ServerProcess
from tests.kit.sio import SioClient

PATH = "/socket.io/"
PAUSE = 0.001
PATIENCE = 60.0


@dataclass(frozen=True)
class Turns:
    """Echoes: how many, and the seconds that the slowest took, and that 99 of 100 did not exceed."""

    count: int
    worst: float
    p99: float


class Healthy:
    """The client as the tests have it; a context manager."""

    def __init__(self, server: ServerProcess) -> None:
        self._argv = [sys.executable, "-m", "tests.reliability.healthy", str(server.address[1])]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._argv, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.turns()
        return self

    def __exit__(self, *exc: object) -> None:
        self._process.kill()
        self._process.communicate()

    def turns(self) -> Turns:
        """The echoes since it was asked last. Raises ConnectionError where the server has let go of it."""
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            print(file=self._process.stdin, flush=True)
        except BrokenPipeError:
            raise ConnectionError("the healthy client has been cut") from None
        line = self._process.stdout.readline()
        if not line:
            raise ConnectionError("the healthy client has been cut")
        return Turns(**json.loads(line))

    def turns_for(self, seconds: float) -> Turns:
        self.turns()
        time.sleep(seconds)
        return self.turns()


def summary(took: list[float]) -> str:
    ordered = sorted(took)
    p99 = ordered[int(len(ordered) * 0.99)] if ordered else 0.0
    return json.dumps({"count": len(took), "worst": max(took, default=0.0), "p99": p99})


def main(port: int) -> None:
    client = SioClient(EngineWebSocket.open(("127.0.0.1", port), PATH))
    client.connect()
    took: list[float] = []
    while True:
        begun = time.perf_counter()
        client.emit("echo", len(took))
        while client.recv(PATIENCE).data != ["echo", len(took)]:
            pass
        took.append(time.perf_counter() - begun)
        if select.select([sys.stdin], [], [], PAUSE)[0]:
            if not sys.stdin.readline():
                return
            print(summary(took), flush=True)
            took.clear()


if __name__ == "__main__":
    main(int(sys.argv[1]))
