"""What an instance was told, in the form in which it is used."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

from ..cluster.backlog import Bounds
from ..cluster.brokers import check_url, make_broker
from ..cluster.node.queue import NodeQueue, is_node_url
from ..cluster.queue import MessageQueue
from ..engine.config import EngineConfig
from ..relay.announced import host_and_port
from ..relay.machines import Cluster
from ..relay.secret import Secret
from ..relay.tls import MutualTls

QueueDown = Literal["raise", "drop"]


class JsonLibrary(Protocol):
    """A module, or an object, that writes and reads JSON."""

    @property
    def dumps(self) -> Callable[..., str | bytes]: ...

    @property
    def loads(self) -> Callable[..., object]: ...


@dataclass(frozen=True, slots=True)
class Metrics:
    """That events are measured, and by which token the result may be fetched over HTTP; None: not at all."""

    token: bytes | None = field(default=None, repr=False)


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
    metrics: Metrics | None = None
    tracing: bool = False
    ack_errors: bool = False
    typed_events: bool | None = None
    workers_dir: str | None = None
    message_queue: str | None = field(default=None, repr=False)  # it may hold a password
    channel: str = "flask-socketio"
    cluster_address: str | None = None
    cluster_key: bytes | None = field(default=None, repr=False)
    cluster_tls: MutualTls | None = None
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
    if is_node_url(url):
        return NodeQueue(url, channel, write_only=write_only, bounds=options.backlog)
    check_url(url)
    return MessageQueue(make_broker, url, channel, write_only=write_only, bounds=options.backlog)


#: Where one listens, and nobody can be connected to.
_EVERYWHERE = {"", "*", "0.0.0.0", "::"}


def make_cluster(options: Options) -> Cluster | None:
    """How this process and those on other machines know each other. Raises ValueError where something is missing."""
    address, key, tls = options.cluster_address, options.cluster_key, options.cluster_tls
    if address is None:
        if key is not None or tls is not None:
            raise ValueError(
                "cluster_key and cluster_tls are for a server that others connect to: "
                "cluster_address='host:port' is missing"
            )
        return None
    if key is None and tls is None:
        raise ValueError("cluster_address needs cluster_key or cluster_tls, or anybody may come")
    if not options.message_queue:
        raise ValueError(
            "cluster_address needs message_queue, by which the machines find each other"
        )
    if host_and_port(address)[0] in _EVERYWHERE:
        raise ValueError(
            f"cluster_address={address!r} is told the other machines: name the address that they reach"
        )
    return Cluster(address, Secret(key or b""), tls)
