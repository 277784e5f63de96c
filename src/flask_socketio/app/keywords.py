"""The keyword arguments of `SocketIO()`, `init_app()` and `run()`: one table for type checkers, parser, and docs.

Beside a keyword's type stands its row. A new option is a line here and a field of the dataclass that keeps it, whose
default is the option's.
"""

import logging
import os
import ssl
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypedDict, TypeVar, get_type_hints

from ..cluster.backlog import Bounds
from ..engine.config import AllowedOrigins, EngineConfig, HttpLimits, Limits, SlowConsumer
from ..engine.cookie import CookieOption
from .options import JsonLibrary, Options, QueueDown
from .origins import origins
from .values import (
    cluster_key,
    cluster_tls,
    hosts,
    metrics,
    namespaces,
    queue_down,
    slow_consumer,
    tracing,
    transports,
    url_path,
)

Kept = Options | EngineConfig | Limits | HttpLimits | Bounds
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Option:
    """A keyword of SocketIO()."""

    #: what the value is counted in, or what it is
    unit: str
    meaning: str
    #: the dataclass that keeps it
    kept: type[Kept] = Options
    #: the name of the field, where it is not the keyword's
    field: str = ""
    #: makes what is kept of what was given; without, a field that is a number takes numbers alone
    read: Callable[..., object] | None = None

    def target(self, options: Options) -> Kept:
        """The part of the options that keeps it."""
        if self.kept is Limits:
            return options.engine.limits
        if self.kept is HttpLimits:
            return options.engine.http
        if self.kept is Bounds:
            return options.backlog
        return options.engine if self.kept is EngineConfig else options


@dataclass(frozen=True, slots=True)
class Alias:
    """Another name of a keyword."""

    of: str


@dataclass(frozen=True, slots=True)
class Argument:
    """A keyword of run()."""

    default: str
    unit: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Legacy:
    """A keyword of Flask-SocketIO's that is accepted with a warning, and has no meaning."""

    why: str


def rows(table: type, kind: type[R]) -> dict[str, R]:
    """The rows that are of a kind, by keyword."""
    hints = get_type_hints(table, include_extras=True)
    return {
        name: row
        for name, hint in hints.items()
        for row in getattr(hint, "__metadata__", ())
        if isinstance(row, kind)
    }


#: Where a whole number is needed; 1e6 is one.
Whole = int | float
Logger = logging.Logger | bool
File = str | os.PathLike[str]
Tls = ssl.SSLContext | tuple[File, File | None] | str | None

_YES_NO = "true or false"
_SECONDS = "seconds"
_BYTES = "bytes"


class SocketIOOptions(TypedDict, total=False):
    """What `SocketIO()` and `init_app()` take."""

    # -- what is served ------------------------------------------------------------------------

    path: Annotated[
        str | None,
        Option(
            "URL path",
            "Where clients connect. Slashes at its ends do not matter.",
            EngineConfig,
            read=url_path,
        ),
    ]
    resource: Annotated[str, Alias("path")]
    serve_client: Annotated[
        bool, Option(_YES_NO, "The JavaScript client is served, at `<path>/socket.io.min.js`.")
    ]
    health: Annotated[
        bool,
        Option(
            _YES_NO,
            'How the server is, at `<path>/health`, for load balancers: `"ok"`, `"degraded"`, or `"draining"` with '
            "status 503.",
        ),
    ]
    metrics: Annotated[
        bool | str | None,
        Option(
            "true, false or token",
            "Events are measured, for `socketio.metrics()`. A token: who has it may fetch them for Prometheus, at "
            "`<path>/metrics` (`pip install 'flask-duplex[metrics]'`). [metrics.md](metrics.md) has what there is.",
            read=metrics,
        ),
    ]
    tracing: Annotated[
        bool,
        Option(
            _YES_NO,
            "OpenTelemetry has a span for each run of a handler and for each emit "
            "(`pip install 'flask-duplex[otel]'`). [tracing.md](guides/tracing.md) says what is in them.",
            read=tracing,
        ),
    ]
    namespaces: Annotated[
        str | Sequence[str] | None,
        Option(
            "name or list of names",
            'Namespaces that clients may join though nothing is registered for them. `"*"`: any.',
            read=namespaces,
        ),
    ]

    # -- handlers ------------------------------------------------------------------------------

    async_handlers: Annotated[
        bool,
        Option(
            _YES_NO,
            "Events of one client start in their order and may overlap. `False`: one after the other.",
        ),
    ]
    max_threads: Annotated[
        Whole,
        Option(
            "threads", "`def` handlers that may run at the same time; of green threads any number."
        ),
    ]
    always_connect: Annotated[
        bool,
        Option(
            _YES_NO,
            "A client is told that it is connected before the connect handler has returned, and disconnected if that "
            "refuses it.",
        ),
    ]
    manage_session: Annotated[
        bool,
        Option(
            _YES_NO,
            "Each connection has a copy of Flask's `session` that its handlers share. `False`: every event opens the "
            "session and saves it, which is of use where it is kept on the server.",
        ),
    ]
    ack_errors: Annotated[
        bool,
        Option(
            _YES_NO,
            "Events whose handler fails, or that have none, are acknowledged with an `error` object. `False`: not at "
            "all.",
        ),
    ]
    typed_events: Annotated[
        bool | None,
        Option(
            _YES_NO,
            "What clients send is checked where a handler's annotations are "
            "[models](guides/typed-events.md). `None`: unless the library for it is missing, which is logged. `True`: "
            "that is an error, and TypedDicts are models as well. `False`: annotations mean nothing.",
        ),
    ]

    # -- packets -------------------------------------------------------------------------------

    json: Annotated[
        JsonLibrary | None,
        Option("module or object", "Its `dumps()` and `loads()` are used in place of `app.json`."),
    ]
    serializer: Annotated[
        str,
        Option(
            "name",
            'How packets are encoded: `"default"`, or `"msgpack"` (`pip install \'flask-duplex[msgpack]\'`).',
        ),
    ]
    max_attachments: Annotated[
        Whole, Option("attachments", "Binary parts that a client may put into one packet.", Limits)
    ]
    max_packets: Annotated[
        Whole, Option("packets", "What one polling request of a client may bring.", Limits)
    ]
    max_http_buffer_size: Annotated[
        Whole,
        Option(
            _BYTES,
            "The largest body of a polling request, and the largest WebSocket message. Clients are told.",
            Limits,
            field="max_payload",
        ),
    ]

    # -- what one client may keep the server busy with ------------------------------------------

    max_namespaces: Annotated[
        Whole, Option("namespaces", "That one connection may be in. More: it is closed.", Limits)
    ]
    max_rooms: Annotated[
        Whole,
        Option(
            "rooms", "That one client may be in. More: `join_room()` raises ValueError.", Limits
        ),
    ]
    max_pending_acks: Annotated[
        Whole,
        Option("acks", "That one client may owe. More: the oldest callback is forgotten.", Limits),
    ]
    ack_ttl: Annotated[
        float,
        Option(
            _SECONDS,
            "How long the callback of an event waits for its ack; it is forgotten then. 0: as long as the client is "
            "there. `call()` has a timeout of its own.",
            Limits,
        ),
    ]
    max_event_rate: Annotated[
        Whole,
        Option(
            "events per second",
            "Of one client. More: nothing is read from it until the second is over. 0: any number.",
            Limits,
        ),
    ]
    max_events_in_flight: Annotated[
        Whole,
        Option(
            "events",
            "Of one client that wait for a handler or are in one. More: nothing is read from it meanwhile.",
            Limits,
        ),
    ]
    max_bytes_in_flight: Annotated[
        Whole,
        Option(_BYTES, "The same, where events are large.", Limits),
    ]
    max_unjoined: Annotated[
        Whole,
        Option(
            "connections",
            "Of all clients that have joined no namespace yet. More: handshakes are refused.",
            Limits,
        ),
    ]

    # -- what may wait for one client ------------------------------------------------------------

    max_queued: Annotated[
        Whole,
        Option(
            _BYTES,
            "That may wait for a client that reads more slowly than it is sent to; one message alone may be larger. "
            "0: any amount.",
            Limits,
        ),
    ]
    slow_consumer: Annotated[
        SlowConsumer,
        Option(
            "name",
            'What happens then: `"disconnect"`, or events are dropped, `"drop-oldest"` or `"drop-new"`.',
            Limits,
            read=slow_consumer,
        ),
    ]

    # -- connections ---------------------------------------------------------------------------

    transports: Annotated[
        str | Sequence[str],
        Option(
            "name or list of names",
            "The transports that clients may use.",
            EngineConfig,
            read=transports,
        ),
    ]
    allow_upgrades: Annotated[
        bool,
        Option(_YES_NO, "A client that polls may go on by WebSocket.", EngineConfig),
    ]
    ping_interval: Annotated[
        float | tuple[float, float] | list[float],
        Option(
            _SECONDS,
            "Between two pings. Of two values the second is added in what clients are told, as a grace.",
            EngineConfig,
        ),
    ]
    ping_timeout: Annotated[
        float,
        Option(
            _SECONDS,
            "After a ping: a client from which nothing has come until then is gone.",
            EngineConfig,
        ),
    ]
    connect_timeout: Annotated[
        float,
        Option(_SECONDS, "A connection that has joined no namespace by then is closed.", Limits),
    ]
    upgrade_timeout: Annotated[
        float,
        Option(
            _SECONDS,
            "An upgrade that has begun and is not finished by then is given up; polling goes on.",
            Limits,
        ),
    ]
    drain_time: Annotated[
        float,
        Option(
            _SECONDS,
            "When the server stops, its clients are told one after the other over that time, and come back elsewhere "
            "one after the other. 0: all at once.",
            Limits,
        ),
    ]
    shutdown_timeout: Annotated[
        float,
        Option(_SECONDS, "That handlers have to return when the server stops, after that.", Limits),
    ]
    http_compression: Annotated[
        bool,
        Option(_YES_NO, "Answers to polling requests are compressed.", EngineConfig),
    ]
    compression_threshold: Annotated[
        Whole,
        Option(_BYTES, "Smaller answers are not compressed.", EngineConfig),
    ]
    cookie: Annotated[
        CookieOption,
        Option(
            "name or dict",
            "A cookie with the session id, for load balancers that stick to it. A name, or `True` for `io`: `path=/; "
            "SameSite=Lax`. A dict: its `name` and its attributes, whose values are strings, `True` or functions.",
            EngineConfig,
        ),
    ]
    cors_allowed_origins: Annotated[
        AllowedOrigins,
        Option(
            "origin, list of origins, or function",
            'Pages of which origins may connect. `None`: those of this server. `"*"`: any. `[]`: any, without CORS '
            "headers. A function is called with the origin and, if it takes two, the WSGI environ. An origin has a "
            "scheme and no path, `https://example.com`: others are mended, with a warning.",
            EngineConfig,
            read=origins,
        ),
    ]
    cors_credentials: Annotated[
        bool,
        Option(_YES_NO, "Pages of other origins may send cookies.", EngineConfig),
    ]

    allowed_hosts: Annotated[
        str | Sequence[str] | None,
        Option(
            "name or list of names",
            'By which names the server is asked for what is below the path: `"example.com"`, with its subdomains '
            '`".example.com"`; ports do not matter. Requests with another `Host` are refused. `None`: any.',
            EngineConfig,
            read=hosts,
        ),
    ]

    # -- HTTP ----------------------------------------------------------------------------------

    max_header_size: Annotated[
        Whole,
        Option(
            _BYTES,
            "The largest head of a request, its target included: a larger one is refused with 431, with 414 where the "
            "target alone is too long. 0: any.",
            HttpLimits,
        ),
    ]
    max_header_fields: Annotated[
        Whole,
        Option(
            "fields",
            "The header fields of a request: more are refused with 431. 0: any number.",
            HttpLimits,
        ),
    ]

    header_timeout: Annotated[
        float,
        Option(
            _SECONDS,
            "A request whose head is not complete by then, or a new connection without one, is given up. 0: never.",
            HttpLimits,
        ),
    ]
    keep_alive_timeout: Annotated[
        float,
        Option(
            _SECONDS,
            "A connection on which no further request comes is closed. 0: never.",
            HttpLimits,
        ),
    ]
    min_rate: Annotated[
        Whole,
        Option(
            "bytes per second",
            "What a client has to send of a body or of a message in fragments, and to read of what waits for it, on "
            "average. 0: as little as it likes.",
            HttpLimits,
        ),
    ]
    rate_timeout: Annotated[
        float,
        Option(_SECONDS, "For so long it may be slower than `min_rate`. 0: for ever.", HttpLimits),
    ]
    max_connections: Annotated[
        Whole,
        Option(
            "connections",
            "That may be open under `run()`, WebSockets included. More are refused with 503. 0: any number.",
            HttpLimits,
        ),
    ]
    max_connections_per_address: Annotated[
        Whole,
        Option(
            "connections",
            "The same for each client's address, as the server sees it: behind a proxy, that is the proxy's. 0: any "
            "number.",
            HttpLimits,
        ),
    ]

    # -- several processes ---------------------------------------------------------------------

    workers_dir: Annotated[
        str | None,
        Option(
            "folder",
            "Where processes that serve the same clients find each other, on one machine. `run(workers=N)`, gunicorn's "
            "and uvicorn's workers need none.",
        ),
    ]
    message_queue: Annotated[
        str | None,
        Option(
            "URL",
            "Through which servers and emitters belong together: `redis://`, `valkey://`, `nats://`, `postgresql://`, "
            "`amqp://`, `kafka://`, `zmq+tcp://` and [others](cluster.md#brokers); `node+redis://` for a cluster "
            "[with Node's servers](node.md).",
        ),
    ]
    channel: Annotated[str, Option("name", "What those that belong together have in common there.")]
    cluster_address: Annotated[
        str | None,
        Option(
            "host:port",
            "Where this machine's processes are connected to by those of others, so that any client may come to any of "
            "them without sticky sessions. Port 0: any. With `message_queue`, and one of the next two.",
        ),
    ]
    cluster_key: Annotated[
        str | bytes | None,
        Option(
            "secret",
            "By which they know each other: 32 random bytes at least, the same on all machines. It does not encrypt.",
            read=cluster_key,
        ),
    ]
    cluster_tls: Annotated[
        tuple[File, File, File] | None,
        Option(
            "three PEM files",
            "Certificate, key and authority: they encrypt what they say, and whoever has a certificate of that "
            "authority is one of them.",
            read=cluster_tls,
        ),
    ]
    max_backlog: Annotated[
        Whole,
        Option(
            "messages",
            "What a server may keep for the others while the message queue is not there; the oldest are dropped.",
            Bounds,
            field="messages",
        ),
    ]
    max_backlog_bytes: Annotated[
        Whole,
        Option(_BYTES, "The same by size; one message alone may be larger.", Bounds, field="bytes"),
    ]
    max_backlog_age: Annotated[
        float,
        Option(
            _SECONDS,
            "Whatever has waited there for longer is dropped. 0: nothing for that.",
            Bounds,
            field="age",
        ),
    ]
    queue_down: Annotated[
        QueueDown,
        Option(
            "name",
            'What emitting does in a process that serves nobody, while the message queue is not there: `"raise"` a '
            '`MessageQueueError`, or `"drop"` what is emitted.',
            read=queue_down,
        ),
    ]
    client_manager: Annotated[
        object,
        Option(
            "manager of python-socketio's",
            "Its URL and channel are taken, in place of `message_queue` and `channel`.",
        ),
    ]

    # -- logs ----------------------------------------------------------------------------------

    logger: Annotated[
        Logger,
        Option(
            "true, false or logger",
            "`True`: what is said is logged to stderr: clients that come and go, rooms, events with their arguments, "
            "acks, emits; cut and escaped, bytes as how many there are. A logger: its handlers and its level are used, "
            "and it is logged from INFO on. `False`: what the application has set up for the logger "
            "`flask_socketio.server`, without all that.",
        ),
    ]
    engineio_logger: Annotated[
        Logger,
        Option(
            "true, false or logger",
            "The same of connections, upgrades and each packet; the logger is `flask_socketio.engine`.",
        ),
    ]

    # -- without a meaning here ----------------------------------------------------------------

    async_mode: Annotated[
        str | None,
        Legacy("there are no modes: handlers run on threads, `async def` ones on the event loop"),
    ]
    monitor_clients: Annotated[bool | None, Legacy("clients that are gone are always noticed")]


#: The arguments of run() that may be positional, after the application.
ADDRESS = {
    "host": Argument("`127.0.0.1`", "name or IP address", "The interface to listen on."),
    "port": Argument(
        "that of `SERVER_NAME`, else 5000",
        "number",
        "0 takes a free one; the start-up line names it.",
    ),
}


class RunOptions(TypedDict, total=False):
    """What `run()` takes beside the address."""

    debug: Annotated[
        bool | None,
        Argument(
            "`app.debug`",
            _YES_NO,
            "Werkzeug's debugger on pages that fail, and the default of `use_reloader` and `log_output`.",
        ),
    ]
    use_reloader: Annotated[
        bool | None,
        Argument(
            "as `debug`",
            _YES_NO,
            "Start anew when a source file changes. The port stays open meanwhile, so a page that is reloaded waits "
            "instead of failing.",
        ),
    ]
    reloader_options: Annotated[
        dict[str, Any] | None,
        Argument(
            "none",
            "dict",
            'More arguments of Werkzeug\'s reloader: `{"interval": 0.5}`, for example.',
        ),
    ]
    extra_files: Annotated[
        Iterable[str] | None,
        Argument("none", "list of files", "More files that the reloader looks at."),
    ]
    workers: Annotated[
        int | str | None,
        Argument(
            "`WEB_CONCURRENCY`, else 1",
            'number or `"auto"`',
            "Processes that serve the port together, any client any transport. "
            '`"auto"`: one for each processor.',
        ),
    ]
    log_output: Annotated[bool | None, Argument("as `debug`", _YES_NO, "A line for each request.")]
    certfile: Annotated[
        File | None, Argument("none", "PEM file", "TLS: the certificate, with its chain.")
    ]
    keyfile: Annotated[
        File | None,
        Argument("none", "PEM file", "TLS: its key, unless that is in the same file."),
    ]
    ssl_context: Annotated[
        Tls,
        Argument(
            "none",
            'context, pair of files, or `"adhoc"`',
            'TLS, in place of `certfile` and `keyfile`. `"adhoc"`: a certificate is made up, for development.',
        ),
    ]
    allow_unsafe_werkzeug: Annotated[
        bool | None, Legacy("the server is uvicorn, which is made for production")
    ]
    threaded: Annotated[bool | None, Legacy("every page is served on a thread")]
    processes: Annotated[int | None, Legacy("processes that serve the port together are workers=N")]
