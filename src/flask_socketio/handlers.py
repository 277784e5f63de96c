"""The application's event handlers, and which of them an event is for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .hub.call import Handler, make_handler
from .namespace import Namespace
from .protocol.socketio import RESERVED_EVENTS

ANY = "*"

#: annotated with the exception it expects, which is for its author to know
ErrorHandler = Callable[[Any], Any]

Found = tuple[Handler, tuple[str, ...]] | None


class HandlerTable:
    """The last registration for a namespace and an event counts."""

    def __init__(self, namespaces: list[str]) -> None:
        #: namespaces that may be joined even without a handler
        self.namespaces = set(namespaces)
        self._functions: dict[tuple[str, str], tuple[Handler, tuple[str, ...]]] = {}
        self._methods: dict[tuple[str, str], Handler] = {}
        self._classes: dict[str, Namespace] = {}
        #: what is called with the exceptions of handlers, by namespace
        self.error_handlers: dict[str, ErrorHandler] = {}
        self.default_error_handler: ErrorHandler | None = None
        #: event, function and namespace, in the order in which they were registered; and the classes
        self.registered: list[tuple[str, Callable[..., Any], str]] = []
        self.registered_classes: list[Namespace] = []

    def add(self, namespace: str, event: str, function: Callable[..., Any]) -> None:
        """Register a handler. Raises TypeError for what cannot be called."""
        self._functions[namespace, event] = make_handler(function), ()
        self.registered.append((event, function, namespace))
        self.namespaces.add(namespace)

    def add_class(self, instance: Namespace) -> None:
        """Register a class-based namespace; functions win over its methods."""
        self._classes[instance.namespace] = instance
        self.registered_classes.append(instance)
        self.namespaces.add(instance.namespace)
        self._methods.clear()

    def error_handlers_of(self, namespace: str) -> list[ErrorHandler]:
        """Who gets the exceptions of a namespace's handlers: the first, and what that one raises the next."""
        found = (
            self.error_handlers.get(namespace) or self.default_error_handler,
            getattr(self._classes.get(namespace), "error", None),
        )
        return [handler for handler in found if handler is not None]

    def serves(self, namespace: str) -> bool:
        return namespace in self.namespaces or ANY in self.namespaces

    def find(self, namespace: str, event: str) -> Found:
        """The handler, and the arguments it wants in front of the client's; the most specific one is chosen.

        A catch-all never gets the events of the connection's own life.
        """
        return self._functions.get((namespace, event)) or self._search(namespace, event)

    def _search(self, namespace: str, event: str) -> Found:
        # Nothing is remembered by a name that clients may have made up.
        for name in (namespace, ANY):
            if found := self._functions.get((name, event)):
                return found
            catch_all = self._functions.get((name, ANY))
            if catch_all is not None and event not in RESERVED_EVENTS:
                return catch_all[0], (event,)
        return self._search_classes(namespace, event)

    def _search_classes(self, namespace: str, event: str) -> Found:
        for name in (namespace, ANY):
            instance = self._classes.get(name)
            if instance is None:
                continue
            if type(instance).trigger_event is not Namespace.trigger_event:
                return instance.make_trigger(event), ()
            handler = self._methods.get((name, event)) or instance.find_handler(event)
            if handler is not None:
                self._methods[name, event] = handler
                return handler, ()
        return None
