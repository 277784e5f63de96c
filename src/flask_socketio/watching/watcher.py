"""All that can be told to somebody who watches."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..base.hooks import overriding
from ..cluster.base import Emission
from ..engine.watcher import SessionWatcher
from ..handling.watcher import CallWatcher
from ..hub.watcher import HubWatcher

Broadcast = Callable[[Emission], object]


class Watcher(SessionWatcher, HubWatcher, CallWatcher):
    """Override what is to be told. What nobody overrides is not asked for: a server whose watchers are all silent about
    events runs the same code for them as one that has none.

    What it raises would end what it is told of, so it handles its own failures.
    """

    def emitted(self, emission: Emission) -> None:
        """The application emits; called on its thread, before anything has been sent."""


def watched_broadcast(broadcast: Broadcast, watchers: Sequence[Watcher]) -> Broadcast:
    """The same, telling those who want to know."""
    told = overriding(watchers, Watcher, "emitted")
    if not told:
        return broadcast

    def tell(emission: Emission) -> None:
        for each in told:
            each(emission)
        broadcast(emission)

    return tell
