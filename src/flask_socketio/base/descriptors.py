"""File descriptors, of which a process may have so many: every connection, open file and listening socket is one."""

from __future__ import annotations

import errno
import os
import sys

try:
    import resource
except ImportError:  # Windows, where there is no such limit
    resource = None

#: Those that are no connections' as long as there are others, at most; and what part of all they may be.
_RESERVE, _PART = 64, 8
#: asyncio needs four turns from accept() to the end of a connection that is refused; half of the reserve may linger.
_TURNS = 16
_USED_UP = (errno.EMFILE, errno.ENFILE)


def limit() -> int:
    """How many this process may have (`ulimit -n`)."""
    if resource is None:
        return sys.maxsize
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft


def reserve() -> int:
    """How many are kept for what the application opens, files and connections to a database."""
    return min(_RESERVE, limit() // _PART)


def at_once() -> int:
    """How many connections may be accepted before the first of them is refused: they come out of the reserve."""
    return max(1, reserve() // _TURNS)


def are_short() -> bool:
    """Whether the reserve is all that there is, or not even that."""
    if resource is None:
        return False
    try:
        lowest = os.open(os.devnull, os.O_RDONLY)  # the lowest that is free
    except OSError as error:
        return are_used_up(error)
    os.close(lowest)
    return lowest >= limit() - reserve()


def are_used_up(error: BaseException | None) -> bool:
    """Whether that is what an exception says, of this process or the whole machine."""
    return isinstance(error, OSError) and error.errno in _USED_UP
