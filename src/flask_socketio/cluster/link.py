"""What leads from a running server to others."""

from __future__ import annotations

from typing import Any, Protocol

from .base import M
from .memory import MemoryAdapter
from .questions import Questions


class Link(Protocol[M]):
    """Made with what posts to the loop, the server's counters, and the name of its process."""

    @property
    def adapter(self) -> MemoryAdapter[M]: ...

    @property
    def questions(self) -> Questions | None:
        """What other processes can be asked by; None where there is no such thing."""
        ...

    @property
    def sids_begin(self) -> str:
        """What the ids of this process's clients begin with."""
        ...

    def queue_status(self) -> dict[str, Any] | None:
        """How it goes with the message queue; None where there is none. On any thread."""
        ...

    def troubles(self) -> list[str]:
        """What cannot be done at present; on any thread."""
        ...

    async def close(self) -> None:
        """Publish what waits, for a while, and listen no longer."""
        ...
