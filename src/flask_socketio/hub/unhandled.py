"""Events for which the application has no handler: most often somebody has written a name wrong."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from typing import Protocol

from ..base.nearest import did_you_mean

logger = logging.getLogger("flask_socketio.server")

#: Clients may send any name: of each so many characters are shown, and so many are told of.
_LENGTH, _MANY = 64, 100


class EventNames(Protocol):
    def events(self) -> Mapping[str, Collection[str]]:
        """The events that have handlers, by namespace."""
        ...


class Unhandled:
    """Tells of each name once."""

    def __init__(self, handlers: EventNames) -> None:
        self._handlers = handlers
        self._told: set[tuple[str, str]] = set()

    def tell(self, namespace: str, event: str) -> None:
        key = namespace, event[:_LENGTH]
        if len(self._told) > _MANY or key in self._told:
            return
        self._told.add(key)
        if len(self._told) > _MANY:
            logger.warning(
                "more than %d different events have no handler: no more is said of them", _MANY
            )
        else:
            hint = self._hint(namespace, event)
            logger.warning("event %r in namespace %r has no handler%s", key[1], namespace, hint)

    def _hint(self, namespace: str, event: str) -> str:
        events = self._handlers.events()
        for other, names in events.items():
            if event in names:
                return f": namespace {other!r} has one"
        return did_you_mean(event, events.get(namespace, ()))
