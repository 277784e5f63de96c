"""What a broker has lost: the messages of each host are numbered."""

from __future__ import annotations

from .wire import Message

#: Hosts that are remembered, for each topic; those that have been silent for longest are forgotten.
_MAX_SOURCES = 100_000


class Gaps:
    """For one who listens."""

    def __init__(self) -> None:
        self._latest: dict[str | tuple[str, int, int], int] = {}
        #: how often each topic has been listened to anew
        self._begun: dict[int, int] = {}

    def begin(self, topic: int) -> None:
        """What has been said to the topic until now was not for this listener; on any thread."""
        self._begun[topic] = self._begun.get(topic, 0) + 1

    def before(self, message: Message) -> int:
        """How many messages of the same host are missing between the one before, of any, and this one or its head.

        0 for what is not numbered, as others' messages are not.
        """
        host_id, number = message.get("origin") or message.get("host_id"), message.get("seq")
        if type(host_id) is not str or type(number) is not int:
            return 0
        topic = message.get("topic")
        key = host_id if topic is None else (host_id, topic, self._begun.get(topic, 0))
        latest = self._latest.pop(key, number - 1)
        if len(self._latest) >= _MAX_SOURCES:
            del self._latest[next(iter(self._latest))]
        if number <= latest:
            self._latest[key] = latest
            return 0
        self._latest[key] = number
        return number - latest - 1
