"""The application below a prefix of another one, and another one inside it."""

from __future__ import annotations

import sys

import pytest

from tests.kit.engine import EngineWebSocket, RawPolling
from tests.kit.server import ServerProcess
from tests.kit.sio import SioClient

APP = """
import os, sys
from flask import Flask
from flask_socketio import SocketIO
from flask import request
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.serving import run_simple

app = Flask("app")
app.config["SECRET_KEY"] = "secret!"
socketio = SocketIO(app)
other = Flask("other")
for flask in app, other:
    flask.add_url_rule("/", "page", lambda name=flask.name: f"{name} at {request.script_root}")

@socketio.on("where")
def where():
    return request.script_root, request.path

port = int(os.environ["PORT"])
if sys.argv[1] == "inside":
    other.wsgi_app = DispatcherMiddleware(other.wsgi_app, {"/below": app})
    run_simple("127.0.0.1", port, other, threaded=True)
else:
    app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/below": other})
    socketio.run(app, port=port, allow_unsafe_werkzeug=True)
"""


@pytest.mark.parametrize("transport", [RawPolling, EngineWebSocket])
@pytest.mark.parametrize(
    ("how", "pages", "prefix"),
    [
        ("inside", ["other at ", "app at /below"], "/below"),
        ("outside", ["app at ", "other at /below"], ""),
    ],
)
def test_mounts(
    how: str, pages: list[str], prefix: str, transport: type[RawPolling] | type[EngineWebSocket]
) -> None:
    with ServerProcess([sys.executable, "-c", APP, how]) as server:
        assert [server.get(path).text for path in ("/", "/below/")] == pages
        client = SioClient(transport.open(server.address, f"{prefix}/socket.io/"))
        client.connect()
        assert client.call("where") == [prefix, "/socket.io/"]
        client.engine.leave()
