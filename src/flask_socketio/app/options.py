"""The keyword arguments of `SocketIO(...)`."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from math import isfinite
from typing import Any

from ..cluster.base import as_namespace
from ..cluster.brokers import check_url, make_broker
from ..cluster.queue import MessageQueue
from ..engine.config import EngineConfig, Limits
from .legacy import ASYNC_MODES, CONSTRUCTOR, say_what_to_delete

TRANSPORTS = ("polling", "websocket")


@dataclass(slots=True)
class Options:
    """What an instance was told, in the form in which it is used."""

    engine: EngineConfig = field(default_factory=EngineConfig)
    namespaces: list[str] = field(default_factory=lambda: ["/"])
    async_handlers: bool = True
    always_connect: bool = False
    manage_session: bool = True
    serve_client: bool = True
    #: events that fail, or that nobody handles, are acknowledged with an error object
    ack_errors: bool = False
    #: the broker's URL, and the name that servers which belong together have in common there
    message_queue: str | None = None
    channel: str = "flask-socketio"
    #: in place of message_queue: a manager of python-socketio's, of which the address is taken
    client_manager: Any = None
    #: a module with dumps() and loads(), in place of the application's own JSON
    json: Any = None
    #: how packets are encoded: "default" or "msgpack"
    serializer: str = "default"
    #: how many handlers may run at the same time
    max_threads: int = 1000


def parse_options(given: dict[str, Any]) -> Options:
    """Read the keyword arguments; raises ValueError for a value that makes no sense and warns of names unknown."""
    left = dict(given)
    options = Options()
    engine = options.engine
    engine.path = (
        "/" + str(left.pop("path", None) or left.pop("resource", "socket.io")).strip("/") + "/"
    )
    engine.transports = _transports(left.pop("transports", TRANSPORTS))
    engine.ping_interval, engine.ping_grace = _interval(
        left.pop("ping_interval", engine.ping_interval)
    )
    limits = engine.limits
    limits.max_payload = _whole_number(
        "max_http_buffer_size", left.pop("max_http_buffer_size", limits.max_payload)
    )
    _fill(limits, left, "connect_timeout", "upgrade_timeout", "max_attachments")
    _fill(
        engine,
        left,
        "ping_timeout",
        "allow_upgrades",
        "cors_allowed_origins",
        "cors_credentials",
        "cookie",
        "http_compression",
        "compression_threshold",
    )
    names = [item.name for item in fields(Options) if item.name not in ("engine", "namespaces")]
    _fill(options, left, *names)
    options.namespaces = _namespaces(left.pop("namespaces", None) or ["/"])
    for option, name in (
        ("logger", "flask_socketio.server"),
        ("engineio_logger", "flask_socketio.engine"),
    ):
        _set_up_logger(logging.getLogger(name), left.pop(option, False))
    if (mode := left.get("async_mode")) not in ASYNC_MODES:
        raise ValueError(
            f"Invalid async_mode specified: {mode!r}; leave it out, there are no modes"
        )
    say_what_to_delete("SocketIO()", left, CONSTRUCTOR)
    return options


def make_queue(options: Options, *, write_only: bool) -> MessageQueue | None:
    """The message queue that the options name. Raises ValueError for one that is not supported."""
    url, channel, manager = options.message_queue, options.channel, options.client_manager
    if manager is not None and not isinstance(manager, MessageQueue):
        names = ("redis_url", "url", "kafka_url", "zmq_url")
        url = next((getattr(manager, name) for name in names if hasattr(manager, name)), None)
        channel = getattr(manager, "channel", channel)
        if not isinstance(url, str):
            raise ValueError(
                f"client_manager={manager!r} has no URL; use message_queue='redis://...'"
            )
    if not url:
        return None
    check_url(url)
    return MessageQueue(make_broker, url, channel, write_only=write_only)


def _set_up_logger(ours: logging.Logger, given: logging.Logger | bool) -> None:
    """True: what happens is shown on stderr. A logger: its handlers and level are used. False: warnings alone."""
    if isinstance(given, logging.Logger):
        ours.handlers[:] = given.handlers
        ours.setLevel(given.getEffectiveLevel())
    elif given:
        ours.setLevel(logging.INFO)
        if not ours.handlers:
            handler = logging.StreamHandler()
            handler.setFormatter(logging.Formatter("%(message)s"))
            ours.addHandler(handler)


def _fill(target: EngineConfig | Limits | Options, given: dict[str, Any], *names: str) -> None:
    for name in names:
        if name in given:
            value = given.pop(name)
            setattr(target, name, _as_meant(name, value, getattr(target, name)))


def _as_meant(name: str, value: Any, default: Any) -> Any:
    """The value, a number where the default is one."""
    if isinstance(default, bool):
        return value
    if isinstance(default, int):
        return _whole_number(name, value)
    return _number(name, value) if isinstance(default, float) else value


def _number(name: str, value: Any) -> Any:
    is_finite = isinstance(value, int) or (isinstance(value, float) and isfinite(value))
    if isinstance(value, bool) or not is_finite or value < 0:
        raise ValueError(f"{name}={value!r}: a number is needed, 0 or more")
    return value


def _whole_number(name: str, value: Any) -> int:
    """Also one that is written as a float, 1e6."""
    if _number(name, value) != int(value):
        raise ValueError(f"{name}={value!r}: a whole number is needed")
    return int(value)


def _interval(value: Any) -> tuple[float, float]:
    """The interval, and what is added to it in what the client is told; in seconds."""
    if not isinstance(value, tuple | list):
        return _number("ping_interval", value), 0.0
    if len(value) != 2:  # pyright: ignore[reportUnknownArgumentType]
        raise ValueError(f"ping_interval={value!r}: a number is needed, or two: (interval, grace)")
    interval, grace = (_number("ping_interval", item) for item in value)  # pyright: ignore[reportUnknownVariableType]
    return interval, grace


def _namespaces(value: str | Sequence[str]) -> list[str]:
    return [as_namespace(name) for name in ([value] if isinstance(value, str) else value)]


def _transports(value: str | Sequence[str]) -> tuple[str, ...]:
    names = [value] if isinstance(value, str) else list(value)
    transports = tuple(name for name in names if name in TRANSPORTS)
    if not transports:
        raise ValueError(f"No valid transports provided: {names}; there are {list(TRANSPORTS)}")
    return transports
