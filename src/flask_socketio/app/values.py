"""What is made of an option's value. Each raises ValueError for one that makes no sense."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib import import_module
from math import inf
from typing import Any, cast, get_args

from ..cluster.base import as_namespace
from ..engine.config import SlowConsumer
from ..relay.secret import SHORTEST
from ..relay.tls import MutualTls, mutual_tls
from .options import Metrics, QueueDown

TRANSPORTS = ("polling", "websocket")
SLOW_CONSUMERS = get_args(SlowConsumer)
QUEUE_DOWN = get_args(QueueDown)


def as_meant(name: str, value: object, default: object) -> object:
    """The value, a number where the default is one."""
    if isinstance(default, bool):
        return value
    if isinstance(default, int):
        return whole_number(name, value)
    return number(name, value) if isinstance(default, float) else value


def number(name: str, value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < inf:
        return value
    raise ValueError(f"{name}={value!r}: a number is needed, 0 or more")


def whole_number(name: str, value: object) -> int:
    """Also one that is written as a float, 1e6."""
    given = number(name, value)
    if given != int(given):
        raise ValueError(f"{name}={value!r}: a whole number is needed")
    return int(given)


def interval_and_grace(value: object) -> tuple[float, float]:
    """The ping interval, and what is added to it in what the client is told; in seconds."""
    if not isinstance(value, tuple | list):
        return number("ping_interval", value), 0.0
    values = cast("Sequence[object]", value)
    if len(values) != 2:
        raise ValueError(f"ping_interval={value!r}: a number is needed, or two: (interval, grace)")
    interval, grace = (number("ping_interval", item) for item in values)
    return interval, grace


def url_path(value: object) -> str:
    return "/" + str(value).strip("/") + "/"


def namespaces(value: str | Sequence[str] | None) -> list[str]:
    names = value or "/"
    return [as_namespace(name) for name in ([names] if isinstance(names, str) else names)]


def transports(value: str | Sequence[str]) -> tuple[str, ...]:
    names = [value] if isinstance(value, str) else list(value)
    known = tuple(name for name in names if name in TRANSPORTS)
    if not known:
        raise ValueError(f"No valid transports provided: {names}; there are {list(TRANSPORTS)}")
    return known


def hosts(value: str | Sequence[str] | None) -> tuple[str, ...] | None:
    """Host names as they are in a request, without their ports."""
    if value is None:
        return None
    try:
        names = tuple(_host(name) for name in ([value] if isinstance(value, str) else value))
    except (AttributeError, TypeError, ValueError):
        names = ()
    if not names:
        raise ValueError(
            f"allowed_hosts={value!r}: names are needed, such as 'example.com', or '.example.com' with its subdomains"
        )
    return names


_HOST = re.compile(r"(\.?)([\w-]+(?:\.[\w-]+)*|\[[a-f0-9:.]+\])(?::\d+)?")


def _host(name: str) -> str:
    found = _HOST.fullmatch(name.lower())
    if found is None:
        raise ValueError(name)
    dot, host = found.groups()
    return dot + (host if host.startswith("[") else host.encode("idna").decode())


def slow_consumer(value: object) -> object:
    if value not in SLOW_CONSUMERS:
        raise ValueError(f"slow_consumer={value!r}: there are {list(SLOW_CONSUMERS)}")
    return value


def queue_down(value: object) -> object:
    if value not in QUEUE_DOWN:
        raise ValueError(f"queue_down={value!r}: there are {list(QUEUE_DOWN)}")
    return value


#: Characters of a token, at least.
_SHORTEST_TOKEN = 16


def metrics(value: bool | str | None) -> Metrics | None:
    """Raises ImportError where a library is missing that writes what the token's owner fetches."""
    if not value:
        return None
    if value is True:
        return Metrics()
    if not isinstance(value, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ValueError(  # noqa: TRY004 - as for every value that makes no sense
            f"metrics={value!r}: True, or the token by which they may be fetched"
        )
    if len(value) < _SHORTEST_TOKEN or not value.isascii() or not value.isprintable():
        raise ValueError(
            f"metrics has a token of {len(value)} characters: {_SHORTEST_TOKEN} of ASCII are needed at least, as of "
            "python -c 'import secrets; print(secrets.token_urlsafe())'"
        )
    try:
        import_module("prometheus_client")  # now: the loop would be held by that
    except ImportError:
        raise ImportError(
            "metrics with a token needs prometheus-client: pip install 'flask-duplex[metrics]'"
        ) from None
    return Metrics(value.encode())


def tracing(value: object) -> bool:
    """Raises ImportError where OpenTelemetry's API is missing."""
    if value:
        try:
            import_module("opentelemetry.trace")
        except ImportError:
            raise ImportError(
                "tracing=True needs opentelemetry-api: pip install 'flask-duplex[otel]'"
            ) from None
    return bool(value)


def cluster_key(value: str | bytes | None) -> bytes | None:
    """The bytes of a secret, which no error shows."""
    if value is None:
        return None
    key = value.encode() if isinstance(value, str) else value
    if len(key) < SHORTEST:
        raise ValueError(
            f"cluster_key has {len(key)} bytes: {SHORTEST} random ones are needed, as of "
            "python -c 'import secrets; print(secrets.token_urlsafe(32))'"
        )
    return key


def cluster_tls(value: Sequence[Any] | None) -> MutualTls | None:
    if value is None:
        return None
    if isinstance(value, str) or len(value) != 3:
        raise ValueError(
            f"cluster_tls={value!r}: three PEM files are needed: (certificate, key, authority)"
        )
    try:
        return mutual_tls(*value)
    except OSError as error:  # what ssl raises is one
        raise ValueError(f"cluster_tls={value!r}: {error}") from None
