"""A class of the application's with a method `on_<event>` for each event."""

from __future__ import annotations

from typing import Any

from ..cluster.base import as_namespace
from .signature import max_args


class NamespaceMethods:
    """What `Namespace` has of it: whose methods they are, and which of them an event calls."""

    def __init__(self, namespace: str | None = None) -> None:
        self.namespace = as_namespace(namespace)

    def trigger_event(self, event: str, *args: Any) -> Any:
        """Call the method for an event; a subclass may override it. `args` begin with the client's sid.

        For `connect` they go on with the environ and the auth object, for `disconnect` with the reason.
        """
        method = getattr(self, "on_" + event, None)
        if method is None:
            return None
        args = args[1:] if event != "connect" else args[2:]
        if event in ("connect", "disconnect"):
            args = args[: max_args(method)]
        return method(*args)


def events_of(instance: NamespaceMethods) -> list[str]:
    """The events that it has methods for."""
    return [name.removeprefix("on_") for name in dir(instance) if name.startswith("on_")]
