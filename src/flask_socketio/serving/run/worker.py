"""A process that `run(workers=N)` has started, as itself sees it."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path

#: What a worker is told by its supervisor: the descriptors of the listening socket and of a pipe, and the folder.
WORKER = "FLASK_DUPLEX_WORKER"


@dataclass(frozen=True, slots=True)
class Worker:
    listener: int
    #: ends when the supervisor does
    lifeline: int
    #: where workers find each other
    folder: Path

    def environ(self) -> dict[str, str]:
        """The environment that makes a process one."""
        return {**os.environ, WORKER: f"{self.listener}:{self.lifeline}:{self.folder}"}

    def ready(self) -> None:
        """Tell the supervisor that clients are served."""
        (self.folder / f"ready-{os.getpid()}").touch()

    def is_ready(self, pid: int) -> bool:
        return (self.folder / f"ready-{pid}").exists()

    def socket(self) -> socket.socket:
        return socket.socket(fileno=self.listener)


def this_worker() -> Worker | None:
    """What the supervisor has told; None in a process that is no worker."""
    told = os.environ.get(WORKER)
    if told is None:
        return None
    listener, lifeline, folder = told.split(":", 2)
    return Worker(int(listener), int(lifeline), Path(folder))
