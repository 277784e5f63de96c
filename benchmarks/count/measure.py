"""One operation at a time against a server in a process of its own."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, Self

from .operations import DELIVERY, OPERATIONS, Operation, Target
from .result import NOTHING, Sample, difference, total

ROOT = Path(__file__).parents[2]
WARM_UP, REPEATS = 5, 7
STARTED = re.compile(r"Running on http://127\.0\.0\.1:(\d+)/")
_PATIENCE = 60.0


class Server:
    """The app of this folder, with the `flask_socketio` that is in a folder; a context manager.

    `options` are those of `SocketIO()`.
    """

    def __init__(self, source: Path, options: dict[str, Any] | None = None) -> None:
        self._source = source
        self._options = options or {}

    def __enter__(self) -> Self:
        own, its = socket.socketpair()
        own.settimeout(_PATIENCE)
        # What the environment says to Python or Flask would be counted.
        env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "FLASK_"))}
        env |= {"PYTHONPATH": str(self._source), "PYTHONHASHSEED": "0"}
        with its:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.count.app", str(its.fileno()), json.dumps(self._options)],
                cwd=ROOT, env=env, pass_fds=[its.fileno()], text=True,
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            )  # fmt: skip
        self._channel = own
        self._lines = own.makefile("rw")
        self.target = Target(self._port(), self.settle)
        return self

    def _port(self) -> int:
        assert self._process.stderr is not None
        log = ""
        for line in self._process.stderr:
            log += line
            if started := STARTED.search(line):
                return int(started[1])
        self.__exit__()
        raise RuntimeError(f"the server does not start:\n{log}")

    def __exit__(self, kind: type[BaseException] | None = None, *exc: object) -> None:
        self._lines.close()
        self._channel.close()
        self._process.kill()
        _, log = self._process.communicate()
        if kind is not None:
            print(f"the server's log:\n{log}", file=sys.stderr)

    def _ask(self, question: str) -> str:
        self._lines.write(f"{question}\n")
        self._lines.flush()
        return self._lines.readline()

    def settle(self) -> None:
        """Wait until nothing runs any more."""
        if self._ask("settle") != "\n":
            raise RuntimeError("the server has ended")

    def take(self) -> Sample:
        """What has been counted since the last time."""
        return {name: tuple(counts) for name, counts in json.loads(self._ask("take")).items()}


def count(server: Server, operation: Operation) -> Sample:
    """What it takes as a rule; so far it has taken the same every time."""
    with operation(server.target) as once:
        for _ in range(WARM_UP):
            once()
            server.settle()
        server.take()
        samples: list[Sample] = []
        for _ in range(REPEATS):
            once()
            samples.append(server.take())
    samples.sort(key=total)
    return max(samples, key=samples.count)


def count_all(source: Path, options: dict[str, Any] | None = None) -> dict[str, Sample]:
    """All operations, with the `flask_socketio` that is in the folder."""
    with Server(source, options) as server:
        found = {name: count(server, operation) for name, operation in OPERATIONS.items()}
        few, many, receivers = DELIVERY
        found["delivery"] = _part(found[few], count(server, many), receivers)
    return found


def _part(less: Sample, more: Sample, parts: int) -> Sample:
    """One of the parts by which an operation is larger than another."""
    found: Sample = {}
    for name in {**less, **more}:
        calls, bytecodes = difference(less.get(name, NOTHING), more.get(name, NOTHING))
        if calls or bytecodes:
            found[name] = _divided(calls, parts), _divided(bytecodes, parts)
    return found


def _divided(number: float, parts: int) -> float:
    whole, rest = divmod(number, parts)
    return round(number / parts, 2) if rest else whole
