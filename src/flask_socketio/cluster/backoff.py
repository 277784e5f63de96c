"""How long to leave a broker alone that does not answer."""

from __future__ import annotations

_FIRST, _MAX = 0.1, 0.8

#: Seconds after which everybody who tries again in this way listens again to a broker that is back.
ALL_ARE_BACK = _MAX + 0.25


class Backoff:
    """Twice as long from attempt to attempt, up to 0.8 s."""

    def __init__(self) -> None:
        self.pause = _FIRST

    def next(self) -> float:
        """Seconds until the next attempt."""
        pause, self.pause = self.pause, min(self.pause * 2, _MAX)
        return pause

    def reset(self) -> None:
        """An attempt has succeeded."""
        self.pause = _FIRST
