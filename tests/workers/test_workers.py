"""Four processes, one port: any request may come to any of them, and each client is served as by one."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPSConnection
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import trustme
from websockets.asyncio.client import connect as connect_websocket

from flask_socketio.serving.run.supervisor import how_many
from tests.kit.engine import EngineClient, EngineWebSocket, RawPolling, target
from tests.kit.pausing import paused
from tests.kit.raw import RawWebSocket, Refused, request
from tests.kit.server import ServerProcess
from tests.kit.sio import SioClient
from tests.kit.sockets import sockets

APP = Path(__file__).with_name("app.py")
PATH = "/socket.io/"
WORKERS = 4
TRANSPORTS = ["polling", "websocket", "upgraded"]


def app_process(workers: int = WORKERS, **env: str) -> ServerProcess:
    return ServerProcess.script(APP, {"WORKERS": str(workers), **env})


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with app_process() as server:
        yield server


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def pids(server: ServerProcess, enough: int = WORKERS) -> set[int]:
    """The processes that answer pages."""
    found: set[int] = set()
    deadline = time.monotonic() + 20
    while len(found) < enough and time.monotonic() < deadline:
        with ThreadPoolExecutor(8) as threads:
            found |= {
                page["pid"] for page in threads.map(lambda _: server.get_json("/"), range(16))
            }
    return found


@dataclass
class Client:
    sio: SioClient
    pid: int
    sid: str

    @property
    def engine(self) -> EngineClient:
        return self.sio.engine

    @property
    def websocket(self) -> RawWebSocket:
        assert isinstance(self.engine, EngineWebSocket)
        return self.engine.ws


def connect(server: ServerProcess, transport: str) -> Client:
    if transport == "websocket":
        engine: EngineClient = EngineWebSocket.open(server.address, PATH)
    else:
        engine = polling = RawPolling.open(server.address, PATH)
        if transport == "upgraded":
            engine = upgrade(server, polling)
    sio = SioClient(engine)
    engine.send("40")
    assert sio.recv().data.keys() == {"sid"}
    welcome = sio.recv().data
    return Client(sio, welcome[1]["pid"], welcome[1]["sid"])


def upgrade(server: ServerProcess, polling: RawPolling) -> EngineWebSocket:
    ws = RawWebSocket.connect(server.address, target(PATH, "websocket", polling.sid))
    ws.send("2probe")
    assert ws.recv() == "3probe"
    ws.send("5")
    return EngineWebSocket(ws, polling.handshake, server.address, PATH)


def connect_to_all(server: ServerProcess, transport: str, processes: int = WORKERS) -> list[Client]:
    """Clients of which each process has one at least."""
    clients = list[Client]()
    wait_until(
        lambda: (
            clients.append(connect(server, transport))
            or len({client.pid for client in clients}) == processes
        )
    )
    return clients


def leave(clients: list[Client]) -> None:
    for client in clients:
        client.engine.leave()


def test_the_line_says_how_many(server: ServerProcess) -> None:
    assert re.search(r" \* 4 workers\n \* Running on http://127", server.log)
    assert len(re.findall("Running on|Serving Flask app", server.log)) == 2
    assert len(pids(server)) == WORKERS


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_each_is_served_as_by_one(server: ServerProcess, transport: str) -> None:
    """Each of a polling client's requests is a new connection, to whichever process takes it."""
    clients = connect_to_all(server, transport)
    for number in range(5):
        for client in clients:
            assert client.sio.call("echo", number) == [number]
    large = "x" * 300_000
    assert clients[0].sio.call("echo", large) == [large]
    clients[0].engine.send('451-7["echo",{"_placeholder":true,"num":0}]', b"\0\xff")
    assert clients[0].sio.recv().data == [b"\0\xff"]
    leave(clients)


def test_what_is_emitted_reaches_all(server: ServerProcess) -> None:
    clients = [client for transport in TRANSPORTS for client in connect_to_all(server, transport)]
    inside = clients[::2]
    for client in inside:
        client.sio.emit("join", "room")
        assert client.sio.call("echo", 1) == [1]
    clients[0].sio.emit("shout", {"to": "all"})
    for client in clients:
        client.sio.expect("shouted", {"to": "all"})
    assert server.get("/tell/room/hello").text == "told"
    for client in inside:
        client.sio.expect("told", "hello")
    for client in clients:
        assert client.sio.call("echo", 2) == [2]  # and nothing else comes before
        assert server.get(f"/tell/{client.sid}/you").text == "told"
        client.sio.expect("told", "you")
    leave(clients)


def test_one_may_be_disconnected_from_anywhere(server: ServerProcess) -> None:
    clients = connect_to_all(server, "websocket")
    for client in clients:
        assert server.get(f"/kick/{client.sid}").text == "kicked"
        assert client.sio.recv_text() == "41"
    leave(clients)


def test_many_upgrades_at_once(server: ServerProcess) -> None:
    """Each WebSocket is in the process that has the session, and none hangs."""
    before = all_sockets(server)
    with ThreadPoolExecutor(16) as threads:
        clients = list(threads.map(lambda _: connect(server, "upgraded"), range(200)))
        list(threads.map(lambda client: client.sio.call("echo", 1), clients))
    assert all_sockets(server) > before + len(clients) / 2
    leave(clients)
    wait_until(lambda: all_sockets(server) <= before + 8)


def all_sockets(server: ServerProcess) -> int:
    return sum(map(sockets, pids(server)))


def test_forged_ids(server: ServerProcess) -> None:
    """Of a process that there never was, and of one that there is; such an id is no path either."""
    real = connect(server, "polling")
    named = real.engine.sid[:6]
    for sid in ("AAAAAA" + real.engine.sid[6:], "../../etc/passwd", "A", "%00%2f"):
        check_unknown(server, sid)
    refused = check_unknown(server, named + "A" * 20)
    assert set(refused) == {real.pid}
    assert real.sio.call("echo", "still") == ["still"]


def check_unknown(server: ServerProcess, sid: str) -> dict[int, int]:
    """Requests with it are refused at once, by one process each; returns how many by which.

    None has been asked but that which the id names, for then it would refuse them as well.
    """
    before, published = (
        counters(server, name) for name in ("handshakes_refused", "queue_received")
    )
    took = list[float]()
    for method in ("GET", "POST") * 3:
        begun = time.monotonic()
        reply = request(server.address, method, target(PATH, "polling", sid), body=b"3")
        took.append(time.monotonic() - begun)
        assert (reply.status, reply.json()["code"]) == (400, 1)
    with pytest.raises(Refused) as refused:
        RawWebSocket.connect(server.address, target(PATH, "websocket", sid))
    assert refused.value.reply.status == 400
    assert min(took) < 0.05  # where others keep the processors busy, some take longer
    after = counters(server, "handshakes_refused")
    assert counters(server, "queue_received") == published
    assert sum(after.values()) - sum(before.values()) == len(took) + 1
    return {pid: after[pid] - before[pid] for pid in after if after[pid] > before[pid]}


def counters(server: ServerProcess, name: str) -> dict[int, int]:
    """One of the counters, in each process."""
    found: dict[int, int] = {}
    while len(found) < WORKERS:
        page = server.get_json("/")
        found[page["pid"]] = page[name]
    return found


def test_servers_that_are_told_the_same_folder() -> None:
    """Started one by one, on ports of their own: what a proxy without sticky sessions makes one of."""
    with TemporaryDirectory(dir="/tmp") as folder:
        env = {"OPTIONS": json.dumps({"workers_dir": folder})}
        with app_process(1, **env) as first, app_process(1, **env) as second:
            polling = RawPolling.open(first.address, PATH)
            polling.send("40")
            while "welcome" not in str(polling.recv()):
                pass
            polling.address = second.address
            ws = connect(second, "websocket")
            ws.sio.emit("shout", "hello")
            assert polling.recv() == '42["shouted","hello"]'
            polling.send('420["echo",1]')
            assert polling.recv() == "430[1]"
            upgraded = upgrade(second, polling)
            upgraded.send('420["echo",2]')
            assert upgraded.recv() == "430[2]"
            leave([ws])
            upgraded.leave()
        assert list(Path(folder).iterdir()) == []  # which is there still


def test_a_process_that_stands_still() -> None:
    """What the others have for it waits within bounds; it goes on when it does."""
    with TemporaryDirectory(dir="/tmp") as folder:
        env = {"OPTIONS": json.dumps({"workers_dir": folder, "max_backlog_bytes": 4_000_000})}
        with app_process(1, **env) as first, app_process(1, **env) as second:
            first.get("/emit/10/1000")
            wait_until(lambda: second.get_json("/")["queue_received"] == 10)
            before = first.get_json("/memory")["bytes"]
            with paused(second.pid):
                for _ in range(60):  # more at once would take memory on their way
                    assert first.get("/emit/10/100000").text == "emitted"
                assert first.get_json("/memory")["bytes"] < before + 16 * 1024 * 1024
            lost = first.get_json("/")["queue_lost_by"]["backlog"]
            assert 500 < lost < 600
            wait_until(lambda: second.get_json("/")["queue_received"] == 610 - lost)
            first.get("/emit/1/1")
            wait_until(lambda: second.get_json("/")["queue_received"] == 611 - lost)
            assert first.log.count("another worker does not read") == 1


def test_a_body_that_never_ends() -> None:
    """It is refused by the one that has the session, and not passed on for ever."""
    with TemporaryDirectory(dir="/tmp") as folder:
        env = {"OPTIONS": json.dumps({"workers_dir": folder})}
        with app_process(1, **env) as first, app_process(1, **env) as second:
            polling = RawPolling.open(first.address, PATH)
            polling.address = second.address
            reply = polling.post(b"4" + b"x" * 3_000_000)
            assert reply.status == 413
            polling.expect_gone()


def test_a_folder_of_everybodys() -> None:
    with TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        with app_process(1, OPTIONS=json.dumps({"workers_dir": folder})) as server:
            leave([connect(server, "polling")])
            assert "is not private (chmod 700)" in server.log
            assert not list(Path(folder).iterdir())


def test_tls(tmp_path: Path) -> None:
    """What cannot be handed over, goes through the process that has the connection."""
    authority = trustme.CA()
    pem = tmp_path / "server.pem"
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(pem)
    context = ssl.create_default_context()
    authority.configure_trust(context)
    with app_process(CERTIFICATE=str(pem)) as server:
        port = server.address[1]
        for _ in range(3 * WORKERS):
            connection = HTTPSConnection("localhost", port, context=context)
            connection.request("GET", target(PATH, "polling"))
            sid = json.loads(connection.getresponse().read()[1:])["sid"]
            connection.close()
            url = f"wss://localhost:{port}{target(PATH, 'websocket', sid)}"
            asyncio.run(talk(url, context))


async def talk(url: str, context: ssl.SSLContext) -> None:
    """Upgrade and get large answers. By asyncio: two threads on one TLS connection stand still now and then."""
    async with connect_websocket(url, ssl=context) as websocket:
        for sent, answer in (("2probe", "3probe"), ("5", ""), ("40", "40{")):
            await websocket.send(sent)
            assert not answer or str(await websocket.recv()).startswith(answer)
        assert str(await websocket.recv()).startswith('42["welcome"')
        large = "x" * 900_000
        for _ in range(3):
            await websocket.send(f'420["echo","{large}"]')
        for _ in range(3):
            assert await websocket.recv() == f'430["{large}"]'


# -- processes that end ----------------------------------------------------------------------------


def test_a_process_that_is_killed() -> None:
    """Its clients find out and come back; the others' notice nothing, and another takes its place."""
    with app_process() as server:
        clients = {
            client.pid: client
            for transport in ("polling", "websocket")
            for client in connect_to_all(server, transport)
        }
        websockets = {client.pid: client for client in connect_to_all(server, "websocket")}
        before = pids(server)
        victim = next(iter(before))
        poll = None
        for pid, client in clients.items():
            if pid == victim and isinstance(client.engine, RawPolling):
                poll = client.engine.start_poll()
        os.kill(victim, signal.SIGKILL)
        websockets.pop(victim).engine.expect_gone()
        if poll is not None:
            reply = poll.reply_or_none()
            assert reply is None or reply.status == 400
        for client in websockets.values():
            assert client.sio.call("echo", "still") == ["still"]
        wait_until(lambda: len(pids(server) - {victim}) == WORKERS)
        assert len(pids(server) - before) == 1
        assert f"worker {victim} has ended (SIGKILL)" in server.log
        check_unknown(server, clients[victim].engine.sid)
        newcomers = connect_to_all(server, "upgraded")
        newcomers[0].sio.emit("shout", "hello")
        for client in (*newcomers, *websockets.values()):
            client.sio.expect("shouted", "hello")


def test_sighup_replaces_them_one_by_one() -> None:
    with app_process(2) as server:
        before = pids(server, 2)
        os.kill(server.pid, signal.SIGHUP)
        after: set[int] = set()
        deadline = time.monotonic() + 60
        while len(after) < 2 or after & before:
            assert time.monotonic() < deadline
            after = {server.get_json("/")["pid"] for _ in range(8)}  # it always answers
        assert not before & pids(server, 2)


def test_all_end_with_the_first() -> None:
    """On SIGTERM with status 0 and without a word, leaving nothing; and also when that one is killed."""
    with TemporaryDirectory(dir="/tmp") as folder:
        check_ends(Path(folder))


def check_ends(tmp_path: Path) -> None:
    for number, status in ((signal.SIGTERM, 0), (signal.SIGKILL, -9)):
        with app_process(2, TMPDIR=str(tmp_path)) as server:
            running = pids(server, 2)
            os.kill(server.pid, number)
            assert server.process.wait(20) == status
            wait_until(lambda running=running: not any(map(is_running, running)))
            assert number == signal.SIGKILL or not list(tmp_path.iterdir())


def test_stop_ends_all() -> None:
    with app_process(2) as server:
        running = pids(server, 2)
        assert server.get("/stop").text == "stopping"
        assert server.process.wait(20) == 0
        assert not any(map(is_running, running))


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_workers_that_do_not_start(tmp_path: Path) -> None:
    fails = tmp_path / "fails"
    fails.touch()
    server = app_process(FAILS=str(fails))
    with pytest.raises(AssertionError):
        server.start()
    assert server.process.wait() == 1
    assert server.log.count("it could not be started, so the others are stopped as well") == 1


def test_without_sighup() -> None:
    """As on Windows: one process, and a line that says so."""
    code = (
        "import signal; del signal.SIGHUP\n"
        "from flask_socketio.serving.run import run, supervisor\n"
        "print(supervisor.how_many(4))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout == "1\n"
    assert "workers=4: on Windows there is one process" in ended.stderr


def test_a_number_that_is_none() -> None:
    for given in ("many", "", 0, -1, True, "1.5"):
        with pytest.raises(
            ValueError, match=r"workers=.* a number from 1 on is needed, or \"auto\""
        ):
            how_many(given)
    assert how_many("auto") >= 1
    assert how_many("3") == 3
