"""How long the scenarios run, and with how many clients: in full, or by a small share of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass


@dataclass
class Pace:
    """Seconds of load, before anything is counted and while it is; shares of the clients and the other pauses."""

    warm_up: float = 1.0
    duration: float = 2.0
    crowd: float = 1.0
    pauses: float = 1.0

    def of(self, count: int) -> int:
        """So many clients where a full run has `count`."""
        return min(count, max(1, round(self.crowd * count)))

    async def pause(self, seconds: float) -> None:
        await asyncio.sleep(self.pauses * seconds)


#: Of this process; who wants another one sets it before anything runs.
PACE = Pace()
