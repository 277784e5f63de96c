"""Whether a process reaches its message queue: counted, and said once when it changes."""

from __future__ import annotations

import logging
import time
from typing import Any

from ..base.counters import Counters
from ..base.real import new_lock
from .backoff import ALL_ARE_BACK
from .masking import Masked

logger = logging.getLogger("flask_socketio.server")

#: What a process does with a queue, as log lines name it.
PUBLISH, LISTEN, KEEP_UP = "publish to", "listen to", "keep up with"


class QueueState:
    """One for each server or emitter; called on any thread."""

    def __init__(self, shown: Masked, counters: Counters) -> None:
        self._shown = shown
        self._counters = counters
        self._lock = new_lock()
        #: what cannot be done at present
        self._failing: set[str] = set()
        #: since when something fails, and since when it is as it is now, of clocks that tell the time of day
        self._since = 0.0
        self._changed = time.time()
        self._lost_since = self._unsure_since = 0
        self._refusing = False
        #: this process listens
        self.listens = False
        #: and nobody else does
        self._unheard = False
        #: since when it listens again
        self._listens_since = 0.0
        #: the queue has been out of reach, so that others may not listen again yet
        self.others_are_away = False

    def failed(self, doing: str, error: object, consequence: str) -> None:
        """It cannot be done; a line if all has been well until now."""
        with self._lock:
            is_news = not self._failing
            self.others_are_away |= doing == PUBLISH or (
                doing == LISTEN and doing not in self._failing
            )
            self._failing.add(doing)
            if is_news:
                self._since = time.monotonic()
                self._changed = time.time()
        if is_news:
            self._say(doing, error, consequence)

    def works(self, doing: str) -> None:
        """It can be done; a line if with that all is well again."""
        if doing not in self._failing:
            return
        with self._lock:
            self._failing.discard(doing)
            if doing == LISTEN:
                self._listens_since = time.monotonic()
            if self._failing:
                return
            self._changed = time.time()
            lost, unsure = self._lost_since, self._unsure_since
            self._lost_since = self._unsure_since = 0
        logger.warning(
            "message queue %s is back after %.1f s: %d messages lost, %d that may be lost",
            self._shown, time.monotonic() - self._since, lost, unsure,
        )  # fmt: skip

    def others_return(self) -> float:
        """Seconds until all others listen again, if the queue is back; what is published before that misses them."""
        with self._lock:
            self.others_are_away = False
            now = time.monotonic()
            since = now if LISTEN in self._failing else self._listens_since
            return max(since + ALL_ARE_BACK - now, 0)

    def troubles(self) -> list[str]:
        """What cannot be done at present, in words."""
        with self._lock:
            return [
                f"cannot {doing} message queue {self._shown}" for doing in sorted(self._failing)
            ]

    def status(self) -> dict[str, Any]:
        """Whether the queue is there, since when that is so (seconds since 1970), and what cannot be done."""
        with self._lock:
            return {
                "url": str(self._shown),
                "connected": not self._failing,
                "since": self._changed,
                "troubles": [f"cannot {doing}" for doing in sorted(self._failing)],
            }

    def published(self, messages: int) -> None:
        """So many have been."""
        self._counters.queue_published += messages
        self._refusing = False
        self.works(PUBLISH)

    def heard_by(self, listeners: int | None) -> None:
        """How many have been sent what was published, if that is known; a line when nobody else listens."""
        if listeners is None:
            return
        before, self._unheard = self._unheard, listeners <= self.listens
        if before:
            return
        if self._unheard:
            logger.warning(
                "nobody listens to message queue %s on this channel: what is emitted reaches no client",
                self._shown,
            )

    def refused(self, error: object) -> None:
        """A message cannot be published though the queue is there; a line for the first of several in a row."""
        is_news, self._refusing = not self._refusing, True
        self._count_lost("refused", 1)
        if is_news:
            self._say(PUBLISH, error, "the message is lost")

    def lost(self, reason: str, messages: int = 1) -> None:
        """Messages are, because the queue is not there or not fast enough."""
        self._count_lost(reason, messages)
        with self._lock:
            self._lost_since += messages

    def unsure(self, messages: int) -> None:
        """They were sent, and nobody knows whether they have arrived."""
        with self._lock:
            self._counters.queue_unsure += messages
            self._unsure_since += messages

    def given_up(self, messages: int) -> None:
        """The server has stopped, and these have not been published, if any."""
        if not messages:
            return
        self.lost("stopped", messages)
        logger.error(
            "message queue %s is not there when the server stops; %d messages are lost",
            self._shown, messages,
        )  # fmt: skip

    def _count_lost(self, reason: str, messages: int) -> None:
        with self._lock:
            self._counters.messages_lost(reason, messages)

    def about(self, doing: str, error: object) -> str:
        """What cannot be done and why, without secrets."""
        text = " ".join(self._shown.text(error).split())  # libpq writes several lines
        return f"cannot {doing} message queue {self._shown}: {text}"

    def _say(self, doing: str, error: object, consequence: str) -> None:
        logger.error("%s; %s", self.about(doing, error), consequence)
