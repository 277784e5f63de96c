"""Asking other processes, from a thread that waits for the answers."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Any

from ..base.green import sleep
from ..cluster.questions import Questions, Said
from ..errors import SilentNodesError
from .running import Running

#: Seconds that the others have for an answer; and to say at all that they are there.
_PATIENCE, _MOST = 3.0, 6.0
#: Seconds between looks whether all others are known.
_LOOK = 0.02


def ask_owner(running: Running, kind: str, namespace: str, sid: str, *args: Any) -> Any:
    """Ask the process that has a client. Raises KeyError where none has it, SilentNodesError where it is silent."""
    questions = running.questions
    owners: Collection[str] = () if questions is None else questions.owners(sid)
    if questions is not None and owners:
        said = _ask(running, questions, kind, [namespace, sid, *args], owners)
        for one in said.values():
            return _value(one, kind, namespace, sid)
    raise KeyError(f"client {sid!r} is not connected to namespace {namespace!r}")


def ask_all(running: Running, kind: str, *args: Any) -> list[Any]:
    """Ask all other processes. Raises SilentNodesError where some do not answer."""
    questions = running.questions
    if questions is None:
        return []
    _wait_until_all_are_known(running, questions, kind)
    nodes = running.inbox.ask(lambda: list(questions.members.nodes))
    said = _ask(running, questions, kind, list(args), nodes) if nodes else {}
    return [_value(one, kind) for one in said.values()]


def _wait_until_all_are_known(running: Running, questions: Questions, kind: str) -> None:
    running.listen()
    deadline = time.monotonic() + _MOST
    while not questions.members.knows_all:
        _check_thread(running, kind)
        if time.monotonic() > deadline:
            raise SilentNodesError(kind, (), _MOST)
        sleep(_LOOK)


def _ask(
    running: Running, questions: Questions, kind: str, args: list[Any], nodes: Collection[str]
) -> dict[str, Said]:
    _check_thread(running, kind)
    running.listen()
    number, inquiry = running.inbox.ask(questions.ask, kind, args, nodes)
    try:
        if not inquiry.done.wait(_PATIENCE):
            raise SilentNodesError(kind, tuple(inquiry.silent), _PATIENCE)
    finally:
        running.inbox.post(questions.forget, number)
    return inquiry.said


def _check_thread(running: Running, kind: str) -> None:
    if running.inbox.on_loop:
        raise RuntimeError(
            f"{kind} of other processes' clients, in an async handler: it would stop the server; "
            "await asyncio.to_thread(...) with the same function"
        )


def _value(said: Said, *about: str) -> Any:
    if "unknown" in said:
        raise KeyError(f"there is no such client: {', '.join(about)}")
    if "error" in said:
        raise RuntimeError(f"{about[0]}: another process has answered: {said['error']}")
    return said["value"]
