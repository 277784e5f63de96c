"""A client that reads more slowly than it is sent to: what may wait for it is bounded, and what happens then is chosen.

These clients do not read at all for a while, and what the kernel takes meanwhile is some megabytes.
"""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.conformance.servers import (
    SOCKETIO_PATH,
    OpenClient,
    RunApp,
    final_journal,
    runs,
)
from tests.kit.engine import EngineWebSocket, Packet, RawPolling, upgrade
from tests.kit.raw import WAIT
from tests.kit.server import ServerProcess
from tests.kit.sio import ACK, CONNECT, SioClient, connect_packet, event_packet

BOUND = 100_000
COUNT, SIZE = 1_000, 10_000
# After an upgrade nothing is different.
direct = pytest.mark.parametrize("transport", ["polling", "websocket"], indirect=True)
dropping = pytest.mark.parametrize("policy", ["drop-oldest", "drop-new"])


def flood(server: ServerProcess, room: str, first: int = 0, count: int = COUNT) -> None:
    """Emit numbered events."""
    assert server.get(f"/numbers/{room}/{first}/{count}/{SIZE}").status == 200


def wait_for_runs(server: ServerProcess, what: str, count: int) -> None:
    deadline = time.monotonic() + WAIT
    while runs(server).get(what, 0) < count:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def counters(server: ServerProcess) -> dict[str, Any]:
    counted = server.get_json("/counters")
    assert isinstance(counted, dict)
    return counted


def numbers_until_ack(client: SioClient, id_: int) -> list[int]:
    """The numbers of the events that come before an ack, each of them whole."""
    numbers: list[int] = []
    while (packet := client.recv()).type != ACK:
        event, number, text, *attachments = packet.data
        assert (event, len(text)) == ("number", SIZE)
        assert attachments == [b"%d" % number] * 2
        numbers.append(number)
    assert packet.id == id_
    return numbers


def test_disconnect(run_app: RunApp, open_client: OpenClient) -> None:
    server = run_app(max_queued=BOUND)
    client = open_client(server)
    sid = client.join()
    before = counters(server)
    flood(server, sid)
    assert final_journal(server, sid) == ["connect", "disconnect:slow consumer"]
    counted = counters(server)
    assert counted["closed_by"]["slow consumer"] == before["closed_by"].get("slow consumer", 0) + 1
    assert counted["limits_reached"]["max_queued"] > before["limits_reached"].get("max_queued", 0)
    assert counted["events_dropped"] == 0
    assert "a client does not read: more than 100000 bytes wait for it (max_queued)" in server.log
    if isinstance(client.engine, EngineWebSocket):
        assert client.engine.ws.expect_close() == 1008
    else:
        client.engine.expect_gone()


@dropping
def test_events_are_dropped_and_counted(
    run_app: RunApp, open_client: OpenClient, policy: str
) -> None:
    """What comes is whole and in order, and nothing else is missing: acks are not, nor is the connection."""
    server = run_app(max_queued=BOUND, slow_consumer=policy)
    client = open_client(server)
    sid = client.join()
    before = counters(server)["events_dropped"]
    so_far = runs(server).get("ack", 0)
    flood(server, sid, 0, COUNT)
    for id_ in range(5):
        client.emit("ack", "value", id=id_)
    wait_for_runs(server, "ack", so_far + 5)
    flood(server, sid, COUNT, COUNT)
    client.emit("ack", "value", id=5)
    received = [numbers_until_ack(client, id_) for id_ in range(6)]
    flat = [number for numbers in received for number in numbers]
    assert flat == sorted(set(flat))
    assert flat[0] == 0 if policy == "drop-new" else flat[-1] == 2 * COUNT - 1
    dropped = counters(server)["events_dropped"] - before
    assert dropped > COUNT
    assert len(flat) + dropped == 2 * COUNT
    flood(server, sid, 2 * COUNT, 1)
    client.emit("ack", "value", id=6)
    assert numbers_until_ack(client, 6) == [2 * COUNT]


@dropping
def test_what_waits_moves_to_the_websocket(run_app: RunApp, policy: str) -> None:
    server = run_app(max_queued=BOUND, slow_consumer=policy)
    polling = RawPolling.open(server.address, SOCKETIO_PATH)
    client = SioClient(polling)
    sid = client.join()
    before = counters(server)["events_dropped"]
    flood(server, sid, 0, 100)
    client.engine = upgrade(server, polling)
    flood(server, sid, 100, COUNT)
    client.emit("ack", "value", id=1)
    received = numbers_until_ack(client, 1)
    assert received == sorted(set(received))
    assert len(received) + counters(server)["events_dropped"] - before == 100 + COUNT
    assert received[0] == 0 if policy == "drop-new" else 80 < received[0] < 100
    client.engine.leave()


@direct
@dropping
def test_before_the_connect_handler_has_returned(
    run_app: RunApp, open_client: OpenClient, policy: str
) -> None:
    server = run_app(max_queued=BOUND, slow_consumer=policy)
    client = open_client(server)
    client.join()
    before = counters(server)["events_dropped"]
    client.engine.send(connect_packet("/flood", {"count": 100, "size": SIZE}))
    assert client.recv().type == CONNECT
    client.emit("ack", "value", id=1)
    received = numbers_until_ack(client, 1)
    assert len(received) + counters(server)["events_dropped"] - before == 100
    assert received[0] == 0 if policy == "drop-new" else received[-1] == 99
    assert len(received) <= BOUND // SIZE + 1


@direct
def test_too_much_before_the_connect_handler_has_returned(
    run_app: RunApp, open_client: OpenClient
) -> None:
    server = run_app(max_queued=BOUND)
    client = open_client(server)
    sid = client.join()
    client.engine.send(connect_packet("/flood", {"count": 100, "size": SIZE}))
    assert final_journal(server, sid) == ["connect", "disconnect:slow consumer"]


@direct
def test_what_cannot_be_dropped_is_bounded_as_well(
    run_app: RunApp, open_client: OpenClient
) -> None:
    """A client that asks and asks, and does not read the answers."""
    server = run_app(max_queued=1_000, slow_consumer="drop-oldest")
    client = open_client(server)
    sid = client.join()
    packets = [event_packet(["message-with-ack", "x" * SIZE], id=number) for number in range(50)]
    for _ in range(40):
        client.engine.send(*packets)
    journal = final_journal(server, sid)
    assert journal[-1] == "disconnect:slow consumer"


@pytest.mark.timing
@pytest.mark.parametrize("transport", ["websocket"], indirect=True)
def test_a_ping_overtakes_what_waits(run_app: RunApp, open_client: OpenClient) -> None:
    """Or the client would miss it, and hang up."""
    server = run_app(ping_interval=0.5)
    client = open_client(server)
    sid = client.join()
    flood(server, sid)
    time.sleep(0.7)
    client.emit("ack", "value", id=1)
    packets: list[Packet] = []
    while not str(packet := client.engine.recv()).startswith("431"):
        packets.append(packet)
    number = f'452-["number",{COUNT - 1},'
    last = next(at for at, packet in enumerate(packets) if str(packet).startswith(number))
    assert packets.index("2") < last
