"""What is asked of all workers of this machine together: their numbers, and how they are."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

from ..relay.link import Link
from ..relay.node import Node
from .metrics import Snapshot, snapshot, sum_of, what_stays
from .remembered import Remembered
from .running import Running

#: Seconds that the others have for an answer: whoever asks for the numbers waits for more than ten, a load balancer
#: for two.
_PATIENCE, _SHORT_PATIENCE = 2.0, 1.0
_METRICS, _HEALTH = "metrics", "health"

Health = dict[str, Any]


class Serving(Running, Protocol):
    """The server in this process."""

    @property
    def draining(self) -> bool: ...

    def troubles(self) -> list[str]: ...


class Workers:
    """One for each server, alone or not; touched on its loop."""

    def __init__(self, server: Serving, node: Node | None, folder: Path | None) -> None:
        self._server = server
        self._asking = None if node is None else node.asking
        self._remembered = None if node is None or folder is None else Remembered(folder, node.name)
        if self._asking is not None:
            self._asking.answers = {_METRICS: self.own, _HEALTH: self._own_health}

    @property
    def are_several(self) -> bool:
        """Whether there are others at the moment, so that to ask takes time."""
        return self._asking is not None and self._asking.has_others

    def begin(self) -> None:
        """The others are known: take what those have left who are gone."""
        if self._remembered is not None:
            self._remembered.inherit()

    def end(self) -> None:
        """Nothing more happens here: leave the numbers to the others."""
        if self._remembered is not None:
            self.own()

    def ended(self) -> None:
        """The others do not find this one any more."""
        if self._remembered is not None:
            self._remembered.leave()

    # -- numbers -------------------------------------------------------------------------------

    def own(self) -> Snapshot:
        """Of this one, and of those in whose place it has come."""
        own = snapshot(self._server)
        if self._remembered is not None:
            own = sum_of((own, self._remembered.inherited))
            self._remembered.keep(what_stays(own))
        return own

    async def metrics(self) -> Snapshot:
        """Of all together. Those that do not answer are named; what they have counted is as they said last."""
        told, silent, left = await self._told_and_left()
        own = self.own()
        not_told = (each for node, each in left.items() if node not in told)
        found = sum_of((own, *told.values(), *not_told))
        found["workers_silent"] = dict.fromkeys(_names(silent), 1)
        return found

    async def _told_and_left(self) -> tuple[dict[str, Snapshot], list[Link], dict[str, Snapshot]]:
        """What all say, and what stands in files: nobody has taken over in between what another has left."""
        left = self._left()
        while True:
            told, silent = await self._ask(_METRICS, _PATIENCE)
            before, left = left, self._left()
            if before.keys() <= left.keys():
                return told, silent, left

    def _left(self) -> dict[str, Snapshot]:
        return {} if self._remembered is None else self._remembered.of_others()

    async def _ask(self, kind: str, patience: float) -> tuple[dict[str, Any], list[Link]]:
        return ({}, []) if self._asking is None else await self._asking.ask(kind, patience)

    # -- health --------------------------------------------------------------------------------

    def _own_health(self) -> Health:
        troubles = self._server.troubles()
        draining = self._server.draining
        status = "draining" if draining else "degraded" if troubles else "ok"
        return {"status": status, "reasons": troubles}

    async def health(self) -> Health:
        """As `docs/metrics.md` has it. Whether it is draining is this worker's own matter: others may be replaced."""
        told, silent = await self._ask(_HEALTH, _SHORT_PATIENCE)
        health = self._own_health()
        if not told and not silent:
            return health
        reasons = [f"worker {worker} does not answer" for worker in _names(silent)]
        others = (each for each in told.values() if each["status"] == "degraded")
        reasons += sorted({reason for each in others for reason in each["reasons"]})
        own: list[str] = health["reasons"]
        own += [reason for reason in reasons if reason not in own]
        status = "degraded" if own and health["status"] == "ok" else health["status"]
        return {"status": status, "reasons": own, "workers": 1 + len(told)}


def _names(links: Iterable[Link]) -> list[str]:
    """By which they are known: the number of the process, where the system tells."""
    return sorted(str(link.pid or link.node) for link in links)
