"""Names of processes, and ids of clients that begin with the name of theirs."""

from __future__ import annotations

import re
import secrets

#: Characters of a node's name.
SIZE = 6
_NODE = re.compile(rf"[A-Za-z0-9_-]{{{SIZE}}}")
#: Between the node and 120 random bits in the id of a client: no name that an application gives to a room, and no other
#: library's id, looks like this by chance.
_MARK = "-_"
_LENGTH = SIZE + len(_MARK) + 20


def new_node() -> str:
    """36 random bits: a process that takes the place of one that has ended has another name."""
    return secrets.token_urlsafe(5)[:SIZE]


def is_node(name: object) -> bool:
    return isinstance(name, str) and _NODE.fullmatch(name) is not None


def prefix_of(node: str) -> str:
    """What the ids of the node's clients begin with, before what `new_sids` makes."""
    return node + _MARK


def owner_of(sid: object) -> str | None:
    """The node whose client has, or had, this id; None for what is no such id."""
    if not isinstance(sid, str) or len(sid) != _LENGTH or not sid.startswith(_MARK, SIZE):
        return None
    return sid[:SIZE]
