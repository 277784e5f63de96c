"""Several servers on a message queue: see tests/kit/semantics.py."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from queue import Queue
from typing import Any

import pytest

from flask_socketio import SocketIO
from flask_socketio.errors import TimeoutError, UnknownClientError
from tests.brokers.conftest import KINDS, broker
from tests.kit.semantics import Cluster, Semantics, wait_until


@pytest.fixture(scope="module", params=KINDS)
def queue_url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    with broker(request.param, tmp_path_factory) as found:
        yield found


@pytest.fixture(scope="module")
def cluster(queue_url: str) -> Iterator[Cluster]:
    options = {"message_queue": queue_url, "channel": f"test-{uuid.uuid4().hex}"}
    with Cluster(options, sees_death=False) as cluster:
        yield cluster
        for one in cluster.ones:
            status = one.status
            assert status["queue"]["connected"]
            assert (status["lost"], status["gaps"], status["ignored"]) == (0, 0, {})


class TestSemantics(Semantics):
    pass


# -- a process that only emits ---------------------------------------------------------------------


@pytest.fixture
def emitter(cluster: Cluster) -> SocketIO:
    return SocketIO(**cluster.options)


class TestEmitting:
    def test_it_calls_clients_of_any_server(self, cluster: Cluster, emitter: SocketIO) -> None:
        for client, name in zip(cluster.clients, "abc", strict=True):
            assert emitter.call("question", "who", to=client.sid, timeout=10) == (name, "who")

    def test_it_calls_in_many_threads(self, cluster: Cluster, emitter: SocketIO) -> None:
        def call(number: int) -> Any:
            return emitter.call("question", number, to=cluster.clients[number % 3].sid, timeout=10)

        with ThreadPoolExecutor(16) as threads:
            answers = list(threads.map(call, range(100)))
        assert answers == [("abc"[number % 3], number) for number in range(100)]

    def test_it_calls_in_asyncio(self, cluster: Cluster, emitter: SocketIO) -> None:
        async def ask() -> list[Any]:
            calls = [
                asyncio.to_thread(emitter.call, "question", number, to=cluster.clients[0].sid)
                for number in range(3)
            ]
            emitter.emit("told", "from a coroutine")
            return await asyncio.gather(*calls)

        assert asyncio.run(ask()) == [("a", number) for number in range(3)]
        assert [client.next() for client in cluster.clients] == [("from a coroutine",)] * 3

    def test_it_calls_after_a_fork(self, cluster: Cluster) -> None:
        """In the parent, in several children at once, and in the parent again."""
        program = FORKING.format(options=cluster.options, sid=cluster.clients[1].sid)
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", program],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert sorted(done.stdout.split()) == ["again", *["child"] * 3, "parent"], done.stderr

    def test_it_calls_in_green_threads(self, cluster: Cluster) -> None:
        program = GREEN.format(options=cluster.options, sid=cluster.clients[1].sid)
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", program],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.stdout == "green\n", done.stderr

    def test_a_callback_gets_the_answers_of_all(self, cluster: Cluster, emitter: SocketIO) -> None:
        for client in cluster.clients:
            client.join("poll")
        answers = Queue[Any]()
        emitter.emit("question", 1, to="poll", callback=lambda *args: answers.put([*args]))
        assert sorted(answers.get(timeout=10) for _ in range(3)) == [["a", 1], ["b", 1], ["c", 1]]
        emitter.close_room("poll")

    def test_it_asks_about_clients(self, cluster: Cluster, emitter: SocketIO) -> None:
        there = cluster.clients[2]
        assert emitter.server.rooms(there.sid) == [there.sid]
        with emitter.server.session(there.sid) as session:
            session["seen"] = True
        assert cluster.ones[2].do("get session", there.sid) == {"seen": True}
        everybody = {sid for sid, _ in emitter.server.manager.get_participants("/", None)}
        assert everybody == {client.sid for client in cluster.clients}
        assert set(emitter.cluster.status["nodes"]) == {one.node for one in cluster.ones}

    def test_a_call_to_nobody_fails_soon(self, cluster: Cluster, emitter: SocketIO) -> None:
        sid = "nobody" + cluster.clients[0].sid[6:]
        for seconds in (4, 0.5):  # the first one has to find out who is there
            began = time.monotonic()
            with pytest.raises(UnknownClientError):
                emitter.call("question", to=sid, timeout=30)
            assert time.monotonic() - began < seconds
        gone = cluster.client(cluster.ones[1], "d")
        gone.client.disconnect()
        with pytest.raises(UnknownClientError):
            emitter.call("question", to=gone.sid, timeout=30)

    def test_a_call_that_is_not_answered(self, emitter: SocketIO) -> None:
        with pytest.raises(TimeoutError, match=r"no ack for event 'question' within 0.2 seconds"):
            emitter.call("question", to="nobody", timeout=0.2)

    def test_an_instance_for_each_task_leaves_no_thread(self, cluster: Cluster) -> None:
        for number in range(5):
            emitter = SocketIO(**cluster.options)
            answer = emitter.call("question", number, to=cluster.clients[0].sid, timeout=10)
            assert answer == ("a", number)
        assert len(listening()) >= 1
        del emitter
        wait_until(lambda: bool(gc.collect()) or not listening())

    def test_a_callback_needs_somebody(self, emitter: SocketIO) -> None:
        with pytest.raises(ValueError, match="Cannot use callback without a room set"):
            emitter.emit("question", callback=print)


def listening() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if "flask-duplex-listen" in thread.name]


GREEN = """
import gevent.monkey; gevent.monkey.patch_all()
import gevent
from flask_socketio import SocketIO

socketio = SocketIO(**{options!r})
sid = {sid!r}
ticks = []


def tick():
    while True:
        gevent.sleep(0.01)
        ticks.append(1)


gevent.spawn(tick)
calls = [gevent.spawn(socketio.call, "question", number, to=sid, timeout=20) for number in range(5)]
gevent.joinall(calls)
assert [call.value for call in calls] == [("b", number) for number in range(5)]
assert socketio.server.rooms(sid) == [sid]
before = len(ticks)
try:
    socketio.call("question", to="nobody", timeout=0.5)
except TimeoutError:
    assert len(ticks) - before > 10, "the other green threads have waited"
print("green")
"""

FORKING = """
import os
from flask_socketio import SocketIO

socketio = SocketIO(**{options!r})


def call(who):
    assert socketio.call("question", who, to={sid!r}, timeout=20) == ("b", who)
    os.write(1, f"{{who}} ".encode())  # at once, whoever else writes


call("parent")
children = []
for _ in range(3):
    if not (child := os.fork()):
        call("child")
        os._exit(0)
    children.append(child)
for child in children:
    assert os.waitpid(child, 0)[1] == 0
call("again")
"""
