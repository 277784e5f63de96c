"""gevent's and eventlet's monkey patching under run(): one warning, and everything works all the same."""

import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue
from typing import Any

import pytest

from tests.kit.neighbour import OrderedClient
from tests.kit.server import ServerProcess

APP = Path(__file__).with_name("patched_app.py")


@pytest.mark.parametrize("transport", ["websocket", "polling"])
@pytest.mark.parametrize("library", ["gevent", "eventlet"])
def test_a_patched_application(library: str, transport: str) -> None:
    events: Queue[Any] = Queue()
    client = OrderedClient()
    client.on("echoed", lambda count: events.put(count))
    client.on("done", lambda: events.put("done"))
    client.on("question", lambda: "an answer")
    with ServerProcess.script(APP, {"LIBRARY": library}, fresh=True) as server:
        client.connect(server.url, transports=[transport])
        assert client.call("echo", "x", timeout=10) == "x"
        assert events.get(timeout=10) == 2
        assert client.call("twice", "ab", timeout=10) == "abab"
        assert client.call("ask me", timeout=10) == "an answer"
        assert client.call("background", timeout=10) == "joined"
        assert events.get(timeout=10) == "done"
        assert server.get_json("/page") == ["a page"]
        client.emit("echo", ("slow", 8))
        begun = time.monotonic()
        assert client.call("twice", "ab", timeout=10) == "abab"
        assert time.monotonic() - begun < 7  # the handler that sleeps holds up nobody
        assert server.log.count(f"run as green threads of {library}") == 1
        assert server.log.count("async_mode= can be deleted") == 1
        client.disconnect()


@pytest.fixture(scope="module", params=["gevent", "eventlet"])
def patched(request: pytest.FixtureRequest) -> Iterator[ServerProcess]:
    with ServerProcess.script(APP, {"LIBRARY": request.param}, fresh=True) as server:
        yield server


def test_events_of_one_client_start_in_order(patched: ServerProcess) -> None:
    """Also those of `def` handlers behind an `async def` one, which starts on another thread."""
    client = OrderedClient()
    client.connect(patched.url, transports=["websocket"])
    expected = [[name, n] for n in range(50) for name in ("before", "between", "behind")]
    for name, number in expected:
        client.emit(name, number)
    assert client.call("started", timeout=30) == expected
    client.disconnect()


def test_handlers_and_the_loop_log_at_the_same_time(patched: ServerProcess) -> None:
    """The lock of a logging handler is a green one, for which the loop's thread cannot wait."""
    clients = [OrderedClient() for _ in range(2)]

    def talk(client: OrderedClient, event: str) -> None:
        for number in range(300):
            assert client.call(event, number, timeout=30) == number

    with ThreadPoolExecutor(2) as pool:
        for client in clients:
            client.connect(patched.url, transports=["websocket"])
        talks = [
            pool.submit(talk, *pair)
            for pair in zip(clients, ("log", "log on the loop"), strict=True)
        ]
        for each in talks:
            each.result()
    for client in clients:
        client.disconnect()
    assert "a handler: 299" in patched.log and "an async handler: 299" in patched.log


def test_a_forked_process_has_no_clients_and_leaves_its_parent_alone(
    patched: ServerProcess,
) -> None:
    client = OrderedClient()
    client.connect(patched.url, transports=["websocket"])
    assert client.call("fork", timeout=30) == "not serving"
    assert client.call("echo", "still here", timeout=30) == "still here"
    client.disconnect()


@pytest.mark.parametrize("library", ["gevent", "eventlet"])
def test_at_the_end_clients_are_told(library: str) -> None:
    client = OrderedClient(reconnection=False)
    with ServerProcess.script(APP, {"LIBRARY": library}, fresh=True) as server:
        client.connect(server.url, transports=["websocket"])
        assert client.call("echo", "x", timeout=30) == "x"
        assert server.stop()
        assert server.process.returncode == 0
        assert "goodbye: server disconnect" in server.log
    client.disconnect()


@pytest.mark.parametrize("library", ["gevent", "eventlet"])
def test_under_an_asgi_server_a_line_says_that_green_threads_do_not_run(library: str) -> None:
    module = "tests.serving.patched_app:app"
    argv = [sys.executable, "-m", "uvicorn", "--port", "0", "--ws", "wsproto", module]
    with ServerProcess(argv, {"LIBRARY": library}, fresh=True) as server:
        assert server.get_json("/page") == ["a page"]
        assert server.log.count("under an ASGI server its green threads never run") == 1
