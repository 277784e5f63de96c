"""The contexts of events, copied from a template, or made in the public way where Flask's private names are missing."""

from __future__ import annotations

import pytest
from flask import (
    Flask,
    Request,
    appcontext_popped,
    appcontext_pushed,
    g,
    request_tearing_down,
    session,
    url_for,
)
from werkzeug.routing import MapAdapter

from flask_socketio import SocketIO, request
from flask_socketio.handling import flask_contexts


@pytest.fixture(params=["copied", "made"])
def app(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Flask:
    if request.param == "made":
        monkeypatch.setattr(flask_contexts, "_are_known", lambda: False)
    app = Flask(__name__)
    app.config["SECRET_KEY"] = "secret!"
    return app


@pytest.mark.parametrize("manage_session", [True, False])
def test_what_a_handler_finds(app: Flask, manage_session: bool) -> None:
    socketio = SocketIO(app, manage_session=manage_session)

    @socketio.on("look")
    def look(data: str) -> tuple[object, ...]:
        before = "seen" in g
        g.seen = True
        count = session["count"] = session.get("count", 0) + 1
        return before, count, request.path, request.args["a"], request.namespace, request.event

    client = socketio.test_client(app, query_string="?a=1")
    answer = ["/socket.io/", "1", "/", {"message": "look", "args": ["x"]}]
    assert client.emit("look", "x", callback=True) == [False, 1, *answer]
    # A cookie cannot be sent back to the client, so without a copy of its own the session stays as it was.
    assert client.emit("look", "x", callback=True) == [False, 2 if manage_session else 1, *answer]


def test_teardown_functions_and_signals(app: Flask) -> None:
    socketio = SocketIO(app)
    seen: list[object] = []
    socketio.on("work")(lambda: seen.append("work"))
    client = socketio.test_client(app)
    app.teardown_request(lambda error: seen.append(("request", error)))
    app.teardown_appcontext(lambda error: seen.append(("app", error)))

    def note(name: str) -> object:
        return lambda sender, **kwargs: seen.append(name)

    with (
        appcontext_pushed.connected_to(note("pushed"), app),
        request_tearing_down.connected_to(note("tearing down"), app),
        appcontext_popped.connected_to(note("popped"), app),
    ):
        client.emit("work")
    expected = ["pushed", "work", ("request", None), "tearing down", ("app", None), "popped"]
    assert seen == expected


def test_an_application_context_that_is_active_stays(app: Flask) -> None:
    socketio = SocketIO(app)
    socketio.on("look")(lambda: g.get("mine"))
    with app.app_context():
        g.mine = "kept"
        client = socketio.test_client(app)
        assert client.emit("look", callback=True) == "kept"
        assert g.mine == "kept"


def test_a_session_that_cannot_be_opened_leaves_no_context_behind(app: Flask) -> None:
    socketio = SocketIO(app, manage_session=False)
    socketio.on("look")(lambda: "seen")
    client = socketio.test_client(app)
    opened = app.session_interface.open_session

    def fail(*args: object) -> None:
        raise ConnectionError("no session store")

    app.session_interface.open_session = fail  # type: ignore[method-assign]
    with pytest.raises(ConnectionError):
        client.emit("look")
    app.session_interface.open_session = opened  # type: ignore[method-assign]
    assert not request
    assert client.emit("look", callback=True) == "seen"


def test_every_connection_has_its_own_request_and_addresses(app: Flask) -> None:
    socketio = SocketIO(app, cors_allowed_origins="*")
    app.add_url_rule("/page", "page", lambda: "")

    @socketio.on("look")
    def look() -> tuple[object, ...]:
        address = url_for("page", _external=True)
        return request.args["n"], request.host, address, request.headers["X-Number"]

    # More than are remembered, and each of them twice.
    asked = [(str(n), f"host{n % 40}.example") for n in range(80)]
    clients = [
        socketio.test_client(app, query_string=f"n={n}", headers={"Host": host, "X-Number": n})
        for n, host in asked
    ]
    for client, (n, host) in zip(clients, asked, strict=True):
        assert client.emit("look", callback=True) == [n, host, f"http://{host}/page", n]


def test_an_application_that_finds_addresses_in_its_own_way_is_asked_every_time(app: Flask) -> None:
    class Tenants(Flask):
        def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
            if request is None:
                return super().create_url_adapter(request)
            return self.url_map.bind(f"{request.args['tenant']}.example")

    tenants = Tenants(__name__)
    tenants.config["SECRET_KEY"] = "secret!"
    tenants.add_url_rule("/page", "page", lambda: "")
    socketio = SocketIO(tenants)
    socketio.on("look")(lambda: url_for("page", _external=True))
    for tenant in ("a", "b"):
        client = socketio.test_client(tenants, query_string=f"tenant={tenant}")
        assert client.emit("look", callback=True) == f"http://{tenant}.example/page"
