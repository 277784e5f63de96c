"""What people write in place of a message queue's URL."""

from __future__ import annotations

import re
import sys
from collections.abc import Collection
from typing import Any

from ...base.nearest import did_you_mean
from ..masking import Masked

#: kombu's schemes, besides ours. It knows more where an application has registered them.
_KOMBUS = (
    "SLMQ SQS amqp amqps azureservicebus azurestoragequeues confluentkafka consul etcd filesystem gcpubsub "
    "librabbitmq memory mongodb pgmq pyamqp pyro qpid sentinel slmq sqla sqlalchemy sqs zookeeper"
)
#: Whose port it is.
_PORTS = {
    "6379": "redis",
    "26379": "redis+sentinel",
    "4222": "nats",
    "5432": "postgresql",
    "9092": "kafka",
}
#: Of servers that are no brokers.
_OTHERS = {"http", "https", "tcp", "tls", "ws", "wss"}
_PORT = re.compile(r"[^/?]*:(\d+)(?:[/?]|$)")
_SCHEME = re.compile(r"[a-zA-Z][\w+-]*")


def check_url(url: str, ours: Collection[str]) -> None:
    """Raises ValueError for a URL that leads nowhere; `ours` are our brokers' schemes.

    Without a scheme a host is kombu's to read, which takes it for RabbitMQ's, unless it is seen to be another's.
    """
    scheme, separator, rest = url.partition("://")
    if separator:
        if scheme in ours:
            return
        if scheme in _OTHERS:
            raise ValueError(f"message_queue={_shown(url)!r}: {_guessed(rest)}, not {scheme}://")
        if _SCHEME.fullmatch(scheme) and not _is_kombus(scheme.partition("+")[0]):
            hint = did_you_mean(scheme, [*ours, *_KOMBUS.split()])
            raise ValueError(f"message_queue={_shown(url)!r}: there is no {scheme}://{hint}")
        return
    word, _, rest = url.partition(":")
    word = word.strip("/")
    if word in ours or _is_kombus(word):  # redis:localhost, redis//localhost, redis
        # A host may well be called by the name of what runs there: redis:6379.
        host = url if rest[:1].isdigit() else _host(rest.strip("/"))
        raise ValueError(f"message_queue={_shown(url)!r} is no URL: {word}://{host}")
    port = _PORT.match(url.rpartition("@")[2])
    if port is not None and port[1] in _PORTS:
        raise ValueError(f"message_queue={_shown(url)!r} has no scheme: {_guessed(url)}")


def _is_kombus(scheme: str) -> bool:
    loaded: Any = sys.modules.get("kombu.transport")
    return scheme in _KOMBUS.split() or scheme in getattr(loaded, "TRANSPORT_ALIASES", ())


def _guessed(rest: str) -> str:
    """The URL that is meant, by its port."""
    rest = _host(rest)
    port = _PORT.match(rest)
    return f"{_PORTS.get(port[1] if port else '', 'redis')}://{rest}"


def _host(rest: str) -> str:
    """A URL's rest, without who connects."""
    return rest.rpartition("@")[2] or "localhost"


def _shown(url: str) -> str:
    if "://" in url:
        return str(Masked(url))
    return "***@" + _host(url) if "@" in url else url
