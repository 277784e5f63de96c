"""Registrations that somebody has not meant.

They are logged, not warned of: an application that is tested with `-W error` may well have them.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from typing import Any

from ..base.nearest import did_you_mean

logger = logging.getLogger("flask_socketio.server")

#: The events of a connection's own life, whose handlers nobody misses who has written them wrong.
_OWN = ("connect", "disconnect")
#: "conect", "on_disconect"; not "connected", which somebody may well have called an event.
_CUTOFF = 0.9
_SECOND = "the event %r in namespace %r has two handlers, %s and %s: the second one counts"


def warn_of_name(event: str, namespace: str) -> None:
    """Where an event looks like one of the connection's, and is none."""
    if event not in _OWN and (hint := did_you_mean(event, _OWN, _CUTOFF)):
        logger.warning("a handler for the event %r in namespace %r%s", event, namespace, hint)


def warn_of_second(
    event: str, namespace: str, first: Callable[..., Any], second: Callable[..., Any]
) -> None:
    """Where another function was registered for the event. The same one again is none: factories run more than once."""
    places = place_of(first), place_of(second)
    if places[0] != places[1]:
        logger.warning(_SECOND, event, namespace, *places)


def place_of(function: Callable[..., Any]) -> str:
    """Its name, and where it was written."""
    name = getattr(function, "__qualname__", None) or type(function).__qualname__
    code = getattr(inspect.unwrap(function), "__code__", None)
    return f"{name} ({code.co_filename}:{code.co_firstlineno})" if code else name
