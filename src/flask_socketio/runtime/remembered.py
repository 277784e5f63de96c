"""What each worker has counted, in a file in the folder that they share.

A sum of counters that falls looks to Prometheus as if all had begun anew, so what a worker has said stays when it ends,
however it does. It writes what it says whenever it is asked; whoever comes in its place takes over what it has left.
What nobody is asked for stands in a file, once: files change hands under a lock.
"""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import orjson

from ..cluster.nodes import is_node
from ..relay.folder import Folder
from .metrics import Snapshot, sum_of

_ENDING = ".metrics"
#: How often the lock is tried, and seconds in between, which the loop stands still.
_TRIES, _BETWEEN = 20, 0.001


class Remembered:
    """One for each worker; touched on its loop."""

    def __init__(self, path: Path, node: str) -> None:
        self._path = path
        self._folder = Folder(path)
        self._node = node
        #: what is left of those who are gone, and is this worker's now
        self.inherited: Snapshot = {}

    def inherit(self) -> None:
        """Take what is nobody's any more."""
        there = {self._node, *self._folder.nodes()}
        with self._locked():
            left = {node: file for node, file in self._files() if node not in there}
            self.inherited = sum_of(map(_read, left.values()))
            self.keep(self.inherited)
            for file in left.values():
                file.unlink(missing_ok=True)

    def keep(self, counted: Snapshot) -> None:
        """For the time when this worker cannot be asked."""
        new = self._path / f"{self._node}{_ENDING}~"
        with suppress(OSError):  # a full disk does not keep from answering
            new.write_bytes(orjson.dumps(counted))
            new.rename(self._path / f"{self._node}{_ENDING}")

    def of_others(self) -> dict[str, Snapshot]:
        """What each has said last, and those who are gone without an heir."""
        with self._locked():
            return {node: _read(file) for node, file in self._files() if node != self._node}

    def leave(self) -> None:
        """This worker has ended, and nobody finds it any more. The last one takes the files with it."""
        with suppress(FileNotFoundError):  # the folder: another one has been the last
            if not self._folder.nodes():
                for _, file in self._files():
                    file.unlink(missing_ok=True)
                self._folder.forget(self._node)

    @contextmanager
    def _locked(self) -> Generator[None]:
        """While nobody else is in here; without, where that cannot be had soon: a worker may stand still meanwhile."""
        import fcntl  # not on Windows, where there are no workers

        with ExitStack() as stack:
            with suppress(OSError):  # no folder any more, or one that knows no locks
                folder = os.open(self._path, os.O_RDONLY)
                stack.callback(os.close, folder)
                for _ in range(_TRIES):
                    with suppress(BlockingIOError):
                        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        # Closing is not enough where a child has been forked meanwhile.
                        stack.callback(fcntl.flock, folder, fcntl.LOCK_UN)
                        break
                    time.sleep(_BETWEEN)
            yield

    def _files(self) -> Iterator[tuple[str, Path]]:
        for file in self._path.glob(f"*{_ENDING}"):
            if is_node(file.stem):
                yield file.stem, file


def _read(file: Path) -> Snapshot:
    try:
        return orjson.loads(file.read_bytes())
    except (OSError, orjson.JSONDecodeError):  # another worker has taken it
        return {}
