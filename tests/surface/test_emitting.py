"""Emitting, rooms, acks and the test client (sections 6, 7 and 15 of the API)."""

from __future__ import annotations

import enum
import math
import warnings
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from flask import Flask, request
from markupsafe import Markup
from werkzeug.datastructures import MultiDict

from flask_socketio import (
    Namespace,
    SocketIO,
    SocketIOTestClient,
    call,
    close_room,
    disconnect,
    emit,
    join_room,
    leave_room,
    rooms,
    send,
)


@pytest.fixture
def three(app: Flask, socketio: SocketIO) -> list[SocketIOTestClient]:
    """Three clients, whose events `do` runs a function in, in the second one's place."""
    return [socketio.test_client(app) for _ in range(3)]


def run_in_event(socketio: SocketIO, client: SocketIOTestClient, function: Any) -> Any:
    socketio.on_event("run", function)
    return client.emit("run", callback=True)


def received(clients: list[SocketIOTestClient]) -> list[list[Any]]:
    return [[event["args"] for event in client.get_received()] for client in clients]


@pytest.mark.parametrize(
    ("value", "args"),
    [
        (None, []),
        ((), []),
        ((1, 2), [1, 2]),
        ((None,), [None]),
        ([1, 2], [[1, 2]]),
        ({"a": b"1"}, [{"a": b"1"}]),
        (b"12", [b"12"]),
        ("ü😀", ["ü😀"]),
        (False, [False]),
        (0, [0]),
    ],
)
def test_values_and_arguments(
    socketio: SocketIO, three: list[SocketIOTestClient], value: Any, args: list[Any]
) -> None:
    run_in_event(socketio, three[1], lambda: emit("x", value))
    socketio.emit("x", value)
    assert received(three) == [[args], [args, args], [args]]


class Number(enum.IntEnum):
    ONE = 1


class Word(str, enum.Enum):  # noqa: UP042 - this is how many are written
    A = "a word"


class Row(NamedTuple):
    x: int
    y: str


@pytest.mark.parametrize("company", [None, b"x", {1: 2}, "\ud800"])
@pytest.mark.parametrize(
    ("value", "received"),
    [
        (MultiDict([("a", "1"), ("a", "2")]), {"a": "1"}),
        (OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
        (Row(1, "two"), [1, "two"]),
        ((1, (2,)), [1, [2]]),
        (Number.ONE, 1),
        (Word.A, "a word"),
        (Markup("<b>"), "<b>"),
        ({2: "a", None: "b", True: "c"}, {"2": "a", "null": "b", "true": "c"}),
        ({Word.A: 1, Number.ONE: 2}, {"a word": 1, "1": 2}),
    ],
    ids=str,
)
def test_values_that_are_like_json(
    app: Flask, socketio: SocketIO, value: Any, received: Any, company: Any
) -> None:
    """As the standard library reads them, whatever else is emitted with them."""
    client = socketio.test_client(app)
    socketio.emit("x", ({"value": value}, company))
    assert client.get_received()[0]["args"][0] == {"value": received}


@pytest.mark.ours("NaN and Infinity")
@pytest.mark.parametrize("company", [None, b"x", 2**64, {1: 2}, "\ud800"])
def test_no_number_is_nothing(app: Flask, socketio: SocketIO, company: Any) -> None:
    client = socketio.test_client(app)
    socketio.emit("x", ([math.nan, {"a": -math.inf}], company))
    assert client.get_received()[0]["args"][0] == [None, {"a": None}]


class Plain(enum.Enum):
    PAIR = (1, "two")


@pytest.mark.ours("an Enum that is neither a str nor an int")
@pytest.mark.parametrize("company", [None, b"x", 2**64, {1: 2}, "\ud800"])
def test_an_enum_is_its_value(app: Flask, socketio: SocketIO, company: Any) -> None:
    client = socketio.test_client(app)
    socketio.emit("x", ([Plain.PAIR], company))
    assert client.get_received()[0]["args"][0] == [[1, "two"]]


def test_emit_without_data(socketio: SocketIO, three: list[SocketIOTestClient]) -> None:
    run_in_event(socketio, three[0], lambda: emit("x"))
    assert three[0].get_received() == [{"name": "x", "args": [], "namespace": "/"}]


def test_to_whom(socketio: SocketIO, three: list[SocketIOTestClient]) -> None:
    sids: list[str] = []
    for client in three:
        run_in_event(socketio, client, lambda: sids.append(request.sid))  # type: ignore[attr-defined]
        run_in_event(socketio, client, lambda: join_room("all"))
    run_in_event(socketio, three[0], lambda: join_room("a"))
    cases: list[tuple[dict[str, Any], list[int]]] = [
        ({}, [1]),
        ({"broadcast": True}, [0, 1, 2]),
        ({"broadcast": True, "include_self": False}, [0, 2]),
        ({"to": "a"}, [0]),
        ({"room": "a"}, [0]),
        ({"to": "a", "broadcast": True}, [0]),
        ({"to": sids[2]}, [2]),
        ({"to": ["a", sids[2], "all"]}, [0, 1, 2]),
        ({"to": ["a", sids[2]]}, [0, 2]),
        ({"to": "all", "skip_sid": sids[0]}, [1, 2]),
        ({"to": "all", "skip_sid": [sids[0], sids[2]]}, [1]),
        ({"to": "all", "include_self": False}, [0, 2]),
        ({"to": "nobody"}, []),
        ({"namespace": "/other", "broadcast": True}, []),
    ]
    for options, expected in cases:
        run_in_event(socketio, three[1], lambda options=options: emit("x", 1, **options))
        got = [index for index, events in enumerate(received(three)) if events]
        assert got == expected, options


def test_the_extensions_own_methods(socketio: SocketIO, three: list[SocketIOTestClient]) -> None:
    run_in_event(socketio, three[0], lambda: join_room("a"))
    socketio.emit("x", 1)
    socketio.emit("x", 2, to="a")
    socketio.send("text", to="a")
    socketio.send({"a": 1}, json=True, to="a")
    assert received(three) == [[[1], [2], "text", {"a": 1}], [[1]], [[1]]]
    socketio.close_room("a")
    socketio.emit("x", 3, to="a")
    assert received(three) == [[], [], []]


def test_send_in_a_handler(socketio: SocketIO, three: list[SocketIOTestClient]) -> None:
    run_in_event(socketio, three[0], lambda: send("text"))
    run_in_event(socketio, three[0], lambda: send([1], json=True, broadcast=True))
    assert three[0].get_received() == [
        {"name": "message", "args": "text", "namespace": "/"},
        {"name": "json", "args": [1], "namespace": "/"},
    ]
    assert received(three) == [[], [[1]], [[1]]]


def test_what_cannot_be_encoded_fails_in_the_caller(
    socketio: SocketIO, three: list[SocketIOTestClient]
) -> None:
    with pytest.raises(TypeError, match="not JSON serializable"):
        socketio.emit("x", object())
    with pytest.raises(TypeError, match="not JSON serializable"):
        run_in_event(socketio, three[0], lambda: emit("x", {"a": {1, 2}}))
    assert received(three) == [[], [], []]


@pytest.mark.parametrize(
    ("value", "ack"),
    [
        (None, []),
        ((), []),
        ((1, "a"), [1, "a"]),
        (1, 1),
        ([1, 2], [1, 2]),
        (False, False),
        ("", ""),
    ],
)
def test_what_a_handler_returns(
    socketio: SocketIO, three: list[SocketIOTestClient], value: Any, ack: Any
) -> None:
    assert run_in_event(socketio, three[0], lambda: value) == ack


# -- keyword arguments -----------------------------------------------------------------------------

ONE = [{"name": "x", "args": [1], "namespace": "/"}]


@pytest.mark.parametrize(
    "emit_it",
    [
        lambda socketio: socketio.emit(event="x", data=1),
        lambda socketio: socketio.emit("x", data=1, room=None),
        lambda socketio: socketio.emit("x", data=(1,), to=None, namespace="/"),
        lambda socketio: socketio.server.emit(event="x", data=1, room=None),
    ],
)
def test_everything_by_keyword(
    socketio: SocketIO, three: list[SocketIOTestClient], emit_it: Callable[[SocketIO], None]
) -> None:
    with warnings.catch_warnings(action="error"):
        emit_it(socketio)
    assert [client.get_received() for client in three] == [ONE] * 3


def test_data_by_keyword_is_nothing_where_it_is_none(
    socketio: SocketIO, three: list[SocketIOTestClient]
) -> None:
    socketio.emit("x", data=None)
    assert received(three) == [[[]]] * 3


@pytest.mark.ours("data= of a handler's emit() and call()")
def test_data_by_keyword_in_a_handler(socketio: SocketIO, three: list[SocketIOTestClient]) -> None:
    with warnings.catch_warnings(action="error"):
        run_in_event(socketio, three[0], lambda: emit(event="x", data=1))
        run_in_event(socketio, three[0], lambda: emit("x", data={"a": [1]}, broadcast=True))
        three[0].on("x", lambda *args: list(args))
        assert run_in_event(socketio, three[0], lambda: call("x", data=(1, 2))) == [1, 2]
    assert received(three) == [[[1], [{"a": [1]}], [1, 2]], [[{"a": [1]}]], [[{"a": [1]}]]]


def test_data_given_twice(socketio: SocketIO, three: list[SocketIOTestClient]) -> None:
    with pytest.raises(TypeError, match="data"):
        socketio.emit("x", 1, data=2)
    with pytest.raises(TypeError, match="data"):
        socketio.call("x", 1, data=2, to="somebody")
    assert received(three) == [[], [], []]


#: What Flask-SocketIO takes and does not look at.
SWALLOWED = [
    lambda **more: emit("x", 1, **more),
    lambda **more: emit("x", 1, to=request.sid, **more),  # type: ignore[attr-defined]
]


@pytest.mark.parametrize("use", SWALLOWED)
@pytest.mark.parametrize(
    "more", [{"json": True}, {"sid": "y"}, {"query": 1, "timeout": 2}], ids=str
)
def test_what_a_handlers_emit_does_not_know_is_ignored(
    socketio: SocketIO,
    three: list[SocketIOTestClient],
    use: Callable[..., None],
    more: dict[str, Any],
) -> None:
    with warnings.catch_warnings(action="ignore"):
        run_in_event(socketio, three[0], lambda: use(**more))
    assert [client.get_received() for client in three] == [ONE, [], []]


def test_what_a_handlers_send_does_not_know_is_ignored(
    socketio: SocketIO, three: list[SocketIOTestClient]
) -> None:
    with warnings.catch_warnings(action="ignore"):
        run_in_event(socketio, three[0], lambda: send("text", room=None, data="y", sid="z"))
        run_in_event(socketio, three[0], lambda: send(message="text", query=1))
    assert received(three) == [["text", "text"], [], []]


MEANINGLESS = "arguments of emit(), send(), call() that mean nothing (json=True, socketio.emit(broadcast=True))"


def said(socketio: SocketIO, function: Callable[[], Any]) -> list[str]:
    """What is said of a call, and of the same one again: the first lines of the warnings."""
    with warnings.catch_warnings(record=True, action="always") as caught:
        function()
        function()
    assert all(warning.filename == __file__ for warning in caught)
    return [str(warning.message) for warning in caught]


@pytest.mark.ours(MEANINGLESS)
def test_what_means_nothing_is_named_once_per_function(
    socketio: SocketIO, three: list[SocketIOTestClient]
) -> None:
    everybody = "broadcast= can be deleted: without to= it goes to everybody"
    for where in ("socketio.emit()", "socketio.server.emit()"):
        use: Any = socketio.server.emit if "server" in where else socketio.emit
        assert said(socketio, lambda use=use: use("x", 1, broadcast=True)) == [
            f"{where}: {everybody}"
        ]
        assert said(socketio, lambda use=use: use("x", 1, json=True, broadcast=True)) == [
            f"{where} has no option 'json'; it is ignored"
        ]
    sending: Any = socketio.send
    assert said(socketio, lambda: sending(1, broadcast=True)) == [f"socketio.send(): {everybody}"]
    for name, use in (("emit", emit), ("send", send)):
        function = lambda use=use: use("x", query=1, json=False, broadcast=False, junk=None)  # noqa: E731
        expected = [
            f"{name}() has no option '{option}'; it is ignored" for option in ("query", "junk")
        ]
        if name == "emit":
            expected.insert(1, "emit() has no option 'json'; it is ignored")
        assert said(socketio, lambda f=function: run_in_event(socketio, three[0], f)) == expected
    assert [len(events) for events in received(three)] == [14, 10, 10]


@pytest.mark.ours(MEANINGLESS)
def test_calls_and_class_based_namespaces_warn_as_well(app: Flask, socketio: SocketIO) -> None:
    class Room(Namespace):
        def on_all(self) -> None:
            self.emit("x", {"a": 1}, broadcast=True)

    socketio.on_namespace(Room("/room"))
    client = socketio.test_client(app, "/room")
    client.on("x", lambda *args: len(args), namespace="/room")
    assert len(said(socketio, lambda: client.emit("all", namespace="/room"))) == 1

    def ask(use: Any) -> Any:
        return use("x", 1, to=request.sid, namespace="/room", query=1)  # type: ignore[attr-defined]

    for use in (call, socketio.call, socketio.server.call):
        socketio.on_event("ask", lambda use=use: ask(use), "/room")
        warned = said(socketio, lambda: client.emit("ask", namespace="/room"))
        assert len(warned) == 1 and "has no option 'query'" in warned[0]


def test_a_wrong_name_for_the_address_does_not_reach_everybody(
    socketio: SocketIO, three: list[SocketIOTestClient]
) -> None:
    emits: list[Any] = [socketio.emit, socketio.send, socketio.server.emit]
    for use in emits:
        with pytest.raises(TypeError, match="sid"):
            use("x", sid="somebody")
    assert received(three) == [[], [], []]


@pytest.mark.ours("call(), and emit() with a callback, to a test client")
def test_call_takes_a_sid(socketio: SocketIO, three: list[SocketIOTestClient]) -> None:
    three[1].on("x", lambda value: value + 1)
    sid = run_in_event(socketio, three[1], lambda: request.sid)  # type: ignore[attr-defined]
    for use in (socketio.call, socketio.server.call):
        assert use("x", 1, sid=sid) == 2
    assert received(three) == [[], [[1], [1]], []]


# -- events that there are not -----------------------------------------------------------------------

NAMES = (
    "events of the server that are named connect, connect_error, disconnect, disconnecting, newListener or "
    "removeListener, or by anything but a string or a number"
)
RESERVED = [
    "connect",
    "connect_error",
    "disconnect",
    "disconnecting",
    "newListener",
    "removeListener",
]


@pytest.mark.ours(NAMES)
@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        *((name, ValueError, f"event '{name}' is reserved") for name in RESERVED),
        (None, TypeError, "an event's name is a str or a number, not None"),
        (True, TypeError, "not True"),
        (b"bytes", TypeError, "not b'bytes'"),
        (["list"], TypeError, "not \\['list'\\]"),
        ({"a": 1}, TypeError, "not {'a': 1}"),
        (float("nan"), ValueError, "cannot be nan"),
        (float("inf"), ValueError, "cannot be inf"),
    ],
    ids=str,
)
def test_names_that_clients_do_not_take(
    socketio: SocketIO,
    three: list[SocketIOTestClient],
    name: Any,
    error: type[Exception],
    message: str,
) -> None:
    uses: list[Callable[[], None]] = [
        lambda: socketio.emit(name, 1),
        lambda: socketio.server.emit(name, 1),
        lambda: run_in_event(socketio, three[0], lambda: emit(name, 1)),
        lambda: run_in_event(socketio, three[0], lambda: call(name, 1)),
    ]
    for use in uses:
        with pytest.raises(error, match=message):
            use()
    assert received(three) == [[], [], []]


@pytest.mark.parametrize("name", [3, 1.5, "", "*", "connected", "Connect"])
def test_other_names_are_taken(
    socketio: SocketIO, three: list[SocketIOTestClient], name: Any
) -> None:
    socketio.emit(name, 1)
    assert three[0].get_received() == [{"name": name, "args": [1], "namespace": "/"}]


# -- functions -------------------------------------------------------------------------------------


def test_functions_return_none(socketio: SocketIO, three: list[SocketIOTestClient]) -> None:
    def everything() -> bool:
        results = [
            emit("x"),  # type: ignore[func-returns-value]
            send("x"),  # type: ignore[func-returns-value]
            join_room("a"),  # type: ignore[func-returns-value]
            leave_room("a"),  # type: ignore[func-returns-value]
            leave_room("never joined"),  # type: ignore[func-returns-value]
            close_room("nobody's"),  # type: ignore[func-returns-value]
        ]
        return all(result is None for result in results)

    assert run_in_event(socketio, three[0], everything) is True


def test_rooms(socketio: SocketIO, three: list[SocketIOTestClient]) -> None:
    def inspect() -> tuple[str, ...]:
        join_room("a")
        join_room("a")
        join_room("b")
        leave_room("b")
        return tuple(sorted("own" if room == request.sid else room for room in rooms()))  # type: ignore[attr-defined]

    assert run_in_event(socketio, three[0], inspect) == ["a", "own"]
    sid = run_in_event(socketio, three[1], lambda: request.sid)  # type: ignore[attr-defined]
    for use in (join_room, close_room):
        with pytest.raises(ValueError, match=r"cannot (enter|close) a sid room"):
            run_in_event(socketio, three[0], lambda use=use: use(sid))
    with pytest.raises((ValueError, KeyError)):
        run_in_event(socketio, three[0], lambda: join_room("a", sid="nobody"))
    run_in_event(socketio, three[0], lambda: join_room("c", sid=sid))
    socketio.emit("x", 1, to="c")
    assert received(three) == [[], [[1]], []]
    assert socketio.server.manager.rooms["/"]["c"].keys() == {sid}
    assert [s for s, _ in socketio.server.manager.get_participants("/", "c")] == [sid]
    assert sorted(socketio.server.rooms(sid)) == sorted([sid, "c"])


def test_disconnect_by_the_server(app: Flask, socketio: SocketIO) -> None:
    seen: list[str] = []
    socketio.on_event("disconnect", seen.append)

    def leave() -> str:
        disconnect()
        seen.append("goes on")
        return "acked"

    one = socketio.test_client(app)
    run_in_event(socketio, one, leave)
    assert not one.is_connected()
    assert seen == [socketio.reason.SERVER_DISCONNECT, "goes on"]
    two, three = socketio.test_client(app), socketio.test_client(app)
    sid = run_in_event(socketio, two, lambda: request.sid)  # type: ignore[attr-defined]
    run_in_event(socketio, three, lambda: disconnect(sid))
    assert (two.is_connected(), three.is_connected()) == (False, True)


@pytest.mark.ours("get_session(), save_session(), session() with the test client")
def test_a_servers_own_store_for_a_client(
    socketio: SocketIO, three: list[SocketIOTestClient]
) -> None:
    sid = run_in_event(socketio, three[0], lambda: request.sid)  # type: ignore[attr-defined]
    assert socketio.server.get_session(sid) == {}
    with socketio.server.session(sid) as store:
        store["a"] = 1
    assert socketio.server.get_session(sid) == {"a": 1}
    socketio.server.save_session(sid, {"b": 2})
    assert socketio.server.get_session(sid) == {"b": 2}


def test_the_test_client(app: Flask, socketio: SocketIO) -> None:
    socketio.on_event("a", lambda *args: list(args), "/n")
    client = SocketIOTestClient(app, socketio, namespace="/n")
    assert client.is_connected("/n")
    assert not client.is_connected()
    with pytest.raises(RuntimeError, match="not connected"):
        client.emit("a")
    with pytest.raises(RuntimeError, match="not connected"):
        client.get_received()
    with pytest.raises(RuntimeError, match="not connected"):
        client.disconnect()
    assert client.emit("a", 1, b"2", namespace="/n", callback=True) == [1, b"2"]
    assert client.emit("a", namespace="/n") is None
    client.disconnect("/n")
    assert not client.is_connected("/n")
    client.connect("/n")
    assert client.is_connected("/n")


def test_a_namespace_that_nobody_serves(app: Flask, socketio: SocketIO) -> None:
    assert not socketio.test_client(app, "/nobody").is_connected("/nobody")
    assert not socketio.test_client(app, "/nobody").is_connected()


def test_outside_of_a_handler(app: Flask, socketio: SocketIO) -> None:
    client = socketio.test_client(app)
    with app.app_context(), pytest.raises((RuntimeError, AttributeError)):
        emit("x")
    with app.app_context():
        with pytest.raises((RuntimeError, AttributeError)):
            join_room("a")
        emit("x", 1, to="nobody", namespace="/")
        emit("x", 2, namespace="/", broadcast=True)
    assert client.get_received() == [{"name": "x", "args": [2], "namespace": "/"}]


@pytest.mark.ours("emit() and the like in a view, without to= and namespace=")
def test_a_view_that_emits_to_nobody_is_told_what_to_give(app: Flask, socketio: SocketIO) -> None:
    @app.get("/")
    def view() -> str:
        with pytest.raises(RuntimeError, match=r"no request.sid outside of an event handler: give"):
            emit("x")
        return "told"

    assert app.test_client().get("/").text == "told"


@pytest.mark.ours("emit() and the like in a view, without to= and namespace=")
@pytest.mark.parametrize(
    ("use", "advice"),
    [
        (
            lambda: emit("x"),
            "sid .* give emit() to= or broadcast=True, or use socketio.emit(event, ..., to=sid)",
        ),
        (
            lambda: emit("x", to="a"),
            "namespace .* give emit() namespace=, or use socketio.emit(event, ..., to=sid)",
        ),
        (
            lambda: send("x"),
            "sid .* give send() to= or broadcast=True, or use socketio.send(message, to=sid)",
        ),
        (lambda: call("x"), "sid .* give call() to=, or use socketio.call(event, ..., to=sid)"),
        (
            lambda: join_room("a"),
            "sid .* give join_room() sid=, or use socketio.server.enter_room(sid, room)",
        ),
        (
            lambda: leave_room("a", sid="b"),
            "namespace .* give leave_room() namespace=, or use socketio.server.leave_room(sid, room)",
        ),
        (
            lambda: close_room("a"),
            "namespace .* give close_room() namespace=, or use socketio.close_room(room)",
        ),
        (lambda: rooms(), "sid .* give rooms() sid=, or use socketio.server.rooms(sid)"),
        (
            lambda: disconnect(),
            "sid .* give disconnect() sid=, or use socketio.server.disconnect(sid)",
        ),
    ],
)
def test_the_advice_fits_the_function(
    app: Flask, socketio: SocketIO, use: Callable[[], Any], advice: str
) -> None:
    message = "no request." + advice.replace("(", r"\(").replace(")", r"\)")
    for context in (app.app_context(), app.test_request_context()):
        with context, pytest.raises(RuntimeError, match=message):
            use()


def test_call_needs_somebody(socketio: SocketIO, three: list[SocketIOTestClient]) -> None:
    with pytest.raises(ValueError, match=r"Cannot use call\(\) to broadcast"):
        socketio.call("x")


class Seeing:
    """What tools that watch a program put in a method's place: in all else it is as what it wraps."""

    def __init__(self, wrapped: Any, seen: list[str]) -> None:
        self._wrapped, self._seen = wrapped, seen

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self._seen.append(args[-1])
        return self._wrapped(*args, **kwargs)

    def __get__(self, instance: Any, owner: Any) -> Any:
        return Seeing(self._wrapped.__get__(instance, owner), self._seen)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._wrapped, name)


@pytest.mark.parametrize("where", ["instance", "class"])
def test_an_emit_that_was_replaced(
    app: Flask, socketio: SocketIO, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """What handlers emit goes by way of it."""
    seen: list[str] = []
    owner: Any = socketio if where == "instance" else SocketIO
    monkeypatch.setattr(owner, "emit", Seeing(owner.emit, seen))
    client = socketio.test_client(app)
    run_in_event(socketio, client, lambda: emit("told", "something"))
    assert seen == ["something"]
    assert received([client]) == [[["something"]]]
