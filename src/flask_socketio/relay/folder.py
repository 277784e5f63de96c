"""The folder in which processes that serve one port find each other: each has a socket there, named after its node."""

from __future__ import annotations

import socket
from contextlib import suppress
from pathlib import Path

from ..base.real import new_socket
from ..cluster.nodes import SIZE, is_node

#: How the names of folders begin that are made where temporary files are.
OURS = "flask-duplex-"
#: What the socket on which descriptors are handed over has behind the node's name.
_HAND = ".hand"
_BACKLOG = 1024


def node_of(sid: str) -> str:
    """Of the process that has, or had, the session (an Engine.IO one); something else where the id is none of ours."""
    return sid[:SIZE]


class Folder:
    """Private to the user (0700): who can open its sockets, may speak for clients."""

    def __init__(self, path: Path) -> None:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = path

    def stream(self, node: str) -> str:
        """Where its stream is listened on."""
        return str(self._path / node)

    def hand(self, node: str) -> str:
        """Where descriptors may be handed over to it."""
        return str(self._path / (node + _HAND))

    def listen(self, address: str, kind: int) -> socket.socket:
        """A socket there, which nobody finds before it listens: who is refused takes its process to have ended."""
        listener = new_socket(socket.AF_UNIX, kind)
        listener.bind(address + "~")
        listener.listen(_BACKLOG)
        Path(address + "~").rename(address)
        return listener

    def nodes(self) -> list[str]:
        return [entry.name for entry in self._path.iterdir() if is_node(entry.name)]

    def forget(self, node: str) -> None:
        """Its process has ended; the last one takes the folder with it, unless that is the user's."""
        for name in (self.stream(node), self.hand(node)):
            Path(name).unlink(missing_ok=True)
        with suppress(OSError):  # there are others
            self._path.rmdir()
            if self._path.parent.name.startswith(OURS):
                self._path.parent.rmdir()
