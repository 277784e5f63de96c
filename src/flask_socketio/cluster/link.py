"""What leads from a running server to others."""

from __future__ import annotations

from typing import Protocol

from .base import M
from .memory import MemoryAdapter


class Link(Protocol[M]):
    """Made with what posts to the loop, and the server's counters."""

    @property
    def adapter(self) -> MemoryAdapter[M]: ...

    def troubles(self) -> list[str]:
        """What cannot be done at present; on any thread."""
        ...

    async def close(self) -> None:
        """Publish what waits, for a while, and listen no longer."""
        ...
