"""Servers with few threads, all of which hold polls: other requests have their turns, and nobody is lost."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

from tests.deployment.deployed import Deployed
from tests.deployment.rows import Row
from tests.kit.engine import RawPolling
from tests.kit.raw import QUIET
from tests.kit.server import ServerProcess
from tests.kit.sio import SioClient

PATH = "/socket.io/"
THREADS = 3
#: Seconds that a poll waits for packets, until its client is pinged.
POLL = 25
GUNICORN = Row(f"`gunicorn --threads {THREADS} module:app`")
WAITRESS = Row(f"`waitress-serve --threads {THREADS} module:app`")
DEVELOPMENT = Row("`flask --app module:app run`")
#: Where the sockets of requests can be looked at.
SHOWN = [GUNICORN, DEVELOPMENT]


def wait_until(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def ids(row: Row) -> str:
    return row.command.strip("`").split()[0]


def join(server: ServerProcess) -> RawPolling:
    """A client in a namespace."""
    polling = RawPolling.open(server.address, PATH)
    polling.send("40")
    assert str(polling.recv()).startswith("40{")
    return polling


@pytest.mark.parametrize("row", [GUNICORN, WAITRESS], ids=ids)
def test_a_page_does_not_wait_for_polls(row: Row, tmp_path: Path) -> None:
    with Deployed(row, tmp_path) as server:
        clients = [join(server) for _ in range(THREADS)]
        polls = [client.start_poll() for client in clients]
        time.sleep(QUIET)
        begun = time.monotonic()
        assert len(server.get_json("/")) == THREADS
        assert time.monotonic() - begun < POLL / 3
        assert any(poll.is_answered(0) for poll in polls)
        SioClient(clients[0]).emit("say", "hello")
        for client, poll in zip(clients, polls, strict=True):
            text = poll.reply().text
            assert (client.recv() if text == "6" else text) == '42["said","hello"]'
        for client in clients:
            client.leave()


def test_too_few_threads_are_told(tmp_path: Path) -> None:
    """Where requests wait for long, and not because a thread is on its way to one."""
    told = Event()

    def poll(client: RawPolling) -> None:
        while not told.is_set():
            client.start_poll().reply()

    with Deployed(GUNICORN, tmp_path) as server, ThreadPoolExecutor(2 * THREADS) as threads:
        clients = [join(server) for _ in range(2 * THREADS)]
        assert "answered early" not in server.log
        polls = [threads.submit(poll, client) for client in clients]
        server.wait_for_log(re.compile("polls hold threads .* answered early"), POLL)
        told.set()
        SioClient(clients[0]).emit("say", "hello")
        for ended in polls:
            ended.result()


@pytest.mark.parametrize("row", SHOWN, ids=ids)
def test_clients_that_have_gone_hold_no_threads(row: Row, tmp_path: Path) -> None:
    with Deployed(row, tmp_path) as server:
        clients = [join(server) for _ in range(THREADS)]
        polls = [client.start_poll() for client in clients]
        time.sleep(QUIET)
        for number, poll in enumerate(polls):
            poll.abort(reset=number == 0)
        wait_until(lambda: server.get_json("/") == [], POLL / 3)
        assert RawPolling.open(server.address, PATH)
