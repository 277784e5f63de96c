"""The test client (section 15 of the API)."""

from __future__ import annotations

import gc
import tracemalloc
from typing import Any

import pytest
from flask import Flask, g, request, session
from flask.testing import FlaskClient
from werkzeug.datastructures import Headers

from flask_socketio import SocketIO, SocketIOTestClient, call, disconnect, emit

ANSWERED = pytest.mark.ours("call(), and emit() with a callback, to a test client")
FORGOTTEN = pytest.mark.ours("test clients that have left every namespace")


class ApiClient(FlaskClient):
    """As Flask's documentation shows it."""

    def open(self, *args: Any, **kwargs: Any) -> Any:
        headers = kwargs.pop("headers", Headers())
        headers.extend({"X-Api-Key": "key"})
        return super().open(*args, headers=headers, **kwargs)


class JsonClient(FlaskClient):
    def open(self, *args: Any, **kwargs: Any) -> Any:
        kwargs["headers"] = {"Accept": "application/json", **kwargs.get("headers", {})}
        return super().open(*args, **kwargs)


@pytest.mark.parametrize("kind", [FlaskClient, ApiClient, JsonClient])
@pytest.mark.parametrize("headers", [None, {"X-Own": "1"}, [("X-Own", "1")]], ids=str)
def test_flask_clients_of_ones_own(
    app: Flask, socketio: SocketIO, kind: type[FlaskClient], headers: Any
) -> None:
    @app.get("/login")
    def login() -> str:
        session["user"] = "Ada"
        return "in"

    for namespace in ("/", "/n"):
        look = lambda: [session.get("user"), request.headers.get("X-Own")]  # noqa: E731
        socketio.on_event("look", look, namespace)
    app.test_client_class = kind
    browser = app.test_client()
    browser.get("/login")
    client = socketio.test_client(app, headers=headers, flask_test_client=browser)
    assert client.emit("look", callback=True) == ["Ada", headers and "1"]
    client.connect("/n", headers=headers)
    assert client.emit("look", namespace="/n", callback=True) == ["Ada", headers and "1"]


def test_making_one_runs_no_function_of_flasks(app: Flask, socketio: SocketIO) -> None:
    seen: list[str] = []
    app.before_request(lambda: seen.append("before"))
    app.teardown_request(lambda error: seen.append("teardown request"))
    app.teardown_appcontext(lambda error: seen.append("teardown app"))
    app.after_request(lambda response: seen.append("after") or response)  # type: ignore[func-returns-value]
    client = socketio.test_client(app)
    client.connect("/n")
    client.disconnect()
    assert seen == []
    socketio.on_event("event", lambda: None)
    socketio.test_client(app).emit("event")
    assert seen == ["teardown request", "teardown app"]


def test_the_contexts_of_the_last_page_are_kept(app: Flask, socketio: SocketIO) -> None:
    """In a `with` block a test looks at what its last page has left behind."""
    torn_down: list[str] = []
    app.teardown_request(lambda error: torn_down.append(request.path))

    @app.get("/page")
    def page() -> str:
        g.left = "behind"
        session["user"] = "Ada"
        return "a page"

    with app.test_client() as browser:
        browser.get("/page")
        before = torn_down[:]
        client = socketio.test_client(app, flask_test_client=browser)
        assert client.is_connected()
        assert (g.left, session["user"], request.path) == ("behind", "Ada", "/page")
        assert torn_down == before
    assert torn_down == [*before, "/page"]


# -- answers ---------------------------------------------------------------------------------------


@ANSWERED
@pytest.mark.parametrize(
    ("answer", "result"),
    [(None, None), ("one", "one"), ((1, b"2"), (1, b"2")), ([1, 2], [1, 2]), ((), None), (0, 0)],
)
def test_what_is_called_answers(app: Flask, socketio: SocketIO, answer: Any, result: Any) -> None:
    results: list[Any] = []
    asked: list[Any] = []

    def question(*args: Any) -> Any:
        asked.append(args)
        return answer

    client = socketio.test_client(app)
    assert client.on("question", question) is question
    socketio.on_event("ask", lambda: results.append(call("question", (1, {"b": b"2"}))))
    client.emit("ask")
    assert results == [result]
    assert asked == [(1, {"b": b"2"})]
    assert [event["name"] for event in client.get_received()] == ["question"]


@ANSWERED
def test_callbacks_are_called(app: Flask, socketio: SocketIO) -> None:
    seen: list[Any] = []

    @socketio.on("asked back", namespace="/n")
    def asked_back() -> None:
        seen.append("asked back")

    @socketio.on("ask", namespace="/n")
    def ask() -> None:
        emit("question", callback=lambda value: seen.append([value, request.namespace]))  # type: ignore[attr-defined]

    client = socketio.test_client(app, "/n")

    @client.on("question", namespace="/n")
    def question() -> str:
        client.emit("asked back", namespace="/n")
        return "answer"

    client.emit("ask", namespace="/n")
    socketio.emit("question", namespace="/n", callback=seen.append)
    assert seen == ["asked back", ["answer", "/n"], "asked back", "answer"]


@ANSWERED
def test_of_several_each_answers_for_itself(app: Flask, socketio: SocketIO) -> None:
    answers: list[int] = []
    for number in range(3):
        client = socketio.test_client(app)
        client.on("question", lambda number=number: number)
    socketio.test_client(app)  # has no answer
    socketio.emit("question", callback=answers.append)
    assert sorted(answers) == [0, 1, 2]


@ANSWERED
def test_who_does_not_answer_is_waited_for(app: Flask, socketio: SocketIO) -> None:
    client = socketio.test_client(app)
    client.on("other", lambda: 1)
    client.on("question", lambda: 1, namespace="/other")
    socketio.on_event("ask", lambda: call("question", timeout=0.01))
    with pytest.raises(TimeoutError, match="no ack for event 'question'"):
        client.emit("ask")


@ANSWERED
def test_what_an_answer_raises_comes_out(app: Flask, socketio: SocketIO) -> None:
    client = socketio.test_client(app)

    @client.on("question")
    def question() -> None:
        raise LookupError("in the test")

    socketio.on_event("ask", lambda: call("question"))
    with pytest.raises(LookupError, match="in the test"):
        client.emit("ask")
    client.on("question", lambda: "better")
    results: list[Any] = []
    socketio.on_event("ask", lambda: results.append(call("question")))
    client.emit("ask")
    assert results == ["better"]


# -- clients that have gone ------------------------------------------------------------------------


def leave_by_itself(client: SocketIOTestClient) -> None:
    client.disconnect()


def leave_by_the_server(client: SocketIOTestClient) -> None:
    client.emit("leave")


@FORGOTTEN
@pytest.mark.parametrize("leave", [leave_by_itself, leave_by_the_server])
def test_clients_that_have_gone_are_forgotten(app: Flask, socketio: SocketIO, leave: Any) -> None:
    socketio.on_event("leave", lambda: disconnect())
    socketio.on_event("say", lambda: len(socketio.server.environ))
    staying = socketio.test_client(app)

    def come_and_go() -> None:
        client = socketio.test_client(app, headers={"X": "x" * 1000})
        assert client.eio_sid in SocketIOTestClient.clients
        assert client.eio_sid in socketio.server.environ
        leave(client)

    def memory() -> int:
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    for _ in range(100):
        come_and_go()
    tracemalloc.start()
    try:
        before = memory()
        for _ in range(300):
            come_and_go()
        assert memory() - before < 100_000  # one of them is more than 3 KB
    finally:
        tracemalloc.stop()
    assert list(socketio.server.environ) == [staying.eio_sid]
    assert list(socketio.server.eio.sockets) == [staying.eio_sid]
    assert staying.emit("say", callback=True) == 1
    assert staying.eio_sid in SocketIOTestClient.clients


@FORGOTTEN
def test_one_that_has_gone_may_come_again(app: Flask, socketio: SocketIO) -> None:
    @socketio.on("count")
    def count() -> int:
        session["count"] = session.get("count", 0) + 1
        return session["count"]  # type: ignore[no-any-return]

    client = socketio.test_client(app)
    assert [client.emit("count", callback=True) for _ in range(2)] == [1, 2]
    client.disconnect()
    assert client.eio_sid not in SocketIOTestClient.clients
    client.connect()
    assert client.eio_sid in SocketIOTestClient.clients
    assert client.emit("count", callback=True) == 1


@FORGOTTEN
def test_clients_nobody_holds_go_with_their_application() -> None:
    def test_that_forgets_to_disconnect() -> None:
        app = Flask("app")
        app.config["SECRET_KEY"] = "secret!"
        client = SocketIO(app).test_client(app)
        assert client.is_connected()

    gc.collect()
    before = len(SocketIOTestClient.clients)
    for _ in range(3):
        test_that_forgets_to_disconnect()
    gc.collect()
    assert len(SocketIOTestClient.clients) == before


def test_the_environ_is_there_while_disconnect_is_handled(app: Flask, socketio: SocketIO) -> None:
    seen: list[bool] = []
    client = socketio.test_client(app)
    for namespace in ("/", "/n"):

        @socketio.on("disconnect", namespace=namespace)
        def disconnected(reason: str) -> None:
            seen.append(client.eio_sid in socketio.server.environ)

    client.connect("/n")
    client.disconnect("/n")
    client.disconnect()
    assert seen == [True, True]
