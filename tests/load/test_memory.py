"""What a connection leaves behind in memory after it has received a large message."""

import psutil

from tests.kit.raw import BINARY, RawWebSocket, frame
from tests.kit.server import ROOT, ServerProcess

SCRIPT = ROOT / "tests" / "conformance" / "websocket_echo.py"
CLIENTS = 100
SIZE = 900_000


def test_a_large_message_leaves_no_buffer_behind() -> None:
    """Kept buffers would be 90 MB here; what the allocator keeps for itself is a few.

    On the fast lane. On the other one it is the ASGI server's matter: uvicorn's parser keeps the last message.
    """
    with ServerProcess.script(SCRIPT) as server:
        process = psutil.Process(server.pid)
        clients = [RawWebSocket.connect(server.address, "/") for _ in range(CLIENTS)]
        for client in clients:
            client.send("small")
            assert client.recv() == "small"
        before = process.memory_info().rss
        message = bytes(SIZE)
        large = frame(BINARY, message)
        for client in clients:
            client.send_raw(large)
            assert client.recv() == message
        grown = process.memory_info().rss - before
        for client in clients:
            client.send("small")
            assert client.recv() == "small"
            client.abort()
    print(f"{CLIENTS} clients have left {grown / 1e6:.1f} MB behind")
    assert grown < CLIENTS * SIZE / 3
