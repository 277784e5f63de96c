"""What an instance was told, in the form in which it is used."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

from ..cluster.backlog import Bounds
from ..cluster.brokers import make_broker
from ..cluster.queue import MessageQueue
from ..engine.config import EngineConfig

QueueDown = Literal["raise", "drop"]


class JsonLibrary(Protocol):
    """A module, or an object, that writes and reads JSON."""

    @property
    def dumps(self) -> Callable[..., str | bytes]: ...

    @property
    def loads(self) -> Callable[..., object]: ...


@dataclass(slots=True)
class Options:
    """The options of a SocketIO. What each means stands in `keywords.py`."""

    engine: EngineConfig = field(default_factory=lambda: EngineConfig(path="/socket.io/"))
    namespaces: list[str] = field(default_factory=lambda: ["/"])
    async_handlers: bool = True
    always_connect: bool = False
    manage_session: bool = True
    serve_client: bool = True
    health: bool = False
    ack_errors: bool = False
    workers_dir: str | None = None
    message_queue: str | None = field(default=None, repr=False)  # it may hold a password
    channel: str = "flask-socketio"
    backlog: Bounds = field(default_factory=Bounds)
    queue_down: QueueDown = "raise"
    client_manager: object = None
    json: JsonLibrary | None = None
    serializer: str = "default"
    max_threads: int = 1000
    logger: logging.Logger | bool = False
    engineio_logger: logging.Logger | bool = False


def make_queue(options: Options, *, write_only: bool) -> MessageQueue | None:
    """The message queue that the options name. Raises ValueError for a manager that has no URL."""
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
    return MessageQueue(make_broker, url, channel, write_only=write_only, bounds=options.backlog)
