"""Ports for servers that have to be told one."""

from __future__ import annotations

import itertools
import os
import random
import socket

#: Below those that the kernel gives to whoever connects, and for each process that runs tests its own: until the server
#: listens, and while it is dead, nobody else is given its port.
_FIRST, _EACH, _PROCESSES = 15000, 500, 34
_numbers = itertools.count(random.randrange(_EACH))


def free_port() -> int:
    """Not one that was given away just before."""
    process = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % _PROCESSES
    first = _FIRST + process * _EACH
    return next(port for number in _numbers if _is_free(port := first + number % _EACH))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
