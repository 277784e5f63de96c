"""A process that `run(workers=N)` has started, as itself sees it."""

from __future__ import annotations

import os
import signal
import socket
from dataclasses import dataclass
from pathlib import Path

#: What a worker is told: the supervisor's process, the descriptors of the listening socket and of a pipe, a folder.
WORKER = "FLASK_DUPLEX_WORKER"


@dataclass(frozen=True, slots=True)
class Worker:
    supervisor: int
    listener: int
    #: ends when the supervisor does
    lifeline: int
    #: where workers find each other
    folder: Path

    def environ(self) -> dict[str, str]:
        """The environment that makes a process one."""
        told = f"{self.supervisor}:{self.listener}:{self.lifeline}:{self.folder}"
        return {**os.environ, WORKER: told}

    def ready(self) -> None:
        """Tell the supervisor that clients are served."""
        (self.folder / f"ready-{os.getpid()}").touch()

    def is_ready(self, pid: int) -> bool:
        return (self.folder / f"ready-{pid}").exists()

    def stop_all(self) -> None:
        """Have the supervisor end, and all workers with it."""
        os.kill(self.supervisor, signal.SIGTERM)

    def socket(self) -> socket.socket:
        return socket.socket(fileno=self.listener)


def this_worker() -> Worker | None:
    """What the supervisor has told; None in a process that is no worker, though a worker may have started it."""
    told = os.environ.get(WORKER)
    if told is None:
        return None
    supervisor, listener, lifeline, folder = told.split(":", 3)
    if int(supervisor) != os.getppid():
        return None
    return Worker(int(supervisor), int(listener), int(lifeline), Path(folder))
