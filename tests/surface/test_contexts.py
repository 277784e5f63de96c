"""Which of Flask's contexts are entered for what: none for the requests below the path."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from flask import Flask, current_app, request, session
from werkzeug.test import Client

from flask_socketio import SocketIO
from tests.kit.engine import EngineWebSocket, RawPolling
from tests.kit.server import ServerProcess
from tests.kit.sio import SioClient

APP = """
import os, sys
from flask import Flask, g, request
from flask.sessions import SecureCookieSessionInterface
from flask_socketio import SocketIO

class Sessions(SecureCookieSessionInterface):
    def open_session(self, app, request):
        seen.append("session opened")
        return super().open_session(app, request)

seen = []
app = Flask(__name__, static_folder=None)
app.config["SECRET_KEY"] = "secret!"
app.session_interface = Sessions()
app.before_request(lambda: seen.append("before"))
app.teardown_request(lambda error: seen.append("request torn down"))
app.teardown_appcontext(lambda error: seen.append("app torn down"))
socketio = SocketIO(app)
inner = app.wsgi_app
app.wsgi_app = lambda environ, start_response: inner(environ, start_response)

@app.get("/seen")
def page():
    result, seen[:] = seen[:], []
    return result

@socketio.on("event")
def event(): return 1

port = int(os.environ["PORT"])
if sys.argv[1] == "run":
    socketio.run(app, port=port, allow_unsafe_werkzeug=True)
elif sys.argv[1] == "debug":
    from werkzeug.debug import DebuggedApplication
    from werkzeug.serving import run_simple
    run_simple("127.0.0.1", port, DebuggedApplication(app, evalex=True), threaded=True)
else:
    app.run(port=port, threaded=True)
"""
PAGE = ["session opened", "before"]
TORN_DOWN = ["request torn down", "app torn down"]


@pytest.mark.parametrize("how", ["run", "werkzeug", "debug"])
@pytest.mark.parametrize("transport", [RawPolling, EngineWebSocket])
def test_requests_below_the_path_are_none_of_flasks(how: str, transport: Any) -> None:
    with ServerProcess([sys.executable, "-c", APP, how]) as server:
        assert server.get_json("/seen") == PAGE
        client = SioClient(transport.open(server.address, "/socket.io/"))
        client.connect()
        assert server.get_json("/seen") == [*TORN_DOWN, *PAGE]
        client.call("event")
        assert server.get_json("/seen") == [*TORN_DOWN, "session opened", *TORN_DOWN, *PAGE]
        assert server.get("/socket.io/?EIO=4&transport=pigeon").status == 400
        client.engine.leave()
        assert server.get_json("/seen") == [*TORN_DOWN, *PAGE]


def test_a_context_may_be_made_of_a_handlers_environ(app: Flask, socketio: SocketIO) -> None:
    """As threads do that go on with what a handler has begun."""
    environs: list[dict[str, Any]] = []
    socketio.on_event("event", lambda: environs.append(request.environ))
    client = socketio.test_client(app, headers={"X-Own": "1"})
    client.emit("event")
    with app.request_context(environs[0]) as context:
        assert context.request.headers["X-Own"] == "1"
        assert request.path.startswith("/socket.io")
        assert current_app.name == app.name
        session["a"] = 1
    with app.test_request_context("/socket.io/?a=1"):
        assert request.args["a"] == "1"
    made = app.test_request_context("/socket.io/?a=2")
    assert made.request.args["a"] == "2"


def test_what_is_answered_may_ask_for_a_page(app: Flask, socketio: SocketIO) -> None:
    app.add_url_rule("/page", "page", lambda: "a page")

    def ask(environ: dict[str, Any], start_response: Any) -> Any:
        text = Client(app).get("/page").text
        assert Client(app).get("/socket.io/").status_code == 400
        start_response("200 OK", [("X-Page", text)])
        return [text.encode()]

    socketio.on_event("ask", lambda: app.test_client().get("/page").text)
    assert socketio.test_client(app).emit("ask", callback=True) == "a page"
    assert Client(ask).get("/").text == "a page"


class Overriding(Flask):
    """Enters its contexts in a way of its own."""

    def wsgi_app(self, environ: Any, start_response: Any) -> Any:
        with self.request_context(environ):
            try:
                response = self.full_dispatch_request()
            except Exception as error:  # noqa: BLE001
                response = self.handle_exception(error)
            return response(environ, start_response)


def test_an_application_that_overrides_wsgi_app() -> None:
    app = Overriding("overriding")
    app.config["SECRET_KEY"] = "secret!"
    app.add_url_rule("/page", "page", lambda: "a page")
    # The session at the end is not closed for its silence while other tests run.
    socketio = SocketIO(app, connect_timeout=3600)
    assert app.test_client().get("/page").text == "a page"
    socketio.on_event("event", lambda: request.path)
    assert str(socketio.test_client(app).emit("event", callback=True)).startswith("/socket.io")
    assert app.test_client().get("/socket.io/?EIO=4&transport=polling").status_code == 200
