"""In a patched process: handlers, tasks, pages and the loop log and use Redis at the same time; nothing stands still.

BUSY_SECONDS says for how long.
"""

from __future__ import annotations

import os
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import pytest

from tests.deployment.deployed import Deployed
from tests.deployment.rows import ROWS, Row
from tests.kit.neighbour import OrderedClient
from tests.kit.server import ServerProcess

SECONDS = float(os.environ.get("BUSY_SECONDS", "5"))
#: Seconds after which nobody is slow any more, but stands still.
DEADLINE = 30.0
#: Under `run()` and gunicorn, each with both libraries.
BUSY = [row for row in ROWS if row.patched and not row.program.endswith("_server")]

pytestmark = pytest.mark.timeout(SECONDS + 120)


@pytest.mark.parametrize("row", BUSY, ids=lambda row: row.name)
def test_everything_goes_on(row: Row, tmp_path: Path, redis_url: str) -> None:
    env = {"QUEUE": redis_url, "CHANNEL": f"test-{uuid.uuid4().hex}"}
    with Deployed(row, tmp_path, app="busy", env=env) as server:
        jobs = [
            lambda: work(server, "websocket"),
            lambda: work(server, "websocket"),
            lambda: work(server, "polling"),
            lambda: repeat(lambda: ask_for_pages(server)),
            lambda: repeat(lambda: have_the_loop_warn(server)),
        ]
        with ThreadPoolExecutor(len(jobs)) as pool:
            for job in [pool.submit(job) for job in jobs]:
                assert job.result() > SECONDS


def repeat(action: Callable[[], None]) -> int:
    """How often it was done until the time was over."""
    end = time.monotonic() + SECONDS
    for number in count(1):
        action()
        time.sleep(0.002)
        if time.monotonic() > end:
            return number
    raise AssertionError


def work(server: ServerProcess, transport: str) -> int:
    """A client whose events are acknowledged one after the other, while it hears of all others'."""
    client = OrderedClient(reconnection=False)
    beats = threading.Semaphore(0)
    worked = threading.Semaphore(0)
    client.on("beat", lambda number: beats.release())
    client.on("worked", lambda name: worked.release())
    client.connect(server.url, transports=[transport], wait_timeout=DEADLINE)
    name = uuid.uuid4().hex
    numbers = count(1)

    def step() -> None:
        assert client.call("work", name, timeout=DEADLINE) == next(numbers)
        assert worked.acquire(timeout=DEADLINE)
        assert beats.acquire(timeout=DEADLINE)

    try:
        return repeat(step)
    finally:
        client.disconnect()


def ask_for_pages(server: ServerProcess) -> None:
    assert server.get("/").status == 200


def have_the_loop_warn(server: ServerProcess) -> None:
    """It logs what it refuses."""
    assert server.get("/socket.io/?EIO=4&transport=none").status == 400
