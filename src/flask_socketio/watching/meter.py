"""What is measured of every event where `metrics=` is given; without it nothing of this is there.

On its way an event is given the times at which it arrived (`MeasuredDispatcher`) and began, and leaves how long it has
waited and taken in a list. That is all that it pays for; a few times a second the lists become histograms.
"""

from __future__ import annotations

from asyncio import AbstractEventLoop, TimerHandle
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from time import perf_counter
from typing import Any, Protocol

from ..base.histogram import Histogram
from ..cluster.base import Emission
from ..engine.session import Session
from ..engine.websocket import WebSocketTransport
from ..hub.call import Call, Handler, Outcome
from ..protocol.reasons import CloseReason
from .watcher import Watcher

#: Seconds between two looks: what has been measured becomes histograms, and the loop is asked how late it is.
_STEP = 0.25
#: What is not registered, so that a client, or a room's name in an event's, cannot make up labels.
OTHER = "other"

Name = tuple[str, str]


class Registered(Protocol):
    """What the application has registered."""

    #: namespace and event of what it sends, as far as that is declared
    sent: set[Name]

    def names(self) -> Mapping[Handler, Name]:
        """Namespace and event of each handler."""
        ...

    def events(self) -> Mapping[str, Collection[str]]:
        """The events that have handlers, by namespace."""
        ...


class Meter(Watcher):
    """One for each server, made on its loop."""

    def __init__(self, loop: AbstractEventLoop, registered: Registered) -> None:
        self._loop = loop
        self._registered = registered
        self._names: Mapping[Handler, Name] = {}
        #: waited and taken, of calls that have ended
        self._ended: defaultdict[Handler, list[tuple[float, float]]] = defaultdict(list)
        self._sent: defaultdict[Name, int] = defaultdict(int)
        self._waits: defaultdict[Name, Histogram] = defaultdict(Histogram)
        self._takes: defaultdict[Name, Histogram] = defaultdict(Histogram)
        self._emitted: defaultdict[Name, int] = defaultdict(int)
        self._lag = Histogram()
        #: of connections that have ended, by transport
        self._received_bytes: defaultdict[str, int] = defaultdict(int)
        self._sent_bytes: defaultdict[str, int] = defaultdict(int)
        #: what carries those that are open
        self._websockets: dict[Session, WebSocketTransport] = {}
        self._due = perf_counter() + _STEP
        self._timer: TimerHandle = loop.call_later(_STEP, self._look)

    def close(self) -> None:
        """Look no more."""
        self._timer.cancel()

    # -- on the way of an event: each in place of what it is given ------------------------------

    def beginning(self, begin: Callable[[Call], Any]) -> Callable[[Call], Any]:
        """What runs a call."""
        clock = perf_counter

        def begin_measured(call: Call) -> Any:
            call.begun = clock()
            return begin(call)

        return begin_measured

    def reporting(self, report: Callable[[Call, Outcome], None]) -> Callable[[Call, Outcome], None]:
        """What reports that a call has ended, where that was: on any thread."""
        clock = perf_counter
        ended = self._ended

        def report_measured(call: Call, outcome: Outcome) -> None:
            # One step, so that two threads do not write at once.
            ended[call.handler].append((call.begun - call.arrived, clock() - call.begun))
            return report(call, outcome)

        return report_measured

    def emitting(self, broadcast: Callable[[Emission], Any]) -> Callable[[Emission], Any]:
        """What carries out on the loop that the application emits."""
        sent = self._sent

        def broadcast_measured(emission: Emission) -> Any:
            sent[emission.namespace, emission.args[0]] += 1
            return broadcast(emission)

        return broadcast_measured

    # -- connections ---------------------------------------------------------------------------

    def session_opened(self, session: Session) -> None:
        self.session_upgraded(session)

    def session_upgraded(self, session: Session) -> None:
        if isinstance(session.transport, WebSocketTransport):
            self._websockets[session] = session.transport

    def session_closed(self, session: Session, reason: CloseReason) -> None:
        transport = self._websockets.pop(session, None)
        if transport is not None:
            received, sent = transport.traffic
            self._received_bytes["websocket"] += received
            self._sent_bytes["websocket"] += sent

    def polled(self, received: int, sent: int) -> None:
        """A polling request has brought, or its answer has taken, so many bytes."""
        self._received_bytes["polling"] += received
        self._sent_bytes["polling"] += sent

    # -- a few times a second ------------------------------------------------------------------

    def _look(self) -> None:
        now = perf_counter()  # of uvloop's own clock a turn sees the beginning alone
        self._lag.add((max(0.0, now - self._due),))
        self._collect()
        self._due = now + _STEP
        self._timer = self._loop.call_later(_STEP, self._look)

    def _collect(self) -> None:
        ended = [(handler, times) for handler, times in list(self._ended.items()) if times]
        if any(handler not in self._names for handler, _ in ended):
            self._names = self._registered.names()  # once, however many callbacks there are
        for handler, times in ended:
            self._add(handler, times)
        if self._sent:
            events = self._registered.events()
            for name, count in self._sent.items():
                known = name in self._registered.sent
                self._emitted[name if known else _registered(events, name)] += count
            self._sent.clear()

    def _add(self, handler: Handler, times: list[tuple[float, float]]) -> None:
        # Another name for what has none of its own, callbacks for one.
        name = self._names.get(handler, (OTHER, OTHER))
        # Threads append to it meanwhile, but to those of a callback, which is called once.
        count = len(times)
        waits = [wait for wait, _ in times[:count]]
        takes = [take for _, take in times[:count]]
        if handler in self._names:
            del times[:count]
        else:
            del self._ended[handler]
        self._waits[name].add(waits)
        self._takes[name].add(takes)

    # -- what has been measured ----------------------------------------------------------------

    def snapshot(self) -> dict[str, Any]:
        """By the names of `docs/metrics.md`; on the loop."""
        self._collect()
        received, sent = self._received_bytes.copy(), self._sent_bytes.copy()
        for transport in self._websockets.values():
            more_received, more_sent = transport.traffic
            received["websocket"] += more_received
            sent["websocket"] += more_sent
        takes = _nested({name: each.snapshot() for name, each in self._takes.items()})
        return {
            "events_handled": {
                namespace: {event: each["count"] for event, each in events.items()}
                for namespace, events in takes.items()
            },
            "events_emitted": _nested(self._emitted),
            "handler_seconds": takes,
            "queue_seconds": _nested({name: each.snapshot() for name, each in self._waits.items()}),
            "loop_lag_seconds": self._lag.snapshot(),
            "received_bytes": dict(received),
            "sent_bytes": dict(sent),
        }


def _registered(events: Mapping[str, Collection[str]], name: Name) -> Name:
    """The name, as far as it is one of the application's."""
    namespace, event = name
    if namespace not in events:
        return OTHER, OTHER
    return namespace, event if event in events[namespace] else OTHER


def _nested(values: Mapping[Name, Any]) -> dict[str, dict[str, Any]]:
    """By namespace and event."""
    found: dict[str, dict[str, Any]] = {}
    for (namespace, event), value in values.items():
        found.setdefault(namespace, {})[event] = value
    return found
