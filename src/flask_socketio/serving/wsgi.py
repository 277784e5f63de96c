"""Socket.IO under a WSGI server: `flask run`, gunicorn, whatever calls the Flask application.

The loop runs on a thread of its own. A polling request holds the server's thread until its answer is there. A
WebSocket is taken away from the server, where that one lets go of its socket, and served on the loop as anywhere else.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
from collections.abc import Callable, Iterable
from functools import partial
from http import HTTPStatus
from io import BytesIO
from typing import Any

from flask import Flask

from ..app.legacy import about_green_threads
from ..base.changed import say_once
from ..base.green import Hub, attach
from ..base.loop_thread import run_loop
from ..base.promise import Promise
from ..base.real import new_lock
from ..engine.answers import refusal_answer
from ..engine.handshake import Handshake
from ..engine.request import EngineRequest
from ..protocol.errors import BAD_REQUEST, HandshakeRefused
from ..runtime.life import Life
from ..runtime.live import Live
from .asgi import DuplexApp, say_what_has_no_bound
from .asgi_call import Asgi
from .below import answer_below
from .wsgi_polls import HeldPoll, HeldPolls, may_hold
from .wsgi_sockets import find_connection, read_ahead

logger = logging.getLogger("flask_socketio.server")

Environ = dict[str, Any]
StartResponse = Callable[..., Any]

#: Seconds that clients and handlers have when the process ends.
_GRACE = 4.0


class WsgiFace:
    """The WSGI application for the requests below the path."""

    def __init__(self, life: Life, app: Flask, asgi: Callable[[], Asgi]) -> None:
        self.life = life
        #: makes the application an ASGI one
        self.asgi = asgi
        self._app = app
        self._lock = new_lock()
        self._beside: _Beside | None = None
        self._hints: set[str] = set()
        self._polls: HeldPolls | None = None

    @property
    def path(self) -> str:
        """Which requests are for it; it does not look itself."""
        return self.life.options.engine.path

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        live = self._running()
        request = _request(environ)
        if request.is_websocket:
            return self._adopt(live, request, environ, start_response)
        if request.query.sid is None and live.engine.config.upgrades:
            self._look_for_connection(environ)
        exchange = _Exchange(_read_body(environ, live.engine.config.limits.max_payload))
        poll = may_hold(environ, exchange.hang_up)
        if poll is not None and poll.is_alone:
            self._hint(_ONE_THREAD)
        live.inbox.run(self._answer(live, request, exchange, poll))
        status, headers = exchange.head
        start_response(f"{status} {HTTPStatus(status).phrase}", headers)
        return [exchange.body]

    async def _answer(
        self, live: Live, request: EngineRequest, exchange: _Exchange, poll: HeldPoll | None
    ) -> None:
        if self._polls is None or self._polls.loop is not live.loop:
            self._polls = HeldPolls(live.loop)
        polls = self._polls
        if poll is not None:
            request.on_wait = partial(polls.hold, poll)
        try:
            await answer_below(live, self.life.options, request, exchange.receive, exchange.send)
        finally:
            if poll is not None:
                polls.let_go(poll)

    def _running(self) -> Live:
        """What serves in this process. Where nothing does yet, a thread is started: so it is made after any fork.

        Raises what has kept the thread from starting.
        """
        beside = self._beside
        if beside is not None and not beside.is_over:
            return beside.live()
        hub = attach()
        with self._lock:  # for a moment: a green thread must not wait while it holds a real lock
            beside, begins = self._beside, False
            if beside is None or beside.is_over:
                live = self.life.live
                if live is not None and live.pid == os.getpid():
                    return live
                app = DuplexApp(self.life, self._app, alone=True)
                beside, begins = _Beside(app, hub), True
                self._beside = beside
        if begins and hub is not None:
            logger.warning("%s", about_green_threads(hub.library))
        return beside.live()

    def _adopt(
        self,
        live: Live,
        request: EngineRequest,
        environ: Environ,
        start_response: StartResponse,
    ) -> Iterable[bytes]:
        """Take the connection away from the WSGI server and have the loop answer the handshake."""
        if live.lane.fault is not None:
            return _refuse(start_response, live.lane.fault)
        connection = find_connection(environ)
        if connection is None:
            self._hint(_NO_SOCKET)
            return _refuse(start_response, "the WSGI server keeps its sockets for itself")
        # Who has called us may have another path in mind than the engine, which looks at it once more.
        request.scope["path"] = request.scope["root_path"] + live.engine.config.path
        own, answer = connection.take(live.loop)
        early = read_ahead(environ["wsgi.input"])
        accepted = connection.accepted
        live.inbox.start(Handshake.adopt(live.lane, own, request, early, accepted=accepted))
        start_response("101 Switching Protocols", [])  # for the server's log: nobody reads it
        return answer

    def _look_for_connection(self, environ: Environ) -> None:
        """There are servers that refuse WebSockets themselves: it would never be said why."""
        if _NO_SOCKET not in self._hints and find_connection(environ) is None:
            self._hint(_NO_SOCKET)

    def _hint(self, text: str) -> None:
        """Say it once, not at every request."""
        if text not in self._hints:
            self._hints.add(text)
            logger.warning("%s", text)


_ONE_THREAD = (
    "this WSGI server has one thread, which every request holds up: clients that poll are slow, and slow down all "
    "others. Give it threads (gunicorn --threads 100 module:app), or use socketio.run(app)"
)
_NO_SOCKET = (
    "this WSGI server keeps its sockets for itself, or encrypts them in a way of its own, so WebSocket is refused and "
    "clients stay with polling. For WebSocket: gunicorn --threads 100 module:app, or socketio.run(app), or an ASGI "
    "server (uvicorn module:app); uWSGI needs --http-websockets"
)
_NO_PARSER = "WebSocket is refused and clients stay with polling"


class _Beside:
    """A loop that serves what the WSGI server's threads bring."""

    def __init__(self, app: DuplexApp, hub: Hub | None) -> None:
        self._pid = os.getpid()
        self._app = app
        self._ready = Promise[Live]()
        self._end: asyncio.Event
        self._hub = hub
        self._ended = run_loop(self._serve, self._ready)

    @property
    def is_over(self) -> bool:
        """Whether it has ended, or failed to start, or is another process's: that one was forked."""
        return self._ended.done or self._pid != os.getpid()

    def live(self) -> Live:
        """What serves, as soon as it does; raises what has kept it from starting."""
        return self._ready.result()

    async def _serve(self) -> None:
        self._end = asyncio.Event()
        await self._app.start()
        say_what_has_no_bound(self._app.lane.engine.config.http)
        if self._app.lane.fault is not None:
            say_once("picows", self._app.lane.fault, _NO_PARSER)
        atexit.register(self._stop)
        self._ready.keep(self._app.live)
        await self._end.wait()
        await self._app.stop()

    def _stop(self) -> None:
        if self._pid == os.getpid():
            self._app.live.inbox.post(self._end.set)
            self._ended.wait(_GRACE)
            if self._hub is not None:
                self._hub.run_posted()


# -- requests --------------------------------------------------------------------------------------


def _request(environ: Environ) -> EngineRequest:
    """An environ as the engine's request; what it keeps of it holds on to nothing of the server's."""
    upgrade = environ.get("HTTP_UPGRADE", "").lower() == "websocket"
    script_name, path = environ.get("SCRIPT_NAME", ""), environ.get("PATH_INFO", "")
    names = {key: key[5:] for key in environ if key.startswith("HTTP_")}
    names |= {key: key for key in ("CONTENT_TYPE", "CONTENT_LENGTH") if environ.get(key)}
    request = EngineRequest(
        {
            "type": "websocket" if upgrade else "http",
            "method": environ["REQUEST_METHOD"],
            "path": script_name + path,
            "root_path": script_name,
            "query_string": environ.get("QUERY_STRING", "").encode("latin-1"),
            "headers": [
                (name.lower().replace("_", "-").encode(), environ[key].encode("latin-1"))
                for key, name in names.items()
            ],
        }
    )
    kept = {key: value for key, value in environ.items() if not key.startswith(_SERVERS_OWN)}
    request.environ = {**kept, "wsgi.input": BytesIO()}
    return request


_SERVERS_OWN = (
    "eventlet.",
    "flask_duplex.",
    "gunicorn.",
    "werkzeug.",
    "wsgi.early_hints",
    "wsgi.file_wrapper",
    "wsgi.input",
    "wsgi.websocket",
)


def _read_body(environ: Environ, limit: int) -> bytes:
    """The request's body, or so much of it that it is seen to be too large."""
    length = environ.get("CONTENT_LENGTH") or "0"
    if environ.get("wsgi.input_terminated"):
        return environ["wsgi.input"].read(limit + 1)
    return environ["wsgi.input"].read(min(int(length), limit + 1)) if length.isdigit() else b""


class _Exchange:
    """ASGI's receive and send for one request whose body is there already."""

    def __init__(self, body: bytes) -> None:
        self._body: bytes | None = body
        self._gone = asyncio.Event()
        #: if nobody has hung up, it is replaced
        self.head: tuple[int, list[tuple[str, str]]] = (HTTPStatus.BAD_REQUEST, [])
        self.body = b""

    def hang_up(self) -> None:
        """The client has; on the loop."""
        self._gone.set()

    async def receive(self) -> dict[str, Any]:
        if self._body is None:
            await self._gone.wait()
            return {"type": "http.disconnect"}
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            headers = [
                (name.decode("latin-1").title(), value.decode("latin-1"))
                for name, value in message["headers"]
                if name != b"connection"
            ]
            self.head = (message["status"], headers)
        else:
            self.body += message["body"]


# -- WebSockets ------------------------------------------------------------------------------------


def _refuse(start_response: StartResponse, why: str) -> Iterable[bytes]:
    refusal = HandshakeRefused(BAD_REQUEST, f"no WebSocket ({why}): clients stay with polling")
    (status, content_type, body), _ = refusal_answer(refusal)
    headers = [("Content-Type", content_type.decode()), ("Content-Length", str(len(body)))]
    start_response(f"{int(status)} {HTTPStatus(status).phrase}", headers)
    return [body]
