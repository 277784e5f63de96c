"""Which protocols uvicorn is given: ours, or, where what they are made from is not what it was, uvicorn's own.

The class that ours for HTTP is a subclass of, uvicorn promises nobody. It is looked at before a server is made; where
something is gone or has changed, and where WebSockets have no parser, the server speaks plain ASGI with the
application.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from inspect import signature
from typing import Any, Literal

import uvicorn

from ...base.changed import say_once
from ...base.loop_thread import run_loop
from ...base.promise import Promise
from ...engine.handshake import Handshake
from ...engine.parser import parser_fault
from ...engine.picows import FastLane
from ..asgi import say_what_has_no_bound
from ..pages import Pages

#: What ours calls of uvicorn's protocol or has in the place of it, with the arguments.
METHODS: dict[str, tuple[str, ...]] = {
    "_start_asgi_task": ("cycle", "app"),
    "connection_lost": ("exc",),
    "connection_made": ("transport",),
    "data_received": ("data",),
    "on_body": ("body",),
    "on_headers_complete": (),
    "on_message_begin": (),
    "on_message_complete": (),
    "on_response_complete": (),
    "shutdown": (),
}
#: What it reads and sets, of the protocol and of its parts; there when a request has begun.
ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "": (
        "access_log", "access_logger", "app", "client", "connections", "cycle", "expect_100_continue", "flow",
        "headers", "logger", "loop", "parser", "pipeline", "scheme", "scope", "server", "server_state",
        "transport", "url",
    ),
    "cycle": (
        "chunked_encoding", "default_headers", "disconnected", "expected_content_length", "keep_alive",
        "message_event", "more_body", "response_complete", "response_started", "scope", "transport",
        "waiting_for_100_continue",
    ),
    "flow": ("pause_reading", "read_paused", "resume_reading", "write_paused"),
    "parser": (
        "feed_data", "get_http_version", "get_method", "set_dangerous_leniencies", "should_keep_alive",
        "should_upgrade",
    ),
    "server_state": ("connections", "default_headers", "total_requests"),
}  # fmt: skip

_COST = "pages and polling go by plain ASGI, which takes more CPU time, and WebSocket "
_NO_WEBSOCKET = "is refused, so clients stay with polling; for WebSocket: pip install websockets"


@dataclass(frozen=True, slots=True)
class Protocols:
    """What `uvicorn.Config` is given for one server, and what that is to be told."""

    http: type[asyncio.Protocol] | Literal["auto"]
    ws: type[asyncio.Protocol] | Literal["auto", "none"]
    #: which engines and pages there are; before the first connection
    serve: Callable[[Sequence[FastLane], Pages | None], object]
    #: the server stops, and has these connections
    stop: Callable[[Collection[object]], object]


def choose_protocols(*, access_log: bool) -> Protocols:
    """Ours; or uvicorn's, and a log line that says why and what it costs."""
    chosen = Promise[Protocols]()

    async def choose() -> None:
        chosen.keep(_choose(access_log=access_log))

    run_loop(choose, chosen)
    return chosen.result()


def _choose(*, access_log: bool) -> Protocols:
    try:
        from .arrival import Arrival
        from .protocol import HttpProtocol

        _check_methods(HttpProtocol.__base__)
        _check_attributes(HttpProtocol, access_log=access_log)
    except Exception as error:  # noqa: BLE001 - whatever it is, there is another way
        return _plain_asgi("uvicorn", f"{type(error).__name__}: {error}")
    fault = parser_fault()
    if fault is not None:
        return _plain_asgi("picows", fault)
    http = type("Http", (HttpProtocol,), {})
    arrival = type("ArrivalAtHttp", (Arrival,), {"http": http, "access_log": access_log})
    return Protocols(
        arrival, Handshake, http.serve, http.stop
    )  # it is ours that begins a handshake


def _plain_asgi(library: str, fault: str) -> Protocols:
    if any(find_spec(name) is not None for name in ("websockets", "wsproto")):
        say_once(library, fault, _COST + "by uvicorn's own protocol")
        return Protocols("auto", "auto", _serve, _ignore)
    say_once(library, fault, _COST + _NO_WEBSOCKET)
    return Protocols("auto", "none", _offer_no_upgrade, _ignore)


def _ignore(*args: object) -> None:
    """uvicorn's own protocols know what they need."""


def _serve(lanes: Sequence[FastLane], pages: Pages | None) -> None:
    say_what_has_no_bound(lanes[0].engine.config.http)


def _offer_no_upgrade(lanes: Sequence[FastLane], pages: Pages | None) -> None:
    """Have no client try in vain."""
    _serve(lanes, pages)
    for lane in lanes:
        lane.engine.config.allow_upgrades = False


def _check_methods(base: Any) -> None:
    """Raises AttributeError and TypeError."""
    for name, arguments in METHODS.items():
        method = getattr(base, name)
        if method is getattr(asyncio.Protocol, name, None):
            raise AttributeError(f"{base.__name__} has no {name}")
        found = tuple(signature(method).parameters)[1:]
        if found != arguments:
            raise TypeError(f"{base.__name__}.{name} takes ({', '.join(found)})")


def _check_attributes(ours: Any, *, access_log: bool) -> None:
    """Raises AttributeError and TypeError. To be called on a loop."""
    config = uvicorn.Config(
        _nothing, ws="none", lifespan="off", log_config=None, access_log=access_log
    )
    base: Any = ours.__base__
    protocol = base(
        config=config,
        server_state=uvicorn.Server(config).server_state,
        app_state={},
        _loop=asyncio.get_running_loop(),
    )
    protocol.connection_made(asyncio.Transport())
    protocol.flow.resume_reading = protocol.flow.resume_reading  # ours puts its own there
    protocol.on_message_begin()
    protocol.cycle = ours.make_cycle(protocol, {"method": "GET"}, keep_alive=True)
    for part, names in ATTRIBUTES.items():
        owner = getattr(protocol, part) if part else protocol
        for name in names:
            if not hasattr(owner, name):
                raise AttributeError(f"{type(owner).__name__} has no {name}")


async def _nothing(scope: Any, receive: Any, send: Any) -> None: ...
