"""What a broker has lost: the messages of each host are numbered."""

from __future__ import annotations

from .head import Source

#: Hosts that are remembered, with each topic by itself; those that have been silent for longest are forgotten.
_MAX_SOURCES = 100_000


class Gaps:
    """For one who listens."""

    def __init__(self) -> None:
        self._latest: dict[tuple[str, int | None, int], int] = {}
        #: how often each topic has been listened to anew
        self._begun: dict[int, int] = {}

    def begin(self, topic: int) -> None:
        """What has been said to the topic until now was not for this listener; on any thread."""
        self._begun[topic] = self._begun.get(topic, 0) + 1

    def before(self, source: Source) -> int:
        """How many messages of the same source are missing between the one before, of any, and this one.

        0 for what is not numbered, as others' messages are not.
        """
        host_id, number, topic = source
        if host_id is None or number is None:
            return 0
        key = (host_id, topic, 0 if topic is None else self._begun.get(topic, 0))
        latest = self._latest.pop(key, number - 1)
        if len(self._latest) >= _MAX_SOURCES:
            del self._latest[next(iter(self._latest))]
        self._latest[key] = max(number, latest)
        return max(number - latest - 1, 0)
