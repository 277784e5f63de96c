"""Names written wrong: of events, in classes, of options."""

from __future__ import annotations

import pytest

from .conftest import Serve, connect

CHAT = """
socketio = SocketIO(app)

@socketio.on("message sent")
def sent(text):
    return "sent"

@socketio.on("move", namespace="/game")
def move(*args): ...
"""


def test_an_event_that_nobody_handles(serve: Serve) -> None:
    with serve(CHAT) as server:
        client = connect(server)
        for name in ("mesage sent", "mesage sent", "move", "wholly other", "x\n" * 50):
            client.emit(name)
        assert client.call("message sent", "x") == ["sent"]
        client.engine.leave()
        log = server.log
    said = [line for line in log.splitlines() if "has no handler" in line]
    assert said == [
        "event 'mesage sent' in namespace '/' has no handler, did you mean 'message sent'?",
        "event 'move' in namespace '/' has no handler: namespace '/game' has one",
        "event 'wholly other' in namespace '/' has no handler",
        f"event {('x' + chr(10)) * 32!r} in namespace '/' has no handler",
    ]


def test_clients_may_think_of_any_name(serve: Serve) -> None:
    with serve(CHAT) as server:
        client = connect(server)
        for number in range(1000):
            client.emit(f"{number}")
        assert client.call("message sent", "x") == ["sent"]
        client.engine.leave()
        log = server.log
        assert server.alive
    assert log.count("has no handler") == 100
    assert log.count("more than 100 different events have no handler: no more is said") == 1


CLASS = """
socketio = SocketIO(app)

class Chat(Namespace):
    def on_conect(self, auth): ...
    def on_disconnect(self, reason): ...
    def on_connected(self): ...

socketio.on_namespace(Chat("/chat"))

@socketio.on("disconect")
def gone(): ...
"""


def test_handlers_of_the_connection_written_wrong(serve: Serve) -> None:
    with serve(CLASS) as server:
        log = server.log
    said = [line for line in log.splitlines() if "did you mean" in line]
    assert said == [
        "a handler for the event 'conect' in namespace '/chat', did you mean 'connect'?",
        "a handler for the event 'disconect' in namespace '/', did you mean 'disconnect'?",
    ]


TWICE = """
socketio = SocketIO(app)

@socketio.on("join")
def join(): ...

@socketio.on("join")
def join_again(): ...

@socketio.on("join", namespace="/other")
def join_other(): ...

def register():  # as a factory does that runs twice
    @socketio.on("leave")
    def leave(): ...

register()
register()
"""


def test_one_event_twice(serve: Serve) -> None:
    with serve(TWICE) as server:
        log = server.log
    (said,) = [line for line in log.splitlines() if "two handlers" in line]
    assert said.startswith("the event 'join' in namespace '/' has two handlers, join (")
    assert "app.py:10) and join_again (" in said
    assert said.endswith("app.py:13): the second one counts")


IGNORED = "has no option {!r}; it is ignored"


@pytest.mark.parametrize(
    ("text", "given", "meant"),
    [
        ("SocketIO(app, cors_alowed_origins='*')", "cors_alowed_origins", "cors_allowed_origins"),
        ("SocketIO(app, ping_timeuot=5)", "ping_timeuot", "ping_timeout"),
        ("SocketIO(app); socketio.emit('x', rom='a')", "rom", "room"),
        ("SocketIO(app, entirely=5)", "entirely", None),
    ],
)
def test_an_option_written_wrong(serve: Serve, text: str, given: str, meant: str | None) -> None:
    with serve(f"socketio = {text}") as server:
        hint = f", did you mean {meant!r}?\n" if meant else "\n"
        assert IGNORED.format(given) + hint in server.log
