"""What a broker has lost: the messages of each origin are numbered."""

from __future__ import annotations

from .wire import Message, origin_of

#: Origins that are remembered; those that have been silent for longest are forgotten.
_MAX_ORIGINS = 10_000


class Gaps:
    """For one who listens."""

    def __init__(self) -> None:
        self._latest: dict[str, int] = {}

    def before(self, message: Message) -> int:
        """How many messages of the same origin are missing between the one before, of any, and this one.

        0 for what is not numbered, as others' messages are not.
        """
        origin, number = origin_of(message)
        if origin is None or number is None:
            return 0
        latest = self._latest.pop(origin, number - 1)
        if len(self._latest) >= _MAX_ORIGINS:
            del self._latest[next(iter(self._latest))]
        self._latest[origin] = max(number, latest)
        return max(number - latest - 1, 0)
