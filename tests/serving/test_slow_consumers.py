"""A WebSocket client that does not read, under the servers that the conformance tests do not run on, and over TLS."""

from __future__ import annotations

import json
import re
import socket
import ssl
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from tests.kit.engine import EngineWebSocket, parse_handshake
from tests.kit.raw import (
    OPENED,
    WAIT,
    ConnectionClosed,
    RawWebSocket,
    Reply,
    parse_head,
    read_head,
)
from tests.kit.server import ServerProcess
from tests.kit.sio import ACK, CONNECT, SioClient, connect_packet
from tests.load.paused import APP, PATH

MODULE = "tests.load.paused_app"
SCRIPTS = Path(sysconfig.get_path("scripts"))
SERVERS = {
    "TLS": [sys.executable, str(APP)],
    "flask run": ["flask", "--app", MODULE, "run", "--port", "0"],
    "gunicorn": ["gunicorn", "--threads", "10", "--bind", "127.0.0.1:0", f"{MODULE}:app"],
    "hypercorn": ["hypercorn", "--bind", "127.0.0.1:0", f"{MODULE}:asgi"],
}
HANDSHAKE = (
    b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\n"
    b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
COUNT, SIZE = 1_500, 10_000

every_server = pytest.mark.parametrize("kind", SERVERS)


@pytest.fixture(autouse=True)
def closed_sockets() -> Iterator[None]:
    yield
    while OPENED:
        OPENED.pop().close()


def serve(kind: str, folder: Path, authority: trustme.CA, policy: str) -> ServerProcess:
    program, *arguments = SERVERS[kind]
    options = {"max_queued": 100_000, "slow_consumer": policy, "ping_interval": 600}
    env = {"SOCKETIO_OPTIONS": json.dumps(options)}
    if kind == "TLS":
        pem = folder / "server.pem"
        authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(pem)
        env["CERTIFICATE"] = str(pem)
    server = ServerProcess([str(SCRIPTS / program), *arguments], env)
    if kind == "hypercorn":
        server.allow_traceback(
            "CancelledError"
        )  # its word for a connection that is open when it stops
    return server


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def join(server: ServerProcess, kind: str, authority: trustme.CA) -> SioClient:
    sock: socket.socket = socket.create_connection(server.address, timeout=WAIT)
    if kind == "TLS":
        context = ssl.create_default_context()
        authority.configure_trust(context)
        sock = context.wrap_socket(sock, server_hostname="localhost")
    OPENED.add(sock)
    sock.sendall(HANDSHAKE)
    head, rest = read_head(sock)
    ws = RawWebSocket(sock, Reply(*parse_head(head), b""), _buffer=bytearray(rest))
    client = SioClient(EngineWebSocket(ws, parse_handshake(ws.recv()), server.address, PATH))
    client.engine.send(connect_packet(auth={"room": "me"}))
    assert client.recv().type == CONNECT
    return client


@every_server
@pytest.mark.parametrize("policy", ["drop-oldest", "drop-new"])
def test_events_are_dropped_and_counted(
    kind: str, policy: str, tmp_path: Path, authority: trustme.CA
) -> None:
    with serve(kind, tmp_path, authority, policy) as server:
        client = join(server, kind, authority)
        client.emit("flood", COUNT, SIZE, id=1)
        received: list[int] = []
        while (packet := client.recv()).type != ACK:
            received.append(packet.data[1])
        assert received == sorted(set(received))
        assert received[-1] == COUNT - 1 if policy == "drop-oldest" else received[0] == 0
        assert len(received) + client.call("counters")[0]["events_dropped"] == COUNT
        client.engine.leave()


@every_server
def test_disconnect(kind: str, tmp_path: Path, authority: trustme.CA) -> None:
    with serve(kind, tmp_path, authority, "disconnect") as server:
        client = join(server, kind, authority)
        client.emit("flood", COUNT, SIZE)
        server.wait_for_log(re.compile("max_queued"), WAIT)  # until then nothing is read
        with pytest.raises(ConnectionClosed, match="1008 'slow consumer'"):
            while True:
                client.recv()
