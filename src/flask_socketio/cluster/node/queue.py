"""`message_queue=` for a cluster with Node's servers: which adapter of theirs, and the Redis behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

from ...base.counters import Counters
from ...protocol.socketio import Codec
from ..backlog import Bounds
from ..base import Adapter, Member
from ..brokers import REDIS_SCHEMES
from ..link import Link
from ..masking import Masked
from ..queue import Addressed, Broker, MessageQueue
from ..wire import Dumps

if TYPE_CHECKING:  # they take libraries that need not be installed
    from .broker import NodeBroker
    from .dialect import Dialect

M = TypeVar("M", bound=Member)

_PREFIX = "node+"
#: What the URL's scheme ends with, and the module and the class of the wire.
_DIALECTS = {
    "+sharded": ("sharded", "Sharded"),
    "-streams": ("streams", "Streams"),
    "": ("classic", "Classic"),
}
#: What Node's adapters have by default, as their key, channelPrefix and streamName; where `channel` is not given.
_KEY, _NO_CHANNEL = "socket.io", "flask-socketio"
#: Of a process that only emits, for all kinds.
_EMITTER = "emitter"


def is_node_url(url: str) -> bool:
    return url.startswith(_PREFIX)


class NodeQueue(MessageQueue):
    """Raises ValueError for a URL that is none."""

    def __init__(self, url: str, channel: str, *, write_only: bool, bounds: Bounds) -> None:
        scheme, separator, rest = url.removeprefix(_PREFIX).partition("://")
        ending = next(ending for ending in _DIALECTS if scheme.endswith(ending))
        scheme = scheme.removesuffix(ending)
        if scheme not in REDIS_SCHEMES:
            raise ValueError(
                f"message_queue: {Masked(url)} is not supported; node+redis://, node+redis+sharded:// and "
                "node+redis-streams:// are, and the same with redis's other schemes"
            )
        self._module, self._class = _DIALECTS[ending]
        key = _KEY if channel == _NO_CHANNEL else channel
        super().__init__(
            make_broker, scheme + separator + rest, key, write_only=write_only, bounds=bounds
        )

    def text(self, message: Any) -> Addressed:
        """A command, as Redis reads it; it names its channel itself."""
        self.begun()
        return Addressed(as_resp(message), None)

    def send(self, texts: list[Addressed]) -> Iterator[Exception | None]:
        """Node's messages have no numbers."""
        with self._lock:
            yield from self.begun().publish([text for text, _ in texts])

    def node_broker(self) -> NodeBroker:
        broker: Any = self.begun()
        return broker

    def dialect(self, uid: str | None = None) -> Dialect:
        """How this member speaks. Raises ImportError where msgpack is missing."""
        kind = getattr(_imported(self._module), self._class)
        return kind(self.channel, uid)

    def link(
        self,
        codec: Codec,
        dumps: Dumps,
        namespaces: Iterable[str],
        post: Callable[..., object],
        counters: Counters,
        _node: str,
    ) -> Link[Any]:
        """A running server's. Raises ImportError where msgpack is missing."""
        kind = _imported("link").NodeLink
        return kind(self, codec, dumps, namespaces, post, counters)

    def emitting(
        self,
        codec: Codec,
        dumps: Dumps,
        publish: Callable[[Callable[[], Any], int], object],
        counters: Counters,
    ) -> Adapter[Any]:
        """What only publishes. Raises ImportError where msgpack is missing."""
        kind = _imported("adapter").NodeAdapter
        return kind(codec, dumps, self.dialect(_EMITTER), publish, counters)


def as_resp(command: tuple[Any, ...]) -> bytes:
    """A command and its arguments, as Redis reads them."""
    parts = [b"*%d\r\n" % len(command)]
    for item in command:
        data = item if isinstance(item, bytes) else str(item).encode()
        parts.append(b"$%d\r\n%b\r\n" % (len(data), data))
    return b"".join(parts)


def make_broker(url: str, channel: str) -> Broker:
    """Raises ImportError for a missing library, and ValueError for a URL that cannot be read."""
    try:
        return _imported("broker").make_broker(url, channel)
    except ValueError as error:
        raise ValueError(f"message_queue {(shown := Masked(url))}: {shown.text(error)}") from None


def _imported(name: str) -> Any:
    """A module that takes libraries."""
    try:
        return import_module(f"{__package__}.{name}")
    except ImportError:
        raise ImportError(
            "message_queue node+redis:// needs libraries: pip install 'flask-duplex[redis,msgpack]'"
        ) from None
