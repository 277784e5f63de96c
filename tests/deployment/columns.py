"""What a real client meets at a server: the transport that it has in the end, or how it failed.

The client is python-socketio's. Whatever a server does, the answer comes within seconds: one that stands still "fails".
"""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty, Queue
from typing import Any

import requests
import socketio
from requests.adapters import HTTPAdapter

from tests.deployment.rows import Cells, Row
from tests.kit.raw import Address
from tests.kit.server import ServerProcess

#: Seconds that an answer may take. A request that is held up by another client's poll waits for 25.
DEADLINE = 5.0

#: What the client of each column may use.
TRIED = (["polling"], ["websocket"], ["polling", "websocket"])


class Refused(Exception):
    """The server told the client that it cannot be served in this way."""


class OneRequestEach(HTTPAdapter):
    """Takes no connection twice."""

    def send(self, *args: Any, **kwargs: Any) -> requests.Response:
        self.close()
        return super().send(*args, **kwargs)


def visit(server: ServerProcess, row: Row) -> Cells:
    """A client for each column, one after the other; why one failed is printed."""
    return Cells(*(outcome(server, transports, row.hangs_up) for transports in TRIED))


def outcome(server: ServerProcess, transports: list[str], fresh: bool) -> str:
    begun = time.monotonic()
    try:
        with client(server.url, transports, fresh) as (sio, said):
            transport = talk(sio, said)
            leave(sio, server.address)
        return transport
    except Refused as error:
        verdict = failed(transports, error)
        return "refused" if time.monotonic() - begun < DEADLINE else verdict
    except (AssertionError, socketio.exceptions.TimeoutError, Empty, OSError, ValueError) as error:
        return failed(transports, error)


def failed(transports: list[str], error: Exception) -> str:
    print(f"{' and '.join(transports)}: {type(error).__name__}: {error}")
    return "fails"


@contextmanager
def client(
    url: str, transports: list[str], fresh: bool
) -> Iterator[tuple[socketio.Client, Queue[Any]]]:
    """A client that is connected, and what it hears others say."""
    session = requests.Session()
    if fresh:
        session.mount("http://", OneRequestEach())
    sio = socketio.Client(reconnection=False, request_timeout=DEADLINE, http_session=session)  # pyright: ignore[reportArgumentType]
    said: Queue[Any] = Queue()
    sio.on("said", said.put)
    try:
        try:
            sio.connect(url, transports=transports, wait_timeout=DEADLINE)  # pyright: ignore[reportArgumentType]
        except socketio.exceptions.ConnectionError as error:
            raise Refused(str(error)) from error
        yield sio, said
    finally:
        sio.eio.disconnect(abort=True)  # without waiting for what it has asked
        session.close()


def talk(sio: socketio.Client, said: Queue[Any]) -> str:
    """An event with its ack, a broadcast, and the transport as the server sees it."""
    assert sio.call("say", "hello", timeout=DEADLINE) == "HELLO"  # pyright: ignore[reportArgumentType]
    assert said.get(timeout=DEADLINE) == "hello"
    return sio.call("transport", timeout=DEADLINE)  # pyright: ignore[reportArgumentType]


def page(address: Address) -> str:
    """The clients that the server says it has."""
    connection = http.client.HTTPConnection(*address, timeout=DEADLINE)
    try:
        connection.request("GET", "/")
        response = connection.getresponse()
        assert response.status == 200, response.status
        return response.read().decode()
    finally:
        connection.close()


def leave(sio: socketio.Client, address: Address) -> None:
    """Say goodbye, and see that the server has taken note."""
    sid = sio.get_sid()
    assert sid in page(address)
    sio.eio.send("1")  # what disconnect() sends, unless its writer is busy just then
    wait_for(lambda: sid not in page(address), "the server does not notice that its client leaves")
    wait_for(lambda: not sio.eio.queue.unfinished_tasks, "a request is not answered")
    sio.eio.disconnect()


def wait_for(condition: Callable[[], bool], failure: str) -> None:
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, failure
        time.sleep(0.02)
