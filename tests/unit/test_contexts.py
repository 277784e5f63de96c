"""The contexts of events, copied from a template, or made in the public way where Flask's private names are missing."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context, copy_context
from operator import is_
from threading import Barrier
from types import SimpleNamespace
from typing import Any

import pytest
from flask import (
    Flask,
    Request,
    after_this_request,
    appcontext_popped,
    appcontext_pushed,
    copy_current_request_context,
    g,
    request_tearing_down,
    session,
    url_for,
)
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from werkzeug.routing import Map, MapAdapter
from werkzeug.test import create_environ
from werkzeug.wrappers import Request as WerkzeugRequest

from flask_socketio import SocketIO, emit, request
from flask_socketio.app.options import Options
from flask_socketio.handling import context, flask_contexts
from flask_socketio.handling.context import EventContexts
from flask_socketio.hub.call import CallKind


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


def test_emit_is_for_whom_the_request_says(app: Flask) -> None:
    """Whether a handler has looked at its request, has changed it, or has entered another one."""
    socketio = SocketIO(app)

    @socketio.on("tell")
    def tell(how: str) -> None:
        if how == "changed":
            request.namespace = "/other"
        if how == "another":
            with app.test_request_context("/page"):
                emit("told", how, to=sid_of[0], namespace="/")
            return
        if how == "copied":
            copy_current_request_context(lambda: emit("told", how))()
            return
        emit("told", how)

    sid_of: list[str] = []
    socketio.on("connect")(lambda: sid_of.append(request.sid))
    socketio.on("connect", namespace="/other")(lambda: None)
    client = socketio.test_client(app)
    for how in ("plainly", "another", "copied"):
        client.emit("tell", how)
        (told,) = client.get_received()
        assert (told["name"], told["args"], told["namespace"]) == ("told", [how], "/")
    client.connect("/other")
    client.emit("tell", "changed")
    assert client.get_received() == []  # its id is not one of that namespace


def test_what_is_made_later_is_made_once(app: Flask) -> None:
    """Also where threads that a handler has started ask at the same time."""
    socketio = SocketIO(app)

    @socketio.on("look")
    def look() -> bool:
        proxied: Any = (request, g)
        barrier = Barrier(2)

        def ask(context: Context) -> list[object]:
            barrier.wait()
            return [context.run(proxy._get_current_object) for proxy in proxied]

        with ThreadPoolExecutor(2) as threads:
            one, two = threads.map(ask, [copy_context(), copy_context()])
        return all(map(is_, one, two))

    client = socketio.test_client(app)
    assert client.emit("look", callback=True) is True


def test_a_function_for_after_the_request_is_none_for_events(app: Flask) -> None:
    """There is no response: it is taken, and not called."""
    socketio = SocketIO(app)
    called: list[object] = []

    @socketio.on("look")
    def look() -> bool:
        after_this_request(called.append)  # pyright: ignore[reportArgumentType]
        return True

    assert socketio.test_client(app).emit("look", callback=True) is True
    assert called == []


def test_what_is_kept_of_an_address_is_nobodys_secret(app: Flask) -> None:
    """Neither a redirect, in which is what the first client has asked for, nor a dict that handlers can change."""
    app.add_url_rule("/<path:page>", "page", lambda page: page)
    app.add_url_rule("/moved/", "moved", lambda: "")
    socketio = SocketIO(app)
    plain = SocketIO(app, path="moved")

    @socketio.on("look")
    def look() -> str:
        assert request.view_args is not None
        found = request.view_args["page"]
        request.view_args["page"] = "changed"
        return found

    @plain.on("look")
    def look_again() -> str:
        return getattr(request.routing_exception, "new_url", request.query_string.decode())

    for _ in range(2):
        assert socketio.test_client(app).emit("look", callback=True) == "socket.io/"
    for token in ("one", "two"):
        client = plain.test_client(app, query_string=f"?token={token}")
        assert token in client.emit("look", callback=True)


def test_an_application_that_maps_addresses_in_its_own_way_is_asked_every_time(app: Flask) -> None:
    class Tenants(Map):
        def bind_to_environ(self, environ: Any, *args: Any, **kwargs: Any) -> MapAdapter:
            adapter = super().bind_to_environ(environ, *args, **kwargs)
            adapter.server_name = f"{environ['HTTP_X_TENANT']}.example"
            return adapter

    class App(Flask):
        url_map_class = Tenants

    tenants = App(__name__)
    tenants.add_url_rule("/page", "page", lambda: "")
    socketio = SocketIO(tenants)
    socketio.on("look")(lambda: url_for("page", _external=True))
    for tenant in ("one", "two"):
        client = socketio.test_client(tenants, headers={"X-Tenant": tenant})
        assert client.emit("look", callback=True) == f"http://{tenant}.example/page"


@pytest.fixture
def opened(app: Flask, monkeypatch: pytest.MonkeyPatch) -> list[Flask]:
    """The applications for which Flask's own interface begins to open a session."""
    opened: list[Flask] = []
    its_own = SecureCookieSessionInterface.get_signing_serializer

    def get_signing_serializer(self: Any, app: Flask) -> Any:
        opened.append(app)
        return its_own(self, app)

    monkeypatch.setattr(
        SecureCookieSessionInterface, "get_signing_serializer", get_signing_serializer
    )
    app.session_interface = SecureCookieSessionInterface()
    return opened


def test_a_session_is_opened_only_where_there_may_be_one(app: Flask, opened: list[Flask]) -> None:
    socketio = SocketIO(app)
    users: list[str | None] = []
    socketio.on("connect")(lambda: users.append(session.get("user")))
    browser = app.test_client()
    with browser.session_transaction() as its:
        its["user"] = "ann"
    opened.clear()
    socketio.test_client(app)
    socketio.test_client(app, headers={"Cookie": "other=1"})
    assert opened == []
    socketio.test_client(app, flask_test_client=browser)
    assert opened == [app]
    assert users == [None, None, "ann"]


def subclassed(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    app.session_interface = type("Interface", (SecureCookieSessionInterface,), {})()


def replaced(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    its_own = SecureCookieSessionInterface.open_session
    monkeypatch.setattr(SecureCookieSessionInterface, "open_session", lambda *args: its_own(*args))


def with_a_name_of_its_own(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    app.session_interface.get_cookie_name = lambda app: "other"  # type: ignore[method-assign]


def with_other_requests(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    app.request_class = type("Mobile", (Request,), {"cookies": {"session": "from a header"}})


def with_other_sessions(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = type("Session", (SecureCookieSession,), {})
    app.session_interface.session_class = kind  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "change",
    [subclassed, replaced, with_a_name_of_its_own, with_other_requests, with_other_sessions],
    ids=lambda change: change.__name__,
)
def test_a_session_that_is_not_found_in_flasks_own_way_is_opened(
    app: Flask,
    opened: list[Flask],
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Flask, pytest.MonkeyPatch], None],
) -> None:
    change(app, monkeypatch)
    socketio = SocketIO(app)
    socketio.on("connect")(lambda: None)
    socketio.test_client(app)
    assert opened == [app]


@pytest.mark.skipif(
    not context.__file__.endswith(".py"), reason="compiled, it takes no call but the hub's"
)
def test_who_may_wait_before_the_handler_does_not_hold_up_others(app: Flask) -> None:
    """Others that wait behind a thread are given to another one as soon as the application's code has it."""
    contexts = EventContexts(app, Options(manage_session=True))
    client = SimpleNamespace(contexts=None, connection=SimpleNamespace(environ=create_environ()))
    seen: list[bool] = []

    def enter() -> bool:
        socket = SimpleNamespace(sid="s", namespace="/")
        call: Any = SimpleNamespace(
            owner=client, entered=False, socket=socket, kind=CallKind.EVENT, event="x", args=()
        )
        with appcontext_pushed.connected_to(lambda *_, **__: seen.append(call.entered), app):
            contexts.leave(contexts.enter(call), None)
        call.entered = False
        contexts.leave(contexts.enter(call), None)
        return call.entered

    first, later = copy_context().run(enter), copy_context().run(enter)
    assert seen == [True, True]
    assert later is (not flask_contexts._are_known()), "nothing of the application's runs"
    assert first is later


def test_a_connections_request_is_made_when_somebody_asks_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[str] = []
    its_own = WerkzeugRequest.__init__

    def noted(self: Any, environ: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        made.append(environ["QUERY_STRING"])
        its_own(self, environ, *args, **kwargs)

    monkeypatch.setattr(WerkzeugRequest, "__init__", noted)
    app = Flask(__name__)
    app.session_interface = SecureCookieSessionInterface()
    socketio = SocketIO(app)
    socketio.on("connect")(lambda: None)
    socketio.on("which")(lambda: request.args["n"])
    first = socketio.test_client(app, query_string="?n=0")
    made.clear()
    others = [socketio.test_client(app, query_string=f"?n={number}") for number in (1, 2)]
    assert made == ["n=1", "n=2"]  # the handshake's own, which goes through the application
    made.clear()
    answers = [client.emit("which", callback=True) for client in (first, *others, *others)]
    assert answers == ["0", "1", "2", "1", "2"]
    assert made == ["n=1", "n=2"]
