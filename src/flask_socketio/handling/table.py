"""The application's event handlers, and which of them an event is for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..app.request import request
from ..hub.call import Handler
from ..protocol.socketio import RESERVED_EVENTS
from .methods import NamespaceMethods, events_of, handler_of, methods_of, use_converting
from .mistakes import warn_of_name, warn_of_second
from .signature import is_async, make_handler

ANY = "*"

#: annotated with the exception it expects, which is for its author to know
ErrorHandler = Callable[[Any], Any]

Convert = Callable[[Handler, str], object]

Found = tuple[Handler, tuple[str, ...]] | None


class HandlerTable:
    """The last registration for a namespace and an event counts.

    Of several handlers that an event may go to, the most specific one is chosen. In its namespace: the event's
    function, the event's method of the class, the catch-all function, the class's own `trigger_event`. Then the same of
    the namespace `*`.
    """

    def __init__(self, namespaces: list[str]) -> None:
        #: namespaces that may be joined even without a handler
        self.namespaces = set(namespaces)
        #: puts the conversion in front of a handler whose annotations ask for one; it is known with the options
        self._convert: Convert = _as_it_is
        self._functions: dict[tuple[str, str], tuple[Handler, tuple[()]]] = {}
        self._catch_alls: dict[str, Handler] = {}
        self._methods: dict[tuple[str, str], tuple[Handler, tuple[()]]] = {}
        self._classes: dict[str, NamespaceMethods] = {}
        #: what is called with the exceptions of handlers, by namespace
        self.error_handlers: dict[str, ErrorHandler] = {}
        self.default_error_handler: ErrorHandler | None = None
        #: namespace and event of what the application has declared that it sends
        self.sent: set[tuple[str, str]] = set()
        #: namespaces that are no application's
        self._ours: set[str] = set()
        #: event, function and namespace, in the order in which they were registered; and the classes
        self.registered: list[tuple[str, Callable[..., Any], str]] = []
        self.registered_classes: list[NamespaceMethods] = []

    def convert_by(self, convert: Convert) -> None:
        """Say what puts the conversion in front of handlers, those that there are and those to come."""
        self._convert = convert
        for (_, event), (handler, _) in self._functions.items():
            convert(handler, event)
        for handler in self._catch_alls.values():
            convert(handler, ANY)
        for instance in self.registered_classes:
            self._convert_methods(instance)
        self._methods.clear()

    def add(self, namespace: str, event: str, function: Callable[..., Any]) -> None:
        """Register a handler. Raises TypeError for what cannot be called, ValueError where the namespace is ours."""
        self._check_free(namespace)
        handler = make_handler(function)
        self._convert(handler, event)
        warn_of_name(event, namespace)
        if first := self._functions.get((namespace, event)):
            warn_of_second(event, namespace, first[0].function, function)
        if event == ANY:
            self._catch_alls[namespace] = handler
        else:
            self._functions[namespace, event] = handler, ()
        self.registered.append((event, function, namespace))
        self.namespaces.add(namespace)

    def add_class(self, instance: NamespaceMethods) -> None:
        """Register a class-based namespace. Raises ValueError where the namespace is ours."""
        self._check_free(instance.namespace)
        for event in events_of(instance):
            warn_of_name(event, instance.namespace)
        self._convert_methods(instance)
        self._classes[instance.namespace] = instance
        self.registered_classes.append(instance)
        self.namespaces.add(instance.namespace)
        self._methods.clear()

    def _convert_methods(self, instance: NamespaceMethods) -> None:
        """Now, so that a mistake is told when the application starts."""
        found: dict[str, Handler] = {}
        for event, method in methods_of(instance).items():
            handler = make_handler(method)
            self._convert(handler, event)
            if handler.function is not method:
                found[event] = handler
        use_converting(instance, found)

    def take(self, namespace: str, functions: dict[str, Callable[..., Any]]) -> None:
        """Keep a namespace for ourselves: nobody else's handler is to come before ours there.

        Raises ValueError where the application has handlers in it.
        """
        taken = {space for _, _, space in self.registered} | self._classes.keys()
        if namespace in taken:
            raise ValueError(
                f"the application has handlers in namespace {namespace!r}: choose another one for the dashboard"
            )
        self._check_free(namespace)
        self._ours.add(namespace)
        for event, function in functions.items():
            self._functions[namespace, event] = make_handler(function), ()
        self.namespaces.add(namespace)

    def _check_free(self, namespace: str) -> None:
        if namespace in self._ours:
            raise ValueError(
                f"namespace {namespace!r} is the dashboard's: give instrument(namespace=...) another one"
            )

    def error_handlers_of(self, namespace: str) -> list[ErrorHandler]:
        """Who gets the exceptions of a namespace's handlers: the first, and what that one raises the next."""
        found = (
            self.error_handlers.get(namespace) or self.default_error_handler,
            getattr(self._classes.get(namespace), "error", None),
        )
        return [handler for handler in found if handler is not None]

    def serves(self, namespace: str) -> bool:
        return namespace in self.namespaces or ANY in self.namespaces

    def asks_first(self, namespace: str) -> bool:
        return namespace in self._ours

    def events(self) -> dict[str, list[str]]:
        """The events that have handlers, by namespace, to be shown."""
        events: dict[str, list[str]] = {namespace: [] for namespace in sorted(self.namespaces)}
        for namespace, event in self._functions:
            events[namespace].append(event)
        for namespace, instance in self._classes.items():
            events[namespace] += events_of(instance)
        return events

    def names(self) -> dict[Handler, tuple[str, str]]:
        """Namespace and event of each handler that is known by them; of a catch-all function `*`."""
        named = {**self._methods, **self._functions}
        names = {handler: name for name, (handler, _) in named.items()}
        catch_alls = {handler: (name, ANY) for name, handler in self._catch_alls.items()}
        return names | catch_alls

    def find(self, namespace: str, event: str) -> Found:
        """The handler, and the arguments it wants in front of the client's.

        A catch-all function never gets the events of the connection's own life.
        """
        return self._functions.get((namespace, event)) or self._search(namespace, event)

    def _search(self, namespace: str, event: str) -> Found:
        for name in (namespace, ANY):
            key = name, event
            if found := self._functions.get(key) or self._methods.get(key):
                return found
            instance = self._classes.get(name)
            if instance is not None and hasattr(instance, "on_" + event):
                return self._make(name, event, instance)
            catch_all = self._catch_alls.get(name)
            if catch_all is not None and event not in RESERVED_EVENTS:
                return catch_all, (event,)
            if instance is not None and _has_own_trigger(instance):
                return self._make(name, event, instance)
        return None

    def _make(self, name: str, event: str, instance: NamespaceMethods) -> Found:
        found = _handler_of(instance, event), ()
        # Nothing is remembered by a name that clients may have made up.
        if event in RESERVED_EVENTS or hasattr(type(instance), "on_" + event):
            self._methods[name, event] = found
        return found


def _as_it_is(handler: Handler, event: str) -> None:
    """Until the options are known."""


def _handler_of(instance: NamespaceMethods, event: str) -> Handler:
    """What handles a class's event: its method, or its own `trigger_event`, which all of its events go through."""
    if not _has_own_trigger(instance):
        return handler_of(instance, event)

    def trigger(*args: Any) -> Any:
        if event == "connect":
            args = (request.environ, *args)
        return instance.trigger_event(event, request.sid, *args)

    return Handler(trigger, is_async(instance.trigger_event), None)


def _has_own_trigger(instance: NamespaceMethods) -> bool:
    return type(instance).trigger_event is not NamespaceMethods.trigger_event
