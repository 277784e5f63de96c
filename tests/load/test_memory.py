"""What connections leave behind in memory: one that has received a large message, and those that have gone."""

import time
from collections.abc import Callable

import psutil

from tests.kit.engine import EngineWebSocket
from tests.kit.raw import BINARY, RawWebSocket, frame
from tests.kit.server import ROOT, ServerProcess
from tests.kit.sio import SioClient

SCRIPT = ROOT / "tests" / "conformance" / "websocket_echo.py"
CLIENTS = 100
SIZE = 900_000


def test_large_messages_leave_nothing_behind() -> None:
    """Kept buffers would be 90 MB here; what the allocator would keep for itself is a few, or tens.

    On the fast lane. On the other one it is the ASGI server's matter: uvicorn's parser keeps the last message.
    """
    with ServerProcess.script(SCRIPT, fresh=True) as server:
        memory = psutil.Process(server.pid).memory_info
        clients = [RawWebSocket.connect(server.address, "/") for _ in range(CLIENTS)]
        for client in clients:
            client.send("small")
            assert client.recv() == "small"
        before = memory().rss
        message = bytes(SIZE)
        large = frame(BINARY, message)
        for client in clients:
            client.send_raw(large[: SIZE // 2])
        for client in clients:
            client.send_raw(large[SIZE // 2 :])
            assert client.recv() == message
        wait_until(lambda: memory().rss - before < CLIENTS * 15_000)
        for client in clients:
            client.send("small")
            assert client.recv() == "small"
            client.abort()


def test_clients_that_have_gone_leave_nothing_behind() -> None:
    """The second thousand is served out of what the first one has left; `make bench` does it with 20,000."""
    with ServerProcess.script(ROOT / "tests" / "load" / "app.py", fresh=True) as server:
        process = psutil.Process(server.pid)
        seen: list[tuple[int, int, int]] = []
        for _ in range(3):
            for _ in range(10):
                clients = [
                    SioClient(EngineWebSocket.open(server.address, "/socket.io/"))
                    for _ in range(100)
                ]
                for client in clients:
                    client.connect()
                    client.engine.leave()
            wait_until(lambda: process.num_fds() < 100)
            seen.append((process.memory_info().rss, process.num_threads(), process.num_fds()))
        _, (memory, threads, descriptors), last = seen
        assert last[0] < memory * 1.05
        assert last[1] <= threads + 2
        assert last[2] <= descriptors + 2


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
