"""The application's event handlers, and which of them an event is for."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from .hub.call import Handler
from .protocol.socketio import RESERVED_EVENTS

ANY = "*"

Found = tuple[Handler, tuple[str, ...]] | None


class HandlerTable:
    """The last registration for a namespace and an event counts."""

    def __init__(self, namespaces: list[str]) -> None:
        #: namespaces that may be joined even without a handler
        self.namespaces = set(namespaces)
        self._handlers: dict[tuple[str, str], Handler] = {}
        self._found: dict[tuple[str, str], Found] = {}

    def add(self, namespace: str, event: str, function: Callable[..., Any]) -> None:
        """Register a handler. Raises TypeError for what cannot be called."""
        self._handlers[namespace, event] = make_handler(function)
        self.namespaces.add(namespace)
        self._found.clear()

    def serves(self, namespace: str) -> bool:
        return namespace in self.namespaces or ANY in self.namespaces

    def find(self, namespace: str, event: str) -> Found:
        """The handler, and the arguments it wants in front of the client's; the most specific one is chosen.

        A catch-all never gets the events of the connection's own life.
        """
        key = namespace, event
        try:
            return self._found[key]
        except KeyError:
            found = self._search(namespace, event)
            if found is not None:
                # Names nobody handles are not remembered: a client can make up as many as it likes.
                self._found[key] = found
            return found

    def _search(self, namespace: str, event: str) -> Found:
        handlers = self._handlers
        specific = handlers.get((namespace, event))
        if specific is not None:
            return specific, ()
        if event not in RESERVED_EVENTS and (catch_all := handlers.get((namespace, ANY))):
            return catch_all, (event,)
        everywhere = handlers.get((ANY, event))
        if everywhere is not None:
            return everywhere, ()
        if event not in RESERVED_EVENTS and (catch_all := handlers.get((ANY, ANY))):
            return catch_all, (event,)
        return None


def make_handler(function: Callable[..., Any]) -> Handler:
    """Look at a function once. Raises TypeError for what cannot be called."""
    if not callable(function):
        raise TypeError(f"an event handler must be callable, not {type(function).__name__}")
    is_async = inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004 - an object whose call is async
    )
    return Handler(function, is_async, _max_args(function))


def _max_args(function: Callable[..., Any]) -> int | None:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters):
        return None
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(parameter.kind in positional for parameter in parameters)
