"""`socketio.metrics()`: every number that there is about a server, by names that do not change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, cast

from ..base.counters import Counters
from .running import Running

Snapshot = dict[str, Any]


class Kind(Enum):
    """GAUGE: how many there are now. COUNTER: how many there have been. HISTOGRAM: how times are spread."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Metric:
    kind: Kind
    meaning: str
    #: what its parts are named by, outermost first
    labels: tuple[str, ...] = ()
    #: only where the option `metrics` is given
    measured: bool = False


_EVENT = ("namespace", "event")
_GAUGE, _COUNTER, _HISTOGRAM = Kind.GAUGE, Kind.COUNTER, Kind.HISTOGRAM

#: By name, in the order of the page. A new one is a line here, and one where it comes from.
METRICS: Mapping[str, Metric] = {
    "connections": Metric(_GAUGE, "Connections that are open.", ("transport",)),
    "connections_opened": Metric(_COUNTER, "Connections that have been let in."),
    "connections_closed": Metric(_COUNTER, "Connections that have ended.", ("reason",)),
    "handshakes_refused": Metric(_COUNTER, "Connections that were not let in.", ("reason",)),
    "http_refused": Metric(
        _COUNTER, "HTTP requests and connections that were refused or cut.", ("reason",)
    ),
    "limits_reached": Metric(_COUNTER, "Times that a client came to a limit.", ("option",)),
    "upgrades": Metric(_COUNTER, "Connections that went on by WebSocket."),
    "upgrades_abandoned": Metric(_COUNTER, "WebSockets that were to take one over and did not."),
    "slow_consumers": Metric(
        _COUNTER, "Connections that were closed because their clients read too slowly."
    ),
    "events_dropped": Metric(
        _COUNTER, "Events that clients were not sent because they read too slowly."
    ),
    "reading_paused": Metric(
        _COUNTER, "Times that nothing more was read from a client until its events were handled."
    ),
    "descriptors_short": Metric(
        _COUNTER, "Times that new connections were refused because file descriptors were short."
    ),
    "received_bytes": Metric(
        _COUNTER, "Bytes of messages that clients have sent.", ("transport",), measured=True
    ),
    "sent_bytes": Metric(
        _COUNTER, "Bytes of messages that clients have been sent.", ("transport",), measured=True
    ),
    "clients": Metric(_GAUGE, "Clients that are in a namespace.", ("namespace",)),
    "rooms": Metric(_GAUGE, "Rooms that have members, everybody's own not counted."),
    "connects": Metric(_COUNTER, "Clients that were accepted in a namespace."),
    "connects_refused": Metric(_COUNTER, "Clients that were not accepted in a namespace."),
    "disconnects": Metric(_COUNTER, "Clients that have left a namespace."),
    "events_handled": Metric(
        _COUNTER, "Events of clients whose handlers have ended.", _EVENT, measured=True
    ),
    "events_emitted": Metric(
        _COUNTER, "Events that the application has emitted.", _EVENT, measured=True
    ),
    "events_unhandled": Metric(_COUNTER, "Events of clients for which there is no handler."),
    "payloads_refused": Metric(
        _COUNTER, "Events whose payload was not of the type that their handler is annotated with."
    ),
    "acks_unknown": Metric(_COUNTER, "Acks for which nobody waits."),
    "acks_dropped": Metric(_COUNTER, "Callbacks forgotten because a client owes too many acks."),
    "acks_overdue": Metric(_COUNTER, "Callbacks forgotten because the ack has not come in time."),
    "handlers_running": Metric(_GAUGE, "Handlers that run or wait to."),
    "handlers_started": Metric(_COUNTER, "Calls of handlers, callbacks included."),
    "handlers_failed": Metric(_COUNTER, "Calls that raised what no error handler took."),
    "handler_seconds": Metric(_HISTOGRAM, "How long handlers took.", _EVENT, measured=True),
    "queue_seconds": Metric(
        _HISTOGRAM, "How long events waited for their handlers to begin.", _EVENT, measured=True
    ),
    "handler_threads": Metric(
        _GAUGE, "Threads for handlers; blocked: in one call for longer.", ("state",)
    ),
    "handlers_queued": Metric(_GAUGE, "Calls that wait behind others for a thread."),
    "batches_taken_over": Metric(
        _COUNTER, "Times that what waited behind a slow handler was given to other threads."
    ),
    "loop_held": Metric(_COUNTER, "Times that an async handler held the event loop."),
    "loop_lag_seconds": Metric(
        _HISTOGRAM, "How late the event loop came to what was due.", measured=True
    ),
    "queue_connected": Metric(_GAUGE, "Workers that reach the message queue."),
    "queue_backlog": Metric(_GAUGE, "Messages that wait for the message queue."),
    "queue_backlog_bytes": Metric(_GAUGE, "Bytes of messages that wait for the message queue."),
    "queue_published": Metric(_COUNTER, "Messages for other servers and workers."),
    "queue_received": Metric(_COUNTER, "Messages of other servers and workers."),
    "queue_skipped": Metric(_COUNTER, "Messages of theirs that concern nobody here."),
    "queue_lost": Metric(_COUNTER, "Messages that certainly have not been published.", ("reason",)),
    "queue_unsure": Metric(_COUNTER, "Messages that may have been published, or not."),
    "queue_gaps": Metric(_COUNTER, "Messages of other servers that have not arrived."),
    "queue_ignored": Metric(_COUNTER, "Messages that were not acted upon.", ("reason",)),
    "queue_failures": Metric(_COUNTER, "Times that the message queue could not be listened to."),
    "machines_refused": Metric(
        _COUNTER, "Connections and announcements of other machines that were refused.", ("reason",)
    ),
    "workers": Metric(_GAUGE, "Workers whose numbers are in here."),
    "workers_silent": Metric(
        _GAUGE, "Workers that have not answered: of them it is as they said last.", ("worker",)
    ),
}

#: A metric's name, and the counter's where that is another.
_COUNTED = {
    name: name
    for name, metric in METRICS.items()
    if metric.kind is _COUNTER and name in Counters.__dataclass_fields__
} | {
    "connections_opened": "sessions_opened",
    "connections_closed": "closed_by",
    "handshakes_refused": "handshakes_refused_by",
    "queue_lost": "queue_lost_by",
}


def snapshot(running: Running) -> Snapshot:
    """Of this process alone; where its state lives."""
    counters = running.counters
    found: Snapshot = {name: _copy(getattr(counters, field)) for name, field in _COUNTED.items()}
    found["slow_consumers"] = counters.closed_by.get("slow consumer", 0)
    found["handlers_running"] = counters.handlers_started - counters.handlers_finished
    found |= _queue(running.queue_status())
    found |= {"workers": 1, "workers_silent": {}}
    found |= running.census()
    return _in_order(found)


def _in_order(found: Snapshot) -> Snapshot:
    return {name: found[name] for name in METRICS if name in found}


def _copy(value: int | dict[str, int]) -> int | dict[str, int]:
    return dict(value) if isinstance(value, dict) else value


def _queue(status: dict[str, Any] | None) -> Snapshot:
    status = status or {}
    return {
        "queue_connected": int(bool(status.get("connected"))),
        "queue_backlog": status.get("backlog", 0),
        "queue_backlog_bytes": status.get("backlog_bytes", 0),
    }


# -- several processes -----------------------------------------------------------------------------


def sum_of(snapshots: Iterable[Snapshot]) -> Snapshot:
    """What several processes have together."""
    found: Snapshot = {}
    for each in snapshots:
        _add(found, each)
    return _in_order(found)


def _add(total: dict[str, Any], more: Mapping[str, Any]) -> None:
    for name, value in more.items():
        if isinstance(value, dict):
            _add(total.setdefault(name, {}), cast("dict[str, Any]", value))
        else:
            total[name] = total.get(name, 0) + value


def what_stays(snapshot: Snapshot) -> Snapshot:
    """What has happened, of a process that is no more: a sum of counters must not fall, or it seems to begin anew."""
    return {
        name: value
        for name, value in snapshot.items()
        if name in METRICS and METRICS[name].kind is not _GAUGE
    }
