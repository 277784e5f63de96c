"""A class of the application's with a method `on_<event>` for each event."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import getattr_static
from types import MappingProxyType
from typing import Any

from ..cluster.base import as_namespace
from ..hub.call import Handler
from .signature import make_handler, max_args


class NamespaceMethods:
    """What `Namespace` has of it: whose methods they are, and which of them an event calls."""

    #: the methods with a conversion in front, by event
    _converting: Mapping[str, Handler] = MappingProxyType({})

    def __init__(self, namespace: str | None = None) -> None:
        #: its name
        self.namespace = as_namespace(namespace)

    def trigger_event(self, event: str, *args: Any) -> Any:
        """Call the method for an event; a subclass may override it. `args` begin with the client's sid.

        For `connect` they go on with the environ and the auth object, for `disconnect` with the reason.
        """
        args = args[1:] if event != "connect" else args[2:]
        method = getattr(self, "on_" + event, None)
        if method is None:
            return None
        if event in ("connect", "disconnect"):
            args = args[: max_args(method)]
        converting = self._converting.get(event)
        if converting is not None and converting.written == method:  # not replaced since
            method = converting.function
        return method(*args)


# What follows is no method, so that it takes no name from the application's classes.


def use_converting(instance: NamespaceMethods, handlers: Mapping[str, Handler]) -> None:
    """Have these called in place of the methods."""
    instance._converting = handlers  # pyright: ignore[reportPrivateUsage]


def handler_of(instance: NamespaceMethods, event: str) -> Handler:
    """Its method for an event. Raises AttributeError where there is none, TypeError for what cannot be called."""
    converting = instance._converting.get(event)  # pyright: ignore[reportPrivateUsage]
    return converting or make_handler(getattr(instance, "on_" + event))


def methods_of(instance: NamespaceMethods) -> dict[str, Callable[..., Any]]:
    """Its methods, by event, without those that a property would have to make."""
    found: dict[str, Callable[..., Any]] = {}
    for event in events_of(instance):
        name = "on_" + event
        if not isinstance(getattr_static(instance, name, None), property):
            method = getattr(instance, name)
            if callable(method):
                found[event] = method
    return found


def events_of(instance: NamespaceMethods) -> list[str]:
    """The events that it has methods for."""
    return [name.removeprefix("on_") for name in dir(instance) if name.startswith("on_")]
