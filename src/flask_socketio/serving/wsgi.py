"""Socket.IO under a WSGI server: `flask run`, gunicorn, whatever calls the Flask application.

The loop runs on a thread of its own. A polling request holds the server's thread until its answer is there. A
WebSocket is taken away from the server, where that one lets go of its socket, and served on the loop as anywhere else.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterable
from http import HTTPStatus
from io import BytesIO
from typing import TYPE_CHECKING, Any

from flask import Flask

from ..engine.handshake import Handshake
from ..engine.http import refusal_answer
from ..engine.request import EngineRequest
from ..protocol.errors import BAD_REQUEST, HandshakeRefused
from .asgi import DuplexApp

if TYPE_CHECKING:
    from ..extension import SocketIO

logger = logging.getLogger("flask_socketio.server")

Environ = dict[str, Any]
StartResponse = Callable[..., Any]

#: Seconds that clients and handlers have when the process ends.
_GRACE = 4.0


class WsgiFace:
    """The WSGI application for the requests below the path."""

    def __init__(self, socketio: SocketIO, app: Flask) -> None:
        self.socketio = socketio
        self._app = app
        self._lock = threading.Lock()

    @property
    def path(self) -> str:
        """Which requests are for it; it does not look itself."""
        return self.socketio.options.engine.path

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        app = self._running()
        request = _request(environ)
        if request.is_websocket:
            return _adopt(app, request, environ, start_response)
        exchange = _Exchange(_read_body(environ, app.engine.config.limits.max_payload))
        coroutine = app.below_path(request, exchange.receive, exchange.send)
        asyncio.run_coroutine_threadsafe(coroutine, app.engine.loop).result()
        status, headers = exchange.head
        start_response(f"{status} {HTTPStatus(status).phrase}", headers)
        return [exchange.body]

    def _running(self) -> DuplexApp:
        """What serves in this process. Where nothing does yet, a thread is started: so it is made after any fork."""
        with self._lock:
            app = self.socketio.served_by
            if app is None or app.pid != os.getpid():
                app = DuplexApp(self.socketio, self._app, alone=True)
                _LoopThread(app)
            return app


class _LoopThread:
    """A thread with a loop, which serves what the WSGI server's threads bring."""

    def __init__(self, app: DuplexApp) -> None:
        self._app = app
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="flask-duplex-loop", daemon=True)
        self._thread.start()
        self._ready.wait()
        atexit.register(self._stop)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=_new_loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self._ended = asyncio.Event()
        await self._app.start()
        self._ready.set()
        await self._ended.wait()
        await self._app.stop()

    def _stop(self) -> None:
        if self._app.pid == os.getpid():
            self._app.engine.loop.call_soon_threadsafe(self._ended.set)
            self._thread.join(_GRACE)


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


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
    "gunicorn.",
    "werkzeug.",
    "wsgi.input",
    "wsgi.file_wrapper",
    "flask_duplex.",
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
        self.head: tuple[int, list[tuple[str, str]]] = (500, [])
        self.body = b""

    async def receive(self) -> dict[str, Any]:
        if self._body is None:
            await (
                asyncio.get_running_loop().create_future()
            )  # nobody tells when the client hangs up
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


#: Where servers keep a request's socket in the environ.
_SOCKETS = ("gunicorn.socket", "werkzeug.socket")


def _adopt(
    app: DuplexApp, request: EngineRequest, environ: Environ, start_response: StartResponse
) -> Iterable[bytes]:
    """Take the connection away from the WSGI server and have the loop answer the handshake."""
    found = next((environ[name] for name in _SOCKETS if name in environ), None)
    if not isinstance(found, socket.socket) or isinstance(found, ssl.SSLSocket):
        return _refuse(start_response)
    # Who has called us may have another path in mind than the engine, which looks at it once more.
    request.scope["path"] = request.scope["root_path"] + app.engine.config.path
    own = _take_over(found)
    asyncio.run_coroutine_threadsafe(_answer_handshake(app, own, request), app.engine.loop)
    start_response("101 Switching Protocols", [])  # for the server's log: nobody reads it
    return []


def _take_over(sock: socket.socket) -> socket.socket:
    """A socket of our own with the connection of the server's, which has a dead end from now on.

    The server writes to its socket, shuts it down and closes it, as after any answer.
    """
    own = socket.socket(fileno=sock.detach())
    own.setblocking(False)
    dead_end, other_end = socket.socketpair()
    other_end.close()
    sock.__init__(dead_end.family, dead_end.type, dead_end.proto, dead_end.detach())
    return own


def _refuse(start_response: StartResponse) -> Iterable[bytes]:
    refusal = HandshakeRefused(
        BAD_REQUEST, "the WSGI server keeps its sockets for itself: clients stay with polling"
    )
    logger.warning("WebSocket refused: %s", refusal)
    (status, content_type, body), _ = refusal_answer(refusal)
    headers = [("Content-Type", content_type.decode()), ("Content-Length", str(len(body)))]
    start_response(f"{int(status)} {HTTPStatus(status).phrase}", headers)
    return [body]


async def _answer_handshake(app: DuplexApp, sock: socket.socket, request: EngineRequest) -> None:
    handshake = Handshake(app.lane, set())
    await app.engine.loop.connect_accepted_socket(lambda: handshake, sock)
    handshake.begin(request)
