"""gevent's and eventlet's monkey patching under run(): one warning, and everything works all the same."""

import sys
import time
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
    with ServerProcess.script(APP, {"LIBRARY": library}) as server:
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


@pytest.mark.parametrize("library", ["gevent", "eventlet"])
def test_under_an_asgi_server_a_line_says_that_green_threads_do_not_run(library: str) -> None:
    module = "tests.serving.patched_app:app"
    argv = [sys.executable, "-m", "uvicorn", "--port", "0", "--ws", "wsproto", module]
    with ServerProcess(argv, {"LIBRARY": library}) as server:
        assert server.get_json("/page") == ["a page"]
        assert server.log.count("under an ASGI server its green threads never run") == 1
