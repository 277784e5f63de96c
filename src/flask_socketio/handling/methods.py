"""A class of the application's with a method `on_<event>` for each event."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from ..cluster.base import as_namespace
from ..hub.call import Handler
from .signature import max_args


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
        if converting := self._converting.get(event):
            method, most = converting.function, converting.max_args
        elif method := getattr(self, "on_" + event, None):
            most = max_args(method) if event in ("connect", "disconnect") else None
        else:
            return None
        args = args[1:] if event != "connect" else args[2:]
        if event in ("connect", "disconnect"):
            args = args[:most]
        return method(*args)


def use_converting(instance: NamespaceMethods, handlers: Mapping[str, Handler]) -> None:
    """Have `trigger_event` call these in place of the methods."""
    instance._converting = handlers  # pyright: ignore[reportPrivateUsage] - protected: no name of the application's


def events_of(instance: NamespaceMethods) -> list[str]:
    """The events that it has methods for."""
    return [name.removeprefix("on_") for name in dir(instance) if name.startswith("on_")]
