"""The events of an application, in both ways, as the documents about them need them."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, get_args, get_origin

from flask_socketio import SocketIO
from flask_socketio.description import Route, RouteKind, routes_of
from flask_socketio.handling.hints import EMPTY, Parameter

from .schemas import Schema, Schemas, Way

#: What the documents call the ack of a payload that does not fit, and bytes.
_TAKEN = {"Refused", "Binary"}


@dataclass(frozen=True, slots=True)
class Argument:
    name: str
    schema: Schema
    required: bool = True
    #: any number of such
    variadic: bool = False


@dataclass(frozen=True, slots=True)
class Happening:
    """An event: what it carries, and what its ack does."""

    name: str
    #: in the words of the handler's author
    about: str
    arguments: list[Argument]
    #: of the ack; None where there is nothing in it
    answers: list[Schema] | None
    #: another payload is refused, by an ack with an error
    is_checked: bool = False


@dataclass(frozen=True, slots=True)
class Space:
    """A namespace."""

    name: str
    auth: Schema | None
    received: list[Happening]
    sent: list[Happening]


@dataclass(frozen=True, slots=True)
class Events:
    spaces: list[Space]
    #: the models that schemas refer to
    components: dict[str, Schema]


def events_of(socketio: SocketIO) -> Events:
    """Those that have handlers, and those that were declared by `socketio.sends()`. Catch-alls have no names to tell.

    Raises ImportError where a library for the types is missing, and ValueError for two types of one name.
    """
    routes = [
        route
        for route in routes_of(socketio)
        if route.kind in (RouteKind.EVENT, RouteKind.CONNECTION) and route.namespace != "*"
    ]
    sent = {(event.namespace, event.name): event for event in socketio.sent_events}.values()
    schemas = Schemas(
        [
            *(hint for route in routes for hint in _hints_of(route)),
            *((hint, "out") for event in sent for hint in _elements(event.payload)),
            *((hint, "in") for event in sent for hint in _elements(event.answer)),
        ]
    )
    for name in _TAKEN & schemas.components.keys():
        raise ValueError(f"{name} is a name that the document needs: give the type another")
    names = {route.namespace for route in routes} | {event.namespace for event in sent}
    spaces: list[Space] = []
    for name in sorted(names):
        own = [route for route in routes if route.namespace == name]
        spaces.append(
            Space(
                name,
                _auth(own, schemas),
                [_received(route, schemas) for route in own if route.kind is RouteKind.EVENT],
                [
                    Happening(
                        event.name,
                        "",
                        _carried(event.payload, schemas),
                        None if event.answer is Any else _answers(event.answer, schemas, "in"),
                    )
                    for event in sent
                    if event.namespace == name
                ],
            )
        )
    return Events(spaces, schemas.components)


def _hints_of(route: Route) -> Iterator[tuple[Any, Way]]:
    for parameter in route.parameters or []:
        yield parameter.hint.type, "in"
    if route.returns.type is not EMPTY:
        for hint in _elements(route.returns.type):
            yield hint, "out"


def _received(route: Route, schemas: Schemas) -> Happening:
    returns = route.returns.type
    return Happening(
        route.event,
        (inspect.getdoc(route.function) or "").strip(),
        _taken(route.parameters, schemas),
        None if returns is EMPTY else _answers(returns, schemas, "out"),
        route.is_checked,
    )


def _taken(parameters: list[Parameter] | None, schemas: Schemas) -> list[Argument]:
    if parameters is None:
        return [Argument("args", {}, required=False, variadic=True)]
    return [
        Argument(
            item.name,
            schemas.of(item.hint.type, "in"),
            item.required or item.variadic,
            item.variadic,
        )
        for item in parameters
    ]


def _carried(payload: Any, schemas: Schemas) -> list[Argument]:
    hints = _elements(payload)
    names = [f"arg{number}" for number in range(1, len(hints) + 1)] if len(hints) > 1 else ["data"]
    return [
        Argument(name, schemas.of(hint, "out")) for name, hint in zip(names, hints, strict=False)
    ]


def _answers(returns: Any, schemas: Schemas, way: Way) -> list[Schema] | None:
    return [schemas.of(hint, way) for hint in _elements(returns)] or None


def _elements(hint: Any) -> list[Any]:
    """A tuple's are arguments of their own; None is none."""
    if hint in (None, type(None)):
        return []
    arguments = get_args(hint)
    if get_origin(hint) is tuple and Ellipsis not in arguments:
        return list(arguments)
    return [hint]


def _auth(routes: list[Route], schemas: Schemas) -> Schema | None:
    """What the client gives as `auth`, where the connect handler says so."""
    for route in routes:
        if route.event == "connect" and route.parameters:
            return schemas.of(route.parameters[0].hint.type, "in") or None
    return None
