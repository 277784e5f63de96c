"""One Flask application with two SocketIO below different paths; both serve the same events."""

from __future__ import annotations

import os
import sys
from typing import Any

from flask import Flask, current_app, request

from flask_socketio import (
    SocketIO,
    close_room,
    disconnect,
    emit,
    join_room,
    leave_room,
    rooms,
    send,
)

app = Flask(__name__)
app.config["SECRET_KEY"] = "secret!"
instances = {
    "first": SocketIO(app, cors_allowed_origins=["http://first.example"]),
    "second": SocketIO(app, path="other", cors_allowed_origins=["http://second.example"]),
}
if os.environ.get("GUARDED"):
    inner = app.wsgi_app

    def guard(environ: dict[str, Any], start_response: Any) -> Any:
        environ["guarded"] = "yes"
        return inner(environ, start_response)

    app.wsgi_app = guard  # type: ignore[method-assign]


def register(name: str, socketio: SocketIO) -> None:
    @socketio.on("who")
    def who() -> list[Any]:
        return [name, request.path, request.environ.get("guarded")]

    @socketio.on("functions")
    def functions() -> list[Any]:
        join_room("everybody")
        emit("said", name)
        emit("said", f"{name} to a room", to="everybody")
        send(name, broadcast=True)
        leave_room("everybody")
        join_room("closed")
        close_room("closed")
        join_room("kept")
        return [room for room in rooms() if room != request.sid]  # type: ignore[attr-defined]

    @socketio.on("callback")
    def with_callback() -> None:
        def answered(value: Any) -> None:
            emit("answered", [name, value])

        emit("question", callback=answered)

    @socketio.on("task")
    def task() -> None:
        socketio.start_background_task(socketio.emit, "from a task", name)

    @socketio.on("leave")
    def leave() -> None:
        disconnect()

    @socketio.on("elsewhere")
    def elsewhere() -> None:
        with current_app.app_context():  # the same application, entered again
            emit("said", name)


for name, socketio in instances.items():
    register(name, socketio)


@app.get("/")
def page() -> str:
    return "a page"


@app.get("/emit/<which>")
def emit_from_a_view(which: str) -> str:
    instances[which].emit("from a view", which)
    return which


def serve(how: str, port: int) -> None:
    if how in instances:
        instances[how].run(app, port=port, allow_unsafe_werkzeug=True)
    elif how == "werkzeug":
        app.run(port=port, threaded=True)
    elif how == "hypercorn both":
        serve_asgi(Router(), port)
    elif how.startswith("hypercorn"):
        serve_asgi(instances[how.removeprefix("hypercorn ")].asgi_app(app), port)


class Router:
    """Both as ASGI applications of their own, of which the one is told when the server starts and ends."""

    def __init__(self) -> None:
        self.first, self.second = (socketio.asgi_app(app) for socketio in instances.values())

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        below = scope["type"] != "lifespan" and scope["path"].startswith("/other/")
        await (self.second if below else self.first)(scope, receive, send)


def serve_asgi(asgi_app: Any, port: int) -> None:
    import asyncio
    import signal

    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    async def main() -> None:
        ended = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
        config = Config()
        config.bind = [f"127.0.0.1:{port}"]
        config.graceful_timeout = 1
        await serve(asgi_app, config, shutdown_trigger=ended.wait)  # type: ignore[arg-type]

    asyncio.run(main())


if __name__ == "__main__":
    serve(sys.argv[1], int(os.environ["PORT"]))
