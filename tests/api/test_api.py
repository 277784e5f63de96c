"""Class-based namespaces, error handlers, call(): with python-socketio's client."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import socketio

from tests.kit.neighbour import OrderedClient
from tests.kit.server import ServerProcess

APP = Path(__file__).with_name("app.py")
NAMESPACES = ["/", "/room", "/shout", "/unhandled"]


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with ServerProcess.script(APP) as server:
        server.allow_traceback("an error of nobody's")
        yield server


@pytest.fixture(scope="module")
def client(server: ServerProcess) -> Iterator[socketio.Client]:
    client = OrderedClient()
    client.on("question", lambda value: (value, "is the question"))
    client.on("silence", lambda: client.sleep(1))
    client.on("*", lambda *args: None, namespace="/room")
    client.connect(server.url, transports=["websocket"], namespaces=NAMESPACES, auth={"token": 1})
    yield client
    client.disconnect()


def ask(client: socketio.Client, event: str, *args: Any, namespace: str = "/") -> Any:
    return client.call(event, args or None, namespace=namespace, timeout=5)


def test_methods_are_handlers(client: socketio.Client, server: ServerProcess) -> None:
    assert ["connect", {"token": 1}] in server.get_json("/seen")
    assert ask(client, "echo", 1, {"b": b"2"}, namespace="/room") == (1, {"b": b"2"})
    assert ask(client, "later", "x", namespace="/room") == "x"
    sid = client.get_sid("/room")
    assert ask(client, "enter", "a", namespace="/room") == ["a", sid]


def test_a_function_wins_over_a_method(client: socketio.Client) -> None:
    assert ask(client, "function", namespace="/room") == "function"


def test_trigger_event_can_be_overridden(client: socketio.Client, server: ServerProcess) -> None:
    assert ask(client, "ECHO", "quiet", namespace="/shout") == "quiet"
    assert ["ECHO", "quiet"] in server.get_json("/seen")


@pytest.mark.parametrize(
    ("namespace", "auth", "told"),
    [
        ("/closed", None, {"message": "closed", "data": 7}),
        ("/broken", None, {"message": "Connection rejected by server"}),
        ("/shout", {"loud": False}, {"message": "Connection rejected by server"}),
        ("/nowhere", None, {"message": "Invalid namespace"}),
    ],
)
def test_connect_fails_closed(
    server: ServerProcess, namespace: str, auth: Any, told: dict[str, Any]
) -> None:
    client = OrderedClient(reconnection=False)
    errors: list[Any] = []
    client.on("connect_error", errors.append, namespace=namespace)
    with pytest.raises(socketio.exceptions.ConnectionError):
        client.connect(server.url, transports=["websocket"], namespaces=[namespace], auth=auth)
    client.disconnect()
    assert errors == [told]
    assert "must not be called" not in server.get_json("/seen")


def test_error_handlers(client: socketio.Client, server: ServerProcess) -> None:
    assert ask(client, "fail", 0) == ["ZeroDivisionError", "fail", [0]]
    assert ask(client, "fail", 2) == 0.5
    answer = ask(client, "fail", namespace="/room")
    assert answer == "error() of the class: KeyError('of the class') in fail"


def test_an_error_that_nobody_handles_is_logged_with_its_event(
    client: socketio.Client, server: ServerProcess
) -> None:
    client.emit("fail", namespace="/unhandled")
    assert ask(client, "fail", 1) == 1
    assert "handler of event 'fail' in namespace '/unhandled' failed" in server.log


def test_call(client: socketio.Client) -> None:
    assert ask(client, "ask", "x") == ["you said", ["x", "is the question"]]


def test_call_in_an_async_handler(client: socketio.Client) -> None:
    refused, answer = ask(client, "ask-async", "x")
    assert "await asyncio.to_thread(socketio.call" in refused
    assert answer == ["x", "is the question"]


def test_call_in_vain(client: socketio.Client) -> None:
    answer = ask(client, "ask-in-vain")
    assert answer == "flask_socketio.errors: no ack for event 'silence' within 0.2 seconds"
    assert ask(client, "ask-everybody") == "Cannot use call() to broadcast."


def test_the_session_lasts_as_long_as_the_connection(client: socketio.Client) -> None:
    assert [ask(client, "session") for _ in range(3)] == [1, 2, 3]


def test_a_method_can_disconnect_its_client(server: ServerProcess) -> None:
    client = OrderedClient(reconnection=False)
    gone: list[Any] = []
    client.on("disconnect", gone.append, namespace="/room")
    client.connect(server.url, transports=["websocket"], namespaces=["/room"])
    client.emit("kick", namespace="/room")
    client.wait()
    assert gone
    assert ["disconnect", "server disconnect"] in server.get_json("/seen")
