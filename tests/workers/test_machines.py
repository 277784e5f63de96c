"""Several machines behind a load balancer without affinity: they share nothing but a key and a message queue."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import trustme
from flask import Flask

from flask_socketio import SocketIO
from flask_socketio.cluster.members import REFRESH
from tests.kit.broker import Valkey
from tests.kit.engine import EngineWebSocket, RawPolling, target
from tests.kit.pausing import paused
from tests.kit.raw import RawWebSocket, Refused, request
from tests.kit.server import ServerProcess
from tests.kit.sio import SioClient
from tests.kit.sockets import sockets
from tests.proxies.clients import Clients, State
from tests.proxies.fronts import Front
from tests.workers.machines import KEY, balanced, files, machine, machines, no_more
from tests.workers.test_workers import (
    PATH,
    TRANSPORTS,
    Client,
    connect,
    connect_to_all,
    leave,
    upgrade,
    wait_until,
)

#: Of the official client.
CLIENTS = 60
#: How long after a machine was killed its clients are back.
BACK = 5.0
#: Seconds within which a request is answered whose owner says nothing any more.
BOUND = 15.0


@pytest.fixture(scope="module", params=["key", "tls", "both"])
def two(
    request: pytest.FixtureRequest,
    valkey: Valkey,
    authority: trustme.CA,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[list[ServerProcess]]:
    key = {"cluster_key": KEY}
    tls = {"cluster_tls": files(authority, tmp_path_factory.mktemp("pem"))}
    options = {"key": key, "tls": tls, "both": key | tls}[request.param]
    with machines(valkey, channel=request.param, **options) as servers:
        yield servers


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_each_is_served_as_by_one(two: list[ServerProcess], transport: str) -> None:
    """Whichever machine a request comes to."""
    with balanced(two) as at_balancer:
        clients = connect_to_all(at_balancer, transport, 2)
        for number in range(5):
            for client in clients:
                assert client.sio.call("echo", number) == [number]
        large = "x" * 900_000
        assert clients[0].sio.call("echo", large) == [large]
        clients[0].engine.send('451-7["echo",{"_placeholder":true,"num":0}]', b"\0\xff")
        assert clients[0].sio.recv().data == [b"\0\xff"]
        clients[0].sio.emit("shout", "hello")
        for client in clients:
            client.sio.expect("shouted", "hello")
        leave(clients)


def test_an_upgraded_client_that_leaves_is_gone(two: list[ServerProcess]) -> None:
    """By a close frame, by the end of TCP, and when the server ends it: no connection is left between them."""
    first, second = two
    before = [sockets(server.pid) for server in two]
    sessions_before = sessions(first)
    for leaves in ("close", "abort", "kick"):
        polling = RawPolling.open(first.address, PATH)
        polling.send("40")
        sid = json.loads(str(polling.recv())[2:])["sid"]
        polling.recv()
        upgraded = upgrade(second, polling)
        if leaves == "close":
            upgraded.ws.close()
        elif leaves == "abort":
            upgraded.ws.abort()
        else:
            assert second.get(f"/kick/{sid}").text == "kicked"
            assert upgraded.recv() == "41"
            upgraded.ws.close()
        wait_until(lambda: no_more(two, before))
    wait_until(lambda: sessions(first) <= sessions_before)


def sessions(server: ServerProcess) -> int:
    counters = server.get_json("/")
    return counters["sessions_opened"] - counters["sessions_closed"]


def test_forged_ids(two: list[ServerProcess]) -> None:
    """Of a machine that there never was, and of one that there is: refused at once, and only its owner is asked."""
    first, second = two
    real = RawPolling.open(first.address, PATH).sid
    for sid in ("AAAAAA" + real[6:], real[:6] + "A" * 20, real[:6], real[:5] + "%00" + real[6:]):
        for method in ("GET", "POST"):
            began = time.monotonic()
            reply = request(second.address, method, target(PATH, "polling", sid), body=b"3")
            assert (reply.status, reply.json()["code"]) == (400, 1)
            assert time.monotonic() - began < 0.5
        with pytest.raises(Refused) as refused:
            RawWebSocket.connect(second.address, target(PATH, "websocket", sid))
        assert refused.value.reply.status == 400


def test_two_workers_on_each_of_two_machines(valkey: Valkey) -> None:
    """On one machine connections are handed over, between two they are relayed; and one worker is killed."""
    with (
        machines(valkey, workers=2, cluster_key=KEY, channel="four") as servers,
        balanced(servers) as at_balancer,
    ):
        clients = [
            client for transport in TRANSPORTS for client in connect_to_all(at_balancer, transport)
        ]
        for number in range(4):
            for client in clients:
                assert client.sio.call("echo", number) == [number]
        victim = clients[0].pid
        os.kill(victim, signal.SIGKILL)
        # But for WebSockets that another machine's process, which was killed, had passed on.
        upgraded = [client for client in clients if isinstance(client.engine, EngineWebSocket)]
        others = [client for client in clients if client.pid != victim and client not in upgraded]
        for client in others:
            assert client.sio.call("echo", "still") == ["still"]
        newcomers = [connect(at_balancer, transport) for transport in TRANSPORTS * 2]
        for client in newcomers:
            assert client.sio.call("echo", "new") == ["new"]
        leave(others + newcomers)


@pytest.mark.parametrize("front", ["", "nginx", "haproxy"])
def test_the_official_client(two: list[ServerProcess], tmp_path: Path, front: str) -> None:
    """A third polls, a third upgrades, a third begins with WebSocket: nobody is refused or told less than all."""
    with ExitStack() as stack:
        found = stack.enter_context(balanced(two))
        if front:  # whose connections are many clients' at the same time
            pem = tmp_path / "unused.pem"
            trustme.CA().issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(pem)
            found = stack.enter_context(Front(front, found.address, tmp_path, pem))
        clients = stack.enter_context(Clients(found.url, CLIENTS))
        states = clients.wait_until_connected()
        assert {state.pid for state in states} == {server.pid for server in two}
        wait_until(lambda: all(map(is_settled, clients.states())))
        everybody = list(range(CLIENTS))
        for number in range(5):
            assert clients.echo(everybody, number) == [number] * CLIENTS
        clients.emit([1], "shout", "all")
        wait_until(lambda: all(state.heard == [["shouted", "all"]] for state in clients.states()))
        for state in clients.states():
            assert state.connects == 1
            assert state.disconnects == state.errors == []


def is_settled(state: State) -> bool:
    return state.transport == ("polling" if state.kind == "polling" else "websocket")


def test_a_server_that_keeps_its_connections(valkey: Valkey) -> None:
    """uvicorn's WebSockets go on as well, message by message, and end as those of others do."""
    given = {"message_queue": valkey.url, "cluster_address": "127.0.0.1:0", "cluster_key": KEY}
    env = {"OPTIONS": json.dumps({**given, "channel": "asgi"})}
    uvicorn = str(Path(sys.executable).with_name("uvicorn"))
    argv = [uvicorn, "--ws", "websockets-sansio", "--port", "0", "tests.proxies.asgi:asgi"]
    with ServerProcess(argv, env) as first, ServerProcess(argv, env) as second:
        before = [sockets(server.pid) for server in (first, second)]
        clients = [connect_by_two(first, second) for _ in range(4)]
        for client in clients:
            assert client.sio.call("echo", 1) == [1]
            large = "x" * 900_000
            assert client.sio.call("echo", large) == [large]
            client.engine.send('451-7["echo",{"_placeholder":true,"num":0}]', b"\0\xff")
            assert client.sio.recv().data == [b"\0\xff"]
        closed, aborted, kicked, wrong = clients
        closed.websocket.close()
        aborted.websocket.abort()
        second.get(f"/kick/{kicked.sid}")
        assert kicked.sio.recv_text() == "41"
        kicked.websocket.close()
        wrong.engine.send("9")
        assert wrong.websocket.expect_close() == 1002
        wait_until(lambda: no_more([first, second], before))
        sid = RawPolling.open(first.address, PATH).sid[:6] + "A" * 20
        with pytest.raises(Refused) as refused:
            RawWebSocket.connect(second.address, target(PATH, "websocket", sid))
        assert refused.value.reply.json()["code"] == 1


def connect_by_two(owner: ServerProcess, other: ServerProcess) -> Client:
    """A client of one that upgrades by way of the other."""
    polling = RawPolling.open(owner.address, PATH)
    engine = upgrade(other, polling)
    sio = SioClient(engine)
    sid = sio.connect()
    welcome = sio.recv().data[1]
    assert welcome == {"pid": owner.pid, "sid": sid}
    return Client(sio, owner.pid, sid)


# -- a machine that ends, or says nothing any more ------------------------------------------------


def test_a_machine_that_is_killed(valkey: Valkey) -> None:
    """What it was asked is answered, its WebSockets end, and nobody waits for it from then on."""
    with machines(valkey, cluster_key=KEY, channel="killed") as (first, second):
        own = connect(second, "websocket")
        polling = RawPolling.open(first.address, PATH)
        upgraded = upgrade(second, RawPolling.open(first.address, PATH))
        polling.address = second.address
        poll = polling.start_poll()
        os.kill(first.pid, signal.SIGKILL)
        assert poll.reply().status == 400
        upgraded.expect_gone()
        began = time.monotonic()
        assert polling.start_poll().reply().status == 400
        assert time.monotonic() - began < 0.5
        assert own.sio.call("echo", "still") == ["still"]
        leave([own])
        with machine(valkey, cluster_key=KEY, channel="killed") as third:
            client = connect(third, "polling")
            client.engine.address = second.address  # pyright: ignore[reportAttributeAccessIssue]
            assert client.sio.call("echo", 1) == [1]


def test_a_machine_that_is_killed_with_the_official_client(valkey: Valkey) -> None:
    """Its clients are back within a few seconds; of the others only those that it passed on have noticed."""
    with (
        machines(valkey, cluster_key=KEY, channel="official") as servers,
        balanced(servers) as found,
        Clients(found.url, CLIENTS) as clients,
    ):
        clients.wait_until_connected()
        wait_until(lambda: all(map(is_settled, clients.states())))
        victim, other = servers
        direct = [
            state.number
            for state in clients.states()
            if state.kind == "websocket" and state.pid == other.pid
        ]
        clients.forget()
        os.kill(victim.pid, signal.SIGKILL)
        wait_until(lambda: all(state.pid == other.pid for state in clients.states()), BACK)
        assert clients.echo(list(range(CLIENTS)), "back") == ["back"] * CLIENTS
        states = clients.states()
        assert direct
        assert all(states[number].disconnects == [] for number in direct)


def test_a_machine_that_stands_still(valkey: Valkey) -> None:
    """Whoever waits for it is told within a bounded time; when it goes on, it is one of them again."""
    with machines(valkey, cluster_key=KEY, channel="still") as (first, second):
        polling = RawPolling.open(first.address, PATH)
        polling.address = second.address
        poll = polling.start_poll()
        with paused(first.pid):
            assert poll.reply(BOUND).status == 400
            assert (
                request(second.address, "GET", target(PATH, "polling", polling.sid)).status == 400
            )
        assert second.log.count("does not answer") == 1
        wait_until(lambda: works(first, second), REFRESH + 10)


def works(first: ServerProcess, second: ServerProcess) -> bool:
    """Whether a client of one is served by way of the other."""
    polling = RawPolling.open(first.address, PATH)
    return (
        request(second.address, "POST", target(PATH, "polling", polling.sid), body=b"40").status
        == 200
    )


def test_without_the_message_queue_they_go_on(tmp_path: Path) -> None:
    queue = Valkey(tmp_path)
    queue.start()
    with machines(queue, cluster_key=KEY) as (first, second):
        clients = [connect(first, transport) for transport in ("polling", "upgraded")]
        queue.kill()
        wait_until(lambda: second.get("/socket.io/health").json()["status"] == "degraded")
        clients[0].engine.address = second.address  # pyright: ignore[reportAttributeAccessIssue]
        for client in (*clients, connect(second, "upgraded")):
            assert client.sio.call("echo", "still") == ["still"]
        assert works(first, second)
        queue.start()
        leave(clients)
    queue.end()


def test_an_address_that_is_in_use(valkey: Valkey) -> None:
    """The server does not start, and says in a line why."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        server = machine(valkey, address=address, cluster_key=KEY)
        with pytest.raises(AssertionError):
            server.start()
    assert server.process.wait() == 1 or server.process.returncode == 3
    assert f"cluster_address='{address}': Address already in use (several workers" in server.log
    assert "Traceback" not in server.log


# -- options ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"cluster_key": "short"}, "cluster_key has 5 bytes: 32 random ones are needed"),
        ({"cluster_key": KEY}, "cluster_address='host:port' is missing"),
        ({"cluster_address": "10.0.0.1:7000"}, "cluster_address needs cluster_key or cluster_tls"),
        (
            {"cluster_address": "10.0.0.1:7000", "cluster_key": KEY},
            "cluster_address needs message_queue",
        ),
        (
            {"cluster_address": "0.0.0.0:7000", "cluster_key": KEY, "message_queue": "redis://"},
            "the address that they",
        ),
        (
            {"cluster_address": "10.0.0.1", "cluster_key": KEY, "message_queue": "redis://"},
            "is not host:port",
        ),
        ({"cluster_tls": "one.pem"}, "three PEM files are needed"),
        ({"cluster_tls": ("no.pem", "no.pem", "no.pem")}, "No such file"),
    ],
)
def test_options_that_do_not_go_together(options: dict[str, Any], what: str) -> None:
    with pytest.raises(ValueError, match=what) as raised:
        SocketIO(Flask(__name__), **options)
    assert KEY not in str(raised.value)
