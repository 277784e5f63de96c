"""OpenTelemetry: a span for each run of a handler, and one for each emit. This module is imported with `tracing=True`.

The names are those of OpenTelemetry's conventions for messaging, and below `messaging.socket.io` those of its
instrumentation of Node's Socket.IO. A span's name is made of what the application has registered, never of what a
client sends.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from importlib.metadata import version
from typing import Any, cast

from opentelemetry import context as contexts
from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, SpanKind, StatusCode
from opentelemetry.util.types import AttributeValue

from ..base.told import Told
from ..cluster.base import Emission, Room
from ..hub.call import Call, CallKind, Handler, Outcome
from .watcher import Watcher

_told = Told(logging.getLogger("flask_socketio.server"))

Attributes = dict[str, AttributeValue]
Names = Callable[[], Mapping[Handler, tuple[str, str]]]

_CONNECT, _ACK = CallKind.CONNECT, CallKind.ACK
_SYSTEM = "socket.io"
#: For what has no name of its own: a class that takes any event.
_ANY = "*"
#: Where a connection's environ keeps the spans that its events belong to, by namespace.
_BEGUN = "flask_duplex.trace"
_MOST_ROOMS = 16  # of an emit's, that a span names
_LONGEST = 512  # characters of what a client says of its trace; tracestate has no more

_span: ContextVar[Span | None] = ContextVar("flask_duplex_span", default=None)


class Tracing(Watcher):
    """What goes wrong in it, is logged and ends nothing else. `names` has namespace and event of each handler."""

    def __init__(self, names: Names) -> None:
        self._tracer = trace.get_tracer("flask_socketio", version("flask-duplex"))
        self._all_names = names
        self._names: Mapping[Handler, tuple[str, str]] = {}

    def handler_begins(self, call: Call) -> None:
        try:
            span = self._begin(call)
            _span.set(span)
            contexts.attach(trace.set_span_in_context(span))
        except Exception as error:  # noqa: BLE001 - the SDK's processors are anybody's
            _failed(error)

    def handler_ended(self, call: Call, outcome: Outcome) -> None:
        span = _span.get()
        if span is not None:
            try:
                _end(span, call, outcome)
            except Exception as error:  # noqa: BLE001
                _failed(error)

    def emitted(self, emission: Emission) -> None:
        try:
            self._send(emission)
        except Exception as error:  # noqa: BLE001
            _failed(error)

    # -- handlers ------------------------------------------------------------------------------

    def _begin(self, call: Call) -> Span:
        name = self._name_of(call)
        attributes = _of_call(call, name)
        if call.kind is _CONNECT:
            remote = _of_auth(call.args[0]) or _of_headers(call)
            span = self._start(name, attributes, remote, ())
            _begun(call)[call.socket.namespace] = span.get_span_context()
            return span
        begun = _connection_of(call)
        return self._start(name, attributes, None, () if begun is None else (Link(begun),))

    def _start(
        self, name: str, attributes: Attributes, parent: SpanContext | None, links: Sequence[Link]
    ) -> Span:
        """A trace of its own without a parent: a connection lasts for hours, so its events are linked to it instead."""
        around = Context()
        if parent is not None:
            around = trace.set_span_in_context(NonRecordingSpan(parent), around)
        return self._tracer.start_span(
            f"process {name}", around, SpanKind.CONSUMER, attributes, links
        )

    def _name_of(self, call: Call) -> str:
        """Of what was registered."""
        if call.kind is _ACK:
            return _destination(call.socket.namespace, "ack")
        name = self._names.get(call.handler)
        if name is None:
            self._names = self._all_names()
            name = self._names.get(call.handler, (_ANY, _ANY))
        return _destination(*name)

    # -- emits ---------------------------------------------------------------------------------

    def _send(self, emission: Emission) -> None:
        event, namespace = str(emission.args[0]), emission.namespace
        destination = _destination(namespace, event)
        attributes = _attributes("send", destination, namespace)
        attributes["messaging.socket.io.event_name"] = event
        if emission.to is not None:
            attributes["messaging.socket.io.rooms"] = _shown(emission.to)
        span = self._tracer.start_span(
            f"send {destination}", kind=SpanKind.PRODUCER, attributes=attributes
        )
        span.end()


def _failed(error: Exception) -> None:
    _told.warning("tracing failed: %s: %s", type(error).__name__, error, kind="tracing")


def _end(span: Span, call: Call, outcome: Outcome) -> None:
    failure = call.failure
    if failure is not None:
        kind = type(failure)
        span.record_exception(failure)
        span.set_status(StatusCode.ERROR, str(failure))
        span.set_attribute(
            "error.type", f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")
        )
    if not outcome.accepted:
        span.set_attribute("messaging.socket.io.refused", True)
    span.end()


# -- what a span says ------------------------------------------------------------------------------


def _destination(namespace: str, event: str) -> str:
    return event if namespace == "/" else f"{namespace} {event}"


def _attributes(operation: str, destination: str, namespace: str) -> Attributes:
    return {
        "messaging.system": _SYSTEM,
        "messaging.operation.name": operation,
        "messaging.operation.type": operation,
        "messaging.destination.name": destination,
        "messaging.socket.io.namespace": namespace,
    }


def _of_call(call: Call, name: str) -> Attributes:
    namespace, event = call.socket.namespace, call.event
    attributes = _attributes("process", name, namespace)
    attributes["messaging.client.id"] = call.socket.sid
    if event is not None:
        attributes["messaging.socket.io.event_name"] = event
        destination = _destination(namespace, event)
        if destination != name:
            attributes["messaging.destination.name"] = destination
            attributes["messaging.destination.template"] = name
    function: Any = call.handler.written or call.handler.function
    if (qualified := getattr(function, "__qualname__", None)) is not None:
        attributes["code.function.name"] = f"{function.__module__}.{qualified}"
    return attributes


def _shown(rooms: Sequence[Room]) -> list[str]:
    return [str(room) for room in rooms[:_MOST_ROOMS]]


# -- where a trace comes from ----------------------------------------------------------------------


def _begun(call: Call) -> dict[str, SpanContext | None]:
    """The spans in which the connection has joined its namespaces."""
    return call.socket.environ.setdefault(_BEGUN, {})


def _connection_of(call: Call) -> SpanContext | None:
    """Where the client has joined the namespace; without a connect handler, what its handshake has named."""
    begun, namespace = _begun(call), call.socket.namespace
    if namespace not in begun:
        begun[namespace] = _of_headers(call)
    return begun[namespace]


def _of_headers(call: Call) -> SpanContext | None:
    """That of the handshake's request."""
    environ = call.socket.environ
    names = {field: "HTTP_" + field.upper().replace("-", "_") for field in _fields()}
    return _extracted({field: environ.get(name) for field, name in names.items()})


def _of_auth(auth: object) -> SpanContext | None:
    """That which the client names in `auth`, as the headers would."""
    if not isinstance(auth, dict):
        return None
    given = cast("dict[object, object]", auth)
    return _extracted({field: given.get(field) for field in _fields()})


def _fields() -> set[str]:
    """What the propagators that the application has set up read: traceparent and tracestate, as a rule."""
    return propagate.get_global_textmap().fields


def _extracted(carrier: Mapping[str, object]) -> SpanContext | None:
    """The span alone: of a client's word on other matters (baggage) nothing goes on to others."""
    texts = {
        field: text
        for field, text in carrier.items()
        if isinstance(text, str) and len(text) <= _LONGEST
    }
    if not texts:
        return None
    found = trace.get_current_span(propagate.extract(texts, Context())).get_span_context()
    return found if found.is_valid else None
