"""The official JavaScript client, many in one process of Node.js: see clients.mjs."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tests.kit.node import node
from tests.proxies.served import wait_until

PROGRAM = Path(__file__).with_name("clients.mjs")


@dataclass(frozen=True)
class State:
    """A client, as it sees itself."""

    number: int
    #: what it may use: "polling", "upgrading" or "websocket"
    kind: str
    connected: bool
    #: what it uses
    transport: str
    #: the local port of its WebSocket
    port: int | None
    heard: list[list[Any]]
    errors: list[list[Any]]
    disconnects: list[list[Any]]
    connects: int
    #: the worker that has its session
    pid: int | None = None
    sid: str = ""


class Clients:
    """A third polls, a third upgrades, and a third begins with WebSocket."""

    def __init__(self, url: str, count: int, authority: Path | None = None) -> None:
        self.count = count
        trusted = {"NODE_EXTRA_CA_CERTS": str(authority)} if authority else {}
        self._process = subprocess.Popen(
            [node(), str(PROGRAM), url, str(count)],
            env={**os.environ, **trusted},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def _ask(self, command: str, *given: Any) -> Any:
        assert self._process.stdin is not None and self._process.stdout is not None
        print(json.dumps([command, *given]), file=self._process.stdin, flush=True)
        return json.loads(self._process.stdout.readline())

    def states(self) -> list[State]:
        return [State(**state) for state in self._ask("state")]

    def wait_until_connected(self, seconds: float = 60) -> list[State]:
        """All of them, and each knows the worker that has it."""
        states: list[State] = []

        def is_so() -> bool:
            states[:] = self.states()
            return all(state.connected and state.pid for state in states)

        wait_until(is_so, seconds)
        return states

    def emit(self, numbers: list[int], event: str, data: Any) -> None:
        self._ask("emit", numbers, event, data)

    def echo(self, numbers: list[int], data: Any) -> list[Any]:
        return self._ask("echo", numbers, data)

    def forget(self) -> None:
        """What they have heard, and what has happened to them."""
        self._ask("forget")

    def leave(self) -> None:
        self._ask("leave")
