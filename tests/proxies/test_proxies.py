"""Four workers behind real proxies, with the official client: any request may come to any of them."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from tests.proxies.clients import Clients, State
from tests.proxies.fronts import Front
from tests.proxies.served import HANDS_OVER, WORKERS, Served, wait_until

CLIENTS, MANY = 60, 400
PROXIES = ["nginx", "haproxy", "caddy"]
#: How long after a worker was killed its clients are back.
BACK = 5.0


@dataclass(frozen=True)
class Certificate:
    pem: Path
    authority: Path


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    found = Certificate(folder / "server.pem", folder / "authority.pem")
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(found.pem)
    authority.cert_pem.write_to_path(found.authority)
    return found


@pytest.fixture(scope="module", params=["run", "gunicorn", "uvicorn"])
def way(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def server(way: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(way, tmp_path_factory.mktemp("home")) as server:
        with Clients(
            server.url, 2 * CLIENTS
        ) as clients:  # each worker has begun what it begins with its first
            clients.wait_until_connected()
        yield server


@pytest.fixture
def front(
    request: pytest.FixtureRequest, server: Served, tmp_path: Path, certificate: Certificate
) -> Iterator[Front]:
    with Front(request.param, server.address, tmp_path, certificate.pem) as front:
        yield front


# -- everybody is served ---------------------------------------------------------------------------


def test_directly(server: Served) -> None:
    with Clients(server.url, CLIENTS) as clients:
        check(server, clients)
        connections = {pid: server.connections(pid) for pid in server.workers()}
        for state in clients.states():
            if is_with_owner(server, state):
                assert state.pid and state.port in connections[state.pid], state
    assert "answered early" not in server.log  # gunicorn has more threads than polls


@pytest.mark.parametrize("front", PROXIES, indirect=True)
def test_behind_a_proxy(server: Served, front: Front) -> None:
    before = server.sockets()
    with Clients(front.url, CLIENTS) as clients:
        check(server, clients)
        owners = [state.pid for state in clients.states() if is_with_owner(server, state)]
        for pid in server.workers():
            assert len(server.connections(pid)) >= owners.count(pid)
        clients.leave()
        wait_until(lambda: server.sockets() <= before + 4)


@pytest.mark.parametrize("way", ["run"], indirect=True)
@pytest.mark.parametrize("front", PROXIES, indirect=True)
def test_behind_a_proxy_that_decrypts(
    server: Served, front: Front, certificate: Certificate
) -> None:
    with Clients(front.tls_url, CLIENTS, certificate.authority) as clients:
        check(server, clients)


def test_workers_that_decrypt(way: str, certificate: Certificate, tmp_path: Path) -> None:
    with Served(way, tmp_path, certificate.pem) as server:
        url = server.url.replace("http:", "https:")
        sockets = list[int]()
        for count in (CLIENTS, CLIENTS // 2):
            with Clients(url, count, certificate.authority) as clients:
                check(server, clients)
            sockets.append(server.sockets())
        assert sockets[1] <= sockets[0] + 4


def check(server: Served, clients: Clients) -> None:
    """All connect and stay; rooms and broadcasts reach those that they should, and nobody twice."""
    clients.wait_until_connected()
    wait_until(lambda: all(is_settled(state) for state in clients.states()))
    check_messages(clients)
    for state in clients.states():
        assert state.disconnects == [] and state.connects == 1, server.log
        assert state.errors == []


def check_messages(clients: Clients) -> None:
    everybody = list(range(clients.count))
    inside = everybody[::2]
    for data in (1, 2, "x" * 300_000):
        assert clients.echo(everybody, data) == [data] * clients.count
    clients.emit(inside, "join", "room")
    assert clients.echo(inside, "joined") == ["joined"] * len(inside)
    clients.emit([1], "shout", "all")
    wait_until(lambda: all(["shouted", "all"] in state.heard for state in clients.states()))
    clients.emit([0], "tell", ["room", "some"])
    wait_until(lambda: all(clients.states()[number].heard[1:] for number in inside))
    assert clients.echo(everybody, "end") == ["end"] * clients.count
    for state in clients.states():
        told = [["told", "some"]] if state.number in inside else []
        assert state.heard == [["shouted", "all"], *told]


def is_settled(state: State) -> bool:
    return state.transport == ("polling" if state.kind == "polling" else "websocket")


def is_with_owner(server: Served, state: State) -> bool:
    """Whether its connection is the worker's that has its session."""
    return state.kind == "websocket" or (
        state.transport == "websocket" and server.way in HANDS_OVER
    )


# -- a worker is killed ----------------------------------------------------------------------------


@pytest.mark.waiting
def test_a_worker_is_killed(server: Served) -> None:
    with Clients(server.url, CLIENTS) as clients:
        kill_one(server, clients)


@pytest.mark.waiting
@pytest.mark.parametrize("front", PROXIES, indirect=True)
def test_a_worker_is_killed_behind_a_proxy(server: Served, front: Front) -> None:
    with Clients(front.url, CLIENTS) as clients:
        kill_one(server, clients)


def kill_one(server: Served, clients: Clients) -> None:
    """Its clients come back; WebSockets of the others notice nothing."""
    clients.wait_until_connected()
    wait_until(lambda: all(is_settled(state) for state in clients.states()))
    clients.forget()
    before = clients.states()
    workers = server.workers()
    victim = before[0].pid
    assert victim
    os.kill(victim, signal.SIGKILL)
    begun = time.monotonic()
    wait_until(lambda: victim not in {state.pid for state in clients.states()})
    clients.wait_until_connected(BACK)
    assert time.monotonic() < begun + BACK
    for old, new in zip(before, clients.states(), strict=True):
        if is_with_owner(server, old) and old.pid != victim:
            assert (new.disconnects, new.sid) == ([], old.sid), new
    everybody = list(range(clients.count))
    assert clients.echo(everybody, "back") == ["back"] * clients.count
    wait_until(lambda: len(server.workers()) == WORKERS)
    assert len(server.workers() - workers) == 1


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.parametrize("front", PROXIES, indirect=True)
def test_workers_are_killed_one_after_the_other(server: Served, front: Front) -> None:
    """With many clients, for as long as CLUSTER_SECONDS says; then all connections are closed."""
    before = server.sockets()
    ends = time.monotonic() + float(os.environ.get("CLUSTER_SECONDS", "30"))
    with Clients(front.url, MANY) as clients:
        while time.monotonic() < ends:
            begun = time.monotonic()
            kill_one(server, clients)
            time.sleep(max(0.0, begun + BACK - time.monotonic()))
        check_messages(clients)
        clients.leave()
        wait_until(lambda: server.sockets() <= before + 4)
