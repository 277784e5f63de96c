"""Who is no machine, and connects to where machines meet."""

from __future__ import annotations

import json
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis
import trustme

from flask_socketio.relay.announced import FRESH, announce
from flask_socketio.relay.arrival import beginning
from flask_socketio.relay.frames import Frame, FrameReader, Kind
from flask_socketio.relay.greeting import FRAMES, WEBSOCKET, Guest, Known
from flask_socketio.relay.records import LARGEST
from flask_socketio.relay.secret import ForgedError, Secret
from flask_socketio.relay.tcp import MOST_STRANGERS, PATIENCE
from tests.kit.broker import Valkey
from tests.kit.engine import RawPolling, target
from tests.kit.ports import free_port
from tests.kit.raw import WAIT
from tests.kit.server import ServerProcess
from tests.kit.sockets import sockets
from tests.workers.machines import KEY, files, machine
from tests.workers.test_workers import (
    PATH,
    wait_until,
)


@dataclass
class Attacked:
    server: ServerProcess
    port: int
    queue: Valkey

    def refused(self) -> dict[str, int]:
        return self.server.get_json("/")["machines_refused"]

    def node(self) -> str:
        return RawPolling.open(self.server.address, PATH).sid[:6]


@pytest.fixture(scope="module")
def attacked(valkey: Valkey) -> Iterator[Attacked]:
    port = free_port()
    with machine(
        valkey, address=f"127.0.0.1:{port}", cluster_key=KEY, channel="attacked"
    ) as server:
        yield Attacked(server, port, valkey)


@pytest.fixture
def knocks(attacked: Attacked) -> Iterator[Callable[[], socket.socket]]:
    """Connect to where it expects other machines."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(
            socket.create_connection(("127.0.0.1", attacked.port), timeout=WAIT)
        )


Knocks = Callable[[], socket.socket]


def read(connection: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size and (data := connection.recv(size - len(found))):
        found += data
    return found


def is_closed(connection: socket.socket) -> bool:
    """Whether it ends, in time, without another word."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def meet(connection: socket.socket, node: str, purpose: bytes = FRAMES, key: str = KEY) -> Known:
    """Greet as another machine does."""
    guest = Guest(Secret(key.encode()), purpose, "friend", node)
    connection.sendall(guest.hello)
    proof, known = guest.take(read(connection, guest.awaited))
    connection.sendall(proof)
    return known


def ask(connection: socket.socket, known: Known, sid: str) -> Frame:
    """Relay a polling request; returns the answer to it."""
    outline = ["POST", target(PATH, "polling", sid).partition("?")[2], []]
    for frame in (Frame(Kind.REQUEST, 1, outline), Frame(Kind.COMPLETE, 1, body=b"40")):
        connection.sendall(known.sealer.seal(frame.encode()))
    reader = FrameReader()
    while data := connection.recv(65536):
        for frame in reader.feed(known.opener.feed(data)):
            if frame.kind is Kind.ANSWER:
                return frame
    raise AssertionError("not answered")


def test_who_has_the_key_is_answered(attacked: Attacked, knocks: Knocks) -> None:
    """So that the refusals below are none of everybody."""
    connection = knocks()
    sid = RawPolling.open(attacked.server.address, PATH).sid
    assert ask(connection, meet(connection, sid[:6]), sid).head[0] == 200


def test_a_wrong_key(attacked: Attacked, knocks: Knocks) -> None:
    """It shows on either side: our proof is not believed, and a proof made without looking is refused."""
    connection = knocks()
    guest = Guest(
        Secret(b"another key, as long as a key has to be"), FRAMES, "friend", attacked.node()
    )
    connection.sendall(guest.hello)
    challenge = read(connection, guest.awaited)
    with pytest.raises(ForgedError):
        guest.take(challenge)
    connection.sendall(bytes(32))
    assert is_closed(connection)
    assert attacked.refused()["forged"]
    assert "another machine's word refused: forged: 127.0.0.1" in attacked.server.log


def test_what_was_heard_serves_nobody(attacked: Attacked, knocks: Knocks) -> None:
    """A hello and a proof, said again; and the host's proof, said to it."""
    connection = knocks()
    guest = Guest(Secret(KEY.encode()), FRAMES, "friend", attacked.node())
    connection.sendall(guest.hello)
    challenge = read(connection, guest.awaited)
    proof, _ = guest.take(challenge)
    connection.sendall(proof)
    for said in (proof, challenge[32:]):
        again = knocks()
        again.sendall(guest.hello)
        assert read(again, guest.awaited)[:32] != challenge[:32]
        again.sendall(said)
        assert is_closed(again)


@pytest.mark.parametrize(
    "said",
    [b"GET /socket.io/ HTTP/1.1\r\nHost: x\r\n\r\n" * 3, b"\0" * 100_000, b"duplex 1" + bytes(200)],
    ids=["http", "much", "nearly"],
)
def test_what_is_no_greeting(knocks: Knocks, said: bytes) -> None:
    connection = knocks()
    connection.sendall(said)
    assert is_closed(connection)


def test_another_node_is_not_answered_for(knocks: Knocks) -> None:
    """Its port may have been another process's before."""
    connection = knocks()
    connection.sendall(Guest(Secret(KEY.encode()), FRAMES, "friend", "NOBODY").hello)
    assert is_closed(connection)


def seal(known: Known, frame: bytes) -> bytearray:
    return bytearray(known.sealer.seal(frame))


def test_records_that_were_changed_left_out_or_said_again(
    attacked: Attacked, knocks: Knocks
) -> None:
    frame = Frame(Kind.ALIVE).encode()
    for spoil in ("changed", "left out", "said again", "too large", "cut"):
        connection = knocks()
        known = meet(connection, attacked.node())
        first, second = seal(known, frame), seal(known, frame)
        if spoil == "changed":
            first[-1] ^= 1
        elif spoil == "left out":
            first = second
        elif spoil == "said again":
            first = first + first
        elif spoil == "too large":
            first[:4] = (LARGEST + 1).to_bytes(4)
        else:
            first = first[:-3] + second
        connection.sendall(first)
        assert hears_only_signs_of_life(connection), spoil
    assert attacked.refused()["forged"] >= 5


def hears_only_signs_of_life(connection: socket.socket) -> bool:
    """Until the connection ends."""
    heard = 0
    try:
        while data := connection.recv(65536):
            heard += len(data)
    except ConnectionResetError:
        pass
    return heard <= 10 * 64


def test_who_says_nothing_or_slowly(attacked: Attacked, knocks: Knocks) -> None:
    """They are given a moment, together; those who know the key come in meanwhile."""
    silent = [knocks() for _ in range(10)]
    slow = knocks()
    hello = Guest(Secret(KEY.encode()), FRAMES, "friend", attacked.node()).hello
    began = time.monotonic()
    try:
        for byte in hello:
            slow.sendall(bytes([byte]))
            time.sleep(0.1)
    except (BrokenPipeError, ConnectionResetError):
        pass
    assert PATIENCE - 0.5 < time.monotonic() - began < PATIENCE + 2
    assert all(is_closed(connection) for connection in silent)
    assert attacked.refused()["too slow"] >= 11


def test_many_strangers_keep_nobody_out(attacked: Attacked, knocks: Knocks) -> None:
    """The oldest make room for the newest, and their connections are closed."""
    before = sockets(attacked.server.pid)
    strangers = [knocks() for _ in range(3 * MOST_STRANGERS)]
    connection = knocks()
    sid = RawPolling.open(attacked.server.address, PATH).sid
    assert ask(connection, meet(connection, sid[:6]), sid).head[0] == 200
    assert sockets(attacked.server.pid) < before + MOST_STRANGERS + 16
    assert all(is_closed(stranger) for stranger in strangers)
    wait_until(lambda: sockets(attacked.server.pid) < before + 16)
    assert attacked.refused()["too many strangers"] >= 2 * MOST_STRANGERS


def test_forged_requests_of_one_who_knows_the_key(attacked: Attacked, knocks: Knocks) -> None:
    """They cost their connection at most; a WebSocket is checked as any is."""
    connection = knocks()
    known = meet(connection, attacked.node())
    connection.sendall(known.sealer.seal(Frame(Kind.REQUEST, 1, ["no", "request"]).encode()))
    assert hears_only_signs_of_life(connection)
    attacked.server.allow_traceback("ValueError")
    other = knocks()
    sid = RawPolling.open(attacked.server.address, PATH).sid
    known = meet(other, sid[:6], WEBSOCKET)
    described = {
        "type": "websocket",
        "path": PATH,
        "headers": [],
        "query_string": f"EIO=4&transport=websocket&sid={sid}",
    }
    other.sendall(known.sealer.seal(beginning(described, b"")))
    assert known.opener.feed(other.recv(65536)).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    "reason",
    [
        "stale announcement",
        "unsigned announcement",
        "forged announcement",
        "another's announcement",
    ],
)
def test_announcements_that_are_not_believed(attacked: Attacked, reason: str) -> None:
    """Nobody is connected to for them."""
    secret, node = Secret(KEY.encode()), "friend"
    with socket.create_server(("127.0.0.1", 0)) as trap:
        address = f"127.0.0.1:{trap.getsockname()[1]}"
        told: Any = announce(secret, node, address, time.time())
        if reason.startswith("stale"):
            told = announce(secret, node, address, time.time() - FRESH - 5)
        elif reason.startswith("unsigned"):
            del told["proof"]
        elif reason.startswith("forged"):
            told["time"] += 1
        else:
            node, reason = "foe---", "forged announcement"
        before = attacked.refused().get(reason, 0)
        tell(attacked, node, told)
        wait_until(lambda: attacked.refused().get(reason, 0) > before)
        trap.settimeout(0.3)
        with pytest.raises(TimeoutError):
            trap.accept()
        tell(attacked, "friend", announce(secret, "friend", address, time.time()))
        trap.settimeout(WAIT)
        connection, _ = trap.accept()  # whereas this is
        connection.close()


def tell(attacked: Attacked, node: str, told: Any) -> None:
    """Announce a member on the queue."""
    message = {
        "method": "member",
        "host_id": "x",
        "node": node,
        "state": "here",
        "facts": {"relay": told},
    }
    with redis.Redis.from_url(attacked.queue.url) as client:
        client.publish("attacked", json.dumps(message))


def test_certificates_of_others(valkey: Valkey, authority: trustme.CA, tmp_path: Path) -> None:
    """Without one, and with one of another authority, nobody gets further than TLS."""
    port = free_port()
    tls = files(authority, tmp_path)
    options = {"cluster_tls": tls, "channel": "tls", "address": f"127.0.0.1:{port}"}
    other = tmp_path / "other"
    other.mkdir()
    foreign, _, _ = files(trustme.CA(), other)
    with machine(valkey, **options) as server:
        node = RawPolling.open(server.address, PATH).sid[:6]
        for certificate in (None, (foreign, str(other / "key.pem")), (tls[0], tls[1])):
            context = ssl.create_default_context(cafile=tls[2])
            context.check_hostname = False
            if certificate is not None:
                context.load_cert_chain(*certificate)
            raw = socket.create_connection(("127.0.0.1", port), timeout=WAIT)
            connection = context.wrap_socket(raw)
            if certificate == (tls[0], tls[1]):
                meet(connection, node, key="")
                assert not is_closed(connection)
            else:
                with pytest.raises((OSError, ValueError, Exception)):
                    meet(connection, node, key="")
                    assert not is_closed(connection)
            connection.close()
        with socket.create_connection(("127.0.0.1", port), timeout=WAIT) as plain:
            plain.sendall(b"no TLS at all" * 10)
            wait_until(lambda: server.get_json("/")["machines_refused"].get("no TLS", 0) >= 3)
