"""Servers that take turns in short windows: all but one are stopped, so what drifts meanwhile meets all of them alike.

    side A   ██ 0.25 s      ██              ██
    side B      ██      ██              ██
    side C         ██      ██      ...

A closed loop needs nothing else: the clients of a server that is stopped wait for it. Where others share a machine, its
speed changes within seconds, by more than what there is to be found: servers that are measured one after the other are
not comparable there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

from .clients import Meter
from .pace import PACE
from .scenarios import until
from .servers import Server

#: Seconds that a side runs before the next one does: long beside what it takes to have warm caches again.
WINDOW = 0.25
#: Seconds in which the clients take what a server has sent before it was stopped.
SETTLING = 0.01


@dataclass
class Side:
    """A server, and what its clients have counted."""

    server: Server
    meter: Meter
    #: microseconds of CPU per message, by pair
    samples: list[float] = field(default_factory=list[float])


class Turns:
    """So many sides, which begin when the last of them has its clients; each is measured for so many pairs."""

    def __init__(self, sides: int, pairs: int) -> None:
        self._all_there = asyncio.Barrier(sides)
        self._over = asyncio.Barrier(sides)
        self._sides: list[Side] = []
        self._pairs = pairs

    async def take(self, server: Server, meter: Meter) -> list[float]:
        """Take part. Returns microseconds of CPU per message, one figure for each pair."""
        side = Side(server, meter)
        self._sides.append(side)
        if await self._all_there.wait() == 0:
            await self._run()
        await self._over.wait()
        return side.samples

    def samples_of(self, server: Server) -> list[float]:
        """What `take` has returned for a server."""
        return next(side.samples for side in self._sides if side.server is server)

    async def _run(self) -> None:
        for side in self._sides:
            side.server.stop()
        for side in self._sides:
            await _window(side, PACE.warm_up)
        rounds = max(1, round(PACE.duration / WINDOW))
        for _ in range(self._pairs):
            await self._pair(rounds)
        for side in self._sides:
            side.server.go_on()

    async def _pair(self, rounds: int) -> None:
        used = {id(side): (0.0, 0) for side in self._sides}
        for turn in range(rounds):
            for side in self._sides if turn % 2 == 0 else reversed(self._sides):
                cpu, count = await _window(side, min(WINDOW, PACE.duration))
                before = used[id(side)]
                used[id(side)] = before[0] + cpu, before[1] + count
        for side in self._sides:
            cpu, count = used[id(side)]
            side.samples.append(1e6 * cpu / count)


async def _window(side: Side, seconds: float) -> tuple[float, int]:
    """Let one side run, for one message at least. Returns seconds of CPU, and how many messages its clients counted."""
    cpu, count = side.server.cpu(), side.meter.total
    side.server.go_on()
    await asyncio.sleep(seconds)
    await until(lambda: side.meter.total > count)
    side.server.stop()
    await asyncio.sleep(SETTLING)
    return side.server.cpu() - cpu, side.meter.total - count


async def together(coroutines: Sequence[Coroutine[Any, Any, Any]]) -> None:
    """Run all sides; if one fails, none of the others waits for it."""
    async with asyncio.TaskGroup() as group:
        for coroutine in coroutines:
            group.create_task(coroutine)
