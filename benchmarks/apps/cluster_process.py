"""A process of the simulation: a listener, or the one that publishes. What it is told and says are lines of JSON.

Its argument: {"url", "channel", "rooms": those that it has a member of, "size": bytes of text in a message}.

    "listens"                        when it does, or has connected
    {"do": "begin"}                  count CPU time from now on; {}
    {"do": "report"}                 {"cpu": seconds, "delivered": messages to members}
    {"do": "publish", "to": […], "rate": a second, or 0 for as fast as it goes}    as report, when it is done
"""

from __future__ import annotations

import json
import sys
import time
from abc import ABC, abstractmethod
from typing import Any

#: Seconds between two bursts: what a server emits comes in bursts too.
TICK = 0.01


class Process(ABC):
    def __init__(self, given: dict[str, Any]) -> None:
        self.data = {"text": "x" * given["size"], "number": 7}
        self.delivered = 0
        self._cpu = 0.0

    @abstractmethod
    def emit(self, room: str | None) -> None: ...

    @abstractmethod
    def published(self) -> int:
        """How many messages the broker has, of those that were emitted."""

    def publish(self, rooms: list[str | None], rate: float) -> None:
        wanted = self.published() + len(rooms)
        burst = max(round(rate * TICK), 1) if rate else len(rooms)
        due = time.perf_counter()
        for first in range(0, len(rooms), burst):
            for room in rooms[first : first + burst]:
                self.emit(room)
            due += TICK if rate else 0
            time.sleep(max(due - time.perf_counter(), 0))
        while self.published() < wanted:
            time.sleep(0.0005)

    def report(self) -> dict[str, Any]:
        return {"cpu": time.process_time() - self._cpu, "delivered": self.delivered}

    def act(self, order: dict[str, Any]) -> dict[str, Any]:
        if order["do"] == "begin":
            self._cpu = time.process_time()
            return {}
        if order["do"] == "publish":
            began = time.perf_counter()
            self.publish(order["to"], order["rate"])
            return {**self.report(), "seconds": time.perf_counter() - began}
        return self.report()


def given() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(sys.argv[1])
    return found


def serve(process: Process) -> None:
    """Do what it is told, until there is nothing more."""
    print('"listens"', flush=True)
    for line in sys.stdin:
        print(json.dumps(process.act(json.loads(line))), flush=True)
