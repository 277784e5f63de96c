"""What an application handles, to be shown: each handler with its place and its types."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Any

from .extension import SocketIO
from .handling.hints import EMPTY, Hint, Parameter, signature_of
from .handling.methods import NamespaceMethods, methods_of
from .handling.models import converter, is_checked
from .handling.signature import is_async
from .handling.table import ANY

_OWN = ("connect", "disconnect")


class RouteKind(Enum):
    EVENT = "event"
    #: connect and disconnect
    CONNECTION = "connection"
    CATCH_ALL = "catch-all"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Route:
    """One function, and what it is called for."""

    namespace: str
    #: the event; `*` for the functions that are for any, and for error handlers
    event: str
    kind: RouteKind
    function: Callable[..., Any]
    #: called on the event loop
    is_async: bool
    #: what it takes of the client's; None where nobody can tell
    parameters: list[Parameter] | None
    returns: Hint
    #: what clients send is checked and converted
    is_checked: bool

    @property
    def name(self) -> str:
        return getattr(self.function, "__qualname__", None) or type(self.function).__qualname__

    @property
    def place(self) -> tuple[str, int] | None:
        """The file and the line where it was written; None for what was not written in Python."""
        code = getattr(inspect.unwrap(self.function), "__code__", None)
        return None if code is None else (code.co_filename, code.co_firstlineno)


def routes_of(socketio: SocketIO) -> list[Route]:
    """All that was registered, by namespace and event; of an event that has two handlers, the one that counts."""
    typed_events: bool | None = socketio.server_options.get("typed_events")
    found: dict[tuple[str, str, RouteKind], Route] = {}
    for instance in {each.namespace: each for each in socketio.namespace_handlers}.values():
        for route in _of_class(instance, typed_events):
            found[route.namespace, route.event, route.kind] = route
    for event, function, namespace in socketio.handlers:
        route = _route(namespace, event, function, typed_events)
        found[namespace, event, route.kind] = route
    for namespace, function in socketio.exception_handlers.items():
        found[namespace, ANY, RouteKind.ERROR] = _error_route(namespace, function)
    if (function := socketio.default_exception_handler) is not None:
        found[ANY, ANY, RouteKind.ERROR] = _error_route(ANY, function)
    return sorted(found.values(), key=_order)


def _of_class(instance: NamespaceMethods, typed_events: bool | None) -> Iterator[Route]:
    for event, method in methods_of(instance).items():
        yield _route(instance.namespace, event, method, typed_events)
    if type(instance).trigger_event is not NamespaceMethods.trigger_event:
        yield _route(instance.namespace, ANY, instance.trigger_event, typed_events=False)
    if callable(function := getattr(instance, "error", None)):
        yield _error_route(instance.namespace, function)


def _route(
    namespace: str, event: str, function: Callable[..., Any], typed_events: bool | None
) -> Route:
    kind = RouteKind.CATCH_ALL if event == ANY else RouteKind.EVENT
    if event in _OWN:
        kind = RouteKind.CONNECTION
    signature = signature_of(function)
    parameters = None if signature is None else signature.parameters
    if parameters and kind is RouteKind.CATCH_ALL and not parameters[0].variadic:
        parameters = parameters[1:]  # the event's name
    return Route(
        namespace,
        event,
        kind,
        function,
        is_async(function),
        parameters,
        Hint() if signature is None else signature.returns,
        event != "disconnect" and _is_checked(parameters or [], typed_events),
    )


def _error_route(namespace: str, function: Callable[..., Any]) -> Route:
    kind = RouteKind.ERROR
    return Route(namespace, ANY, kind, function, is_async(function), None, Hint(), is_checked=False)


def _is_checked(parameters: list[Parameter], typed_events: bool | None) -> bool:
    """Whether annotations ask for it, and the library for it is there."""
    hints = [item.hint.type for item in parameters if item.hint.type is not EMPTY]
    asks = partial(is_checked, typed_dicts=typed_events is True)
    if typed_events is not False and any(map(asks, hints)):
        with suppress(ImportError, TypeError):
            return all(map(converter, hints))
    return False


def _order(route: Route) -> tuple[str, bool, bool, str]:
    """The connection's events first, error handlers last."""
    error = route.kind is RouteKind.ERROR
    return route.namespace, error, route.kind is not RouteKind.CONNECTION, route.event
