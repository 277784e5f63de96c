"""An `async def` handler that keeps everybody else from being served is named in the log."""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path

import psutil
import pytest

from tests.kit.neighbour import OrderedClient
from tests.kit.sampler import wait_until
from tests.kit.server import ServerProcess
from tests.serving import held_app

APP = Path(held_app.__file__)
HELD = "%s, the handler of event '%s', held the event loop for (?P<seconds>[0-9.]+) s: nobody was served"


@pytest.mark.timing
@pytest.mark.parametrize(
    ("event", "name", "line"),
    [
        ("sleep", "sleeps", "time.sleep(seconds)"),
        ("compute", "computes", ""),
    ],
)
@pytest.mark.parametrize("debug", [True, False])
def test_who_holds_the_loop(event: str, name: str, line: str, *, debug: bool) -> None:
    with ServerProcess.script(APP, {"DEBUG": "1"} if debug else {}) as server:
        client = OrderedClient()
        client.connect(server.url, transports=["websocket"])
        client.call(event, 0.4, timeout=10)
        found = server.wait_for_log(re.compile(HELD % (name, event)), 10)
        assert 0.3 < float(found["seconds"]) < 3
        assert server.get_json("/counters")["loop_held"] == 1
        assert (f"{APP}, line " in server.log) == debug
        if debug:
            assert line in server.log
        client.disconnect()


@pytest.mark.timing
def test_one_that_goes_on_is_named_meanwhile() -> None:
    with ServerProcess.script(APP) as server:
        client = OrderedClient()
        client.connect(server.url, transports=["websocket"])
        client.emit("sleep", 3)
        begun = time.monotonic()
        server.wait_for_log(re.compile("has held the event loop for"), 10)
        assert time.monotonic() - begun < 2.5
        client.disconnect()


@pytest.mark.timing
def test_who_waits_or_has_a_thread_is_not_named() -> None:
    with ServerProcess.script(APP) as server:
        client = OrderedClient()
        client.connect(server.url, transports=["websocket"])
        client.call("wait", 0.5, timeout=10)
        client.call("block", 0.5, timeout=10)
        assert server.get_json("/counters")["loop_held"] == 0
        assert "the event loop" not in server.log
        client.disconnect()


@pytest.mark.timing
def test_nobody_is_named_where_the_process_was_stopped() -> None:
    """A container that is paused, a job in the background: a handler that was at work then has held up nobody."""
    with ServerProcess.script(APP) as server:
        client = OrderedClient()
        client.connect(server.url, transports=["websocket"])
        client.emit("stop")
        process = psutil.Process(server.pid)
        assert wait_until(lambda: process.status() == psutil.STATUS_STOPPED)
        time.sleep(1)
        os.kill(server.pid, signal.SIGCONT)
        client.call("wait", 0.5, timeout=10)
        assert server.get_json("/counters")["loop_held"] == 0
        assert "the event loop" not in server.log
        client.disconnect()
