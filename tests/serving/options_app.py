"""An app whose options and middlewares come from the environment."""

import json
import os
import threading
import time
from collections.abc import Callable
from typing import Any

from flask import Flask, request
from werkzeug.middleware.proxy_fix import ProxyFix

from flask_socketio import SocketIO, emit

app = Flask(__name__)
TRUST = {"x_for": 1, "x_proto": 1, "x_host": 1, "x_prefix": 1}
released = threading.Event()


def guard(wsgi_app: Any) -> Any:
    """Refuses without a key, adds a header, waits when asked to."""

    def guarded(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        if "wait" in environ["QUERY_STRING"]:
            released.wait(20)
        if "fail" in environ["QUERY_STRING"]:
            raise ZeroDivisionError("an error of the middleware")
        if "nokey" in environ["QUERY_STRING"]:
            start_response(
                "401 Unauthorized", [("WWW-Authenticate", "Key"), ("Content-Type", "text/x")]
            )
            return [b"no key"]

        def with_header(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            return start_response(status, [*headers, ("X-Guard", "passed")], *rest)

        environ["guard.user"] = "somebody"
        return wsgi_app(environ, with_header)

    return guarded


names = os.environ.get("MIDDLEWARES", "").split()
if "before" in names:
    app.wsgi_app = ProxyFix(app.wsgi_app, **TRUST)
if "guard" in names:
    app.wsgi_app = guard(app.wsgi_app)
options = json.loads(os.environ.get("SOCKETIO_OPTIONS", "{}"))
if options.get("cors_allowed_origins") == "CALLABLE":

    def allowed(origin: str, environ: dict[str, Any]) -> bool:
        if origin == "http://broken.example":
            raise ValueError("an error of the callable")
        return origin == "http://asked.example" and environ["PATH_INFO"] == "/socket.io/"

    options["cors_allowed_origins"] = allowed
socketio = SocketIO(app, **options)
if "after" in names:
    app.wsgi_app = ProxyFix(app.wsgi_app, **TRUST)


@app.get("/")
def index() -> str:
    return "index"


@app.get("/counters")
def counters() -> dict[str, object]:
    return socketio.server.counters()


@app.get("/release")
def release() -> str:
    released.set()
    return "released"


@socketio.on("environ")
def environ() -> dict[str, Any]:
    return {
        "address": request.remote_addr,
        "host": request.host,
        "scheme": request.scheme,
        "user": request.environ.get("guard.user"),
    }


@socketio.on("large")
def large(size: int) -> None:
    emit("large", "x" * size)


@socketio.on("sleep")
def sleep() -> None:
    time.sleep(1)


if __name__ == "__main__":
    port = int(os.environ.get("PORT", "0"))
    socketio.run(app, port=port, certfile=os.environ.get("CERTIFICATE"))
