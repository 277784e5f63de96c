"""The brokers behind `message_queue=`, by the URL's scheme.

Each has a module here, which is imported when it is used, because the library that it imports need not be installed.
A further one takes such a module, with a `make_broker(url, channel)` that returns a `Broker` (see `cluster/queue.py`),
and a line in the table.
"""

from __future__ import annotations

from importlib import import_module

from ..masking import Masked
from ..queue import Broker
from . import urls

#: The module, which is also the name of the extra that brings its library, and the schemes of its URLs.
_SCHEMES = {
    "kafka": "kafka",
    "nats": "nats tls",
    "postgres": "postgresql postgres",
    "redis": "redis rediss valkey valkeys unix redis+sentinel rediss+sentinel valkey+sentinel valkeys+sentinel"
    " redis+sharded rediss+sharded valkey+sharded valkeys+sharded",
    "zmq": "zmq zmq+tcp",
}
#: Those with one server that has all.
REDIS_SCHEMES = [scheme for scheme in _SCHEMES["redis"].split() if "sharded" not in scheme]
#: Whose are all others.
_ANY_OTHER = "kombu"

_MODULES = {scheme: module for module, schemes in _SCHEMES.items() for scheme in schemes.split()}


def make_broker(url: str, channel: str) -> Broker:
    """The broker for a URL. Raises ImportError for a missing library, and ValueError for a URL that cannot be read."""
    scheme = _scheme(url)
    name = _MODULES.get(scheme, _ANY_OTHER)
    try:
        module = import_module(f"{__name__}.{name}")
    except ImportError:
        raise ImportError(
            f"message_queue {scheme}:// needs a library: pip install 'flask-duplex[{name}]'"
        ) from None
    try:
        return module.make_broker(url, channel)
    except ValueError as error:
        raise ValueError(f"message_queue {(shown := Masked(url))}: {shown.text(error)}") from None


def check_url(url: str) -> None:
    """Raises ValueError for what is no URL of a broker's, with the one that is meant."""
    urls.check_url(url, _MODULES)


def _scheme(url: str) -> str:
    """Without one it is kombu's to read, which takes it for AMQP's."""
    return url.partition("://")[0] if "://" in url else "amqp"
