"""What one client sends all at once is handled in slices: the others have their turns in between."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from tests.conformance.servers import (
    SOCKETIO_PATH,
    OpenClient,
    RunApp,
    app_process,
    open_session,
)
from tests.kit.engine import EngineWebSocket, Packet, RawPolling, encode_payload
from tests.kit.raw import TEXT, frame
from tests.kit.server import ServerProcess
from tests.kit.sio import SioClient, event_packet

pytestmark = pytest.mark.usefixtures("unharmed")
direct = pytest.mark.parametrize("transport", ["polling", "websocket"], indirect=True)
polling = pytest.mark.parametrize("transport", ["polling"], indirect=True)
websocket = pytest.mark.parametrize("transport", ["websocket"], indirect=True)

LONG = 60.0
LAST = '427["ack","value"]'


def send_at_once(client: SioClient, packets: list[str]) -> None:
    """In one body, or in one piece to the socket."""
    engine = client.engine
    if isinstance(engine, RawPolling):
        assert engine.start_post(encode_payload(tuple(packets))).reply(LONG).body == b"ok"
    else:
        assert isinstance(engine, EngineWebSocket)
        engine.ws.sock.settimeout(LONG)
        engine.ws.send_raw(b"".join(frame(TEXT, packet.encode()) for packet in packets))


def last_is_answered(client: SioClient) -> list[Packet]:
    """Read until LAST is acknowledged; returns what came before."""
    seen: list[Packet] = []
    while (packet := client.engine.recv(LONG)) != '437["v"]':
        seen.append(packet)
    return seen


def turns_of(client: SioClient, until: Event) -> list[float]:
    """Seconds that each of one echo after the other took."""
    took: list[float] = []
    while not until.is_set():
        begun = time.perf_counter()
        client.emit("async-echo", len(took))
        client.expect("async-echo", len(took))
        took.append(time.perf_counter() - begun)
    return took


def flood(client: SioClient, packets: list[str], healthy: SioClient) -> tuple[float, list[float]]:
    """Seconds that it took, and those of the echoes of another client meanwhile."""
    over = Event()
    with ThreadPoolExecutor() as threads:
        turns = threads.submit(turns_of, healthy, over)
        try:
            begun = time.perf_counter()
            sent = threads.submit(send_at_once, client, [*packets, LAST])
            last_is_answered(client)
            sent.result()
            took = time.perf_counter() - begun
        finally:
            over.set()
        return took, turns.result()


FLOODS: dict[str, Callable[[int], str]] = {
    "pong": lambda number: "3",
    "event": lambda number: '42["nobody"]',
    "ack": lambda number: f"43{number}[]",
    "connect": lambda number: f"40/n{number},",
}


@pytest.fixture
def patient_app(run_app: RunApp) -> ServerProcess:
    """Takes any number of packets in one request."""
    return run_app(max_packets=1_000_000)


@polling
def test_a_request_of_too_many_packets_is_refused_at_once(
    app: ServerProcess, open_client: OpenClient
) -> None:
    client = open_client(app)
    client.join()
    assert isinstance(client.engine, RawPolling)
    reply = client.engine.post("\x1e".join(["3"] * 400_000))
    assert reply.status == 400
    assert app.get_json("/counters")["limits_reached"]["max_packets"] >= 1
    client.engine.expect_gone()


@pytest.mark.timing
@direct
@pytest.mark.parametrize("kind", FLOODS)
def test_others_have_their_turns(
    patient_app: ServerProcess, open_client: OpenClient, kind: str, transport: str
) -> None:
    count = {"pong": 130_000, "connect": 20_000}.get(kind, 30_000)
    packets = [FLOODS[kind](number) for number in range(count)]
    healthy = open_client(patient_app, "websocket")
    healthy.join()
    client = open_client(patient_app)
    client.join()
    took, turns = flood(client, packets, healthy)
    print(
        f"{kind} by {transport}: {took:.2f} s, {len(turns)} echoes, the slowest {max(turns):.3f} s"
    )
    assert len(turns) > 5
    assert max(turns) < max(took / 3, 0.1)


@pytest.mark.timing
@websocket
def test_others_have_their_turns_behind_a_large_message(
    patient_app: ServerProcess, open_client: OpenClient
) -> None:
    """The read buffer has room for all of them then."""
    healthy = open_client(patient_app, "websocket")
    healthy.join()
    client = open_client(patient_app)
    client.join()
    packets = [event_packet(["nobody", "x" * 900_000]), *["3"] * 100_000]
    took, turns = flood(client, packets, healthy)
    assert len(turns) > 5
    assert max(turns) < max(took / 3, 0.1)


@direct
def test_the_order_is_kept(app: ServerProcess, open_client: OpenClient) -> None:
    client = open_client(app)
    client.join()
    expected = [event_packet(["async-echo", number]) for number in range(5_000)]
    with ThreadPoolExecutor() as threads:
        sent = threads.submit(send_at_once, client, [*expected, LAST])
        for number in range(len(expected)):
            client.expect("async-echo", number)
        last_is_answered(client)
        sent.result()


@direct
def test_what_follows_the_end_of_a_session_is_dropped(
    app: ServerProcess, open_client: OpenClient
) -> None:
    """Also where that end is a mistake, in the midst of what came at once."""
    client = open_client(app)
    sid = client.join()
    packets = [*["3"] * 3_000, "9", event_packet(["message"])]
    body = encode_payload(tuple(packets))
    if isinstance(client.engine, RawPolling):
        assert client.engine.start_post(body).reply(LONG).status == 400
    else:
        send_at_once(client, packets)
    client.engine.expect_gone()
    assert "message" not in app.get_json(f"/journal/{sid}")


@websocket
def test_frames_before_the_end_of_a_connection_count(
    app: ServerProcess, open_client: OpenClient
) -> None:
    client = open_client(app)
    sid = client.join()
    assert isinstance(client.engine, EngineWebSocket)
    send_at_once(client, [*['42["nobody"]'] * 20_000, event_packet(["message"])])
    client.engine.ws.close()
    deadline = time.monotonic() + LONG
    while "disconnect:transport close" not in (ran := app.get_json(f"/journal/{sid}")):
        assert time.monotonic() < deadline, ran
        time.sleep(0.02)
    assert "message" in ran


@polling
def test_a_post_does_not_overtake(patient_app: ServerProcess, open_client: OpenClient) -> None:
    """A second one, before the first has been answered, ends the session."""
    client = open_client(patient_app)
    client.join()
    assert isinstance(client.engine, RawPolling)
    first = client.engine.start_post(encode_payload((event_packet(["nobody"]),) * 50_000))
    second = client.engine.post("3")
    assert (second.status, first.reply(LONG).status) == (400, 400)
    assert json.loads(second.body)["code"] == 3
    client.engine.expect_gone()


@direct
def test_the_log_does_not_grow_with_a_flood(lane: str, transport: str) -> None:
    with app_process(lane, logger=True) as server:
        client = SioClient(open_session(server, transport, SOCKETIO_PATH))
        client.join()
        for kind in ("connect", "event", "ack"):
            send_at_once(client, [*(FLOODS[kind](number) for number in range(2_000)), LAST])
            last_is_answered(client)
        client.engine.leave()
        for _ in range(50):
            assert server.get("/socket.io/?EIO=4&transport=telepathy").status == 400
        log = server.log
    assert log.count("it has no handlers") == log.count("has no handler\n") == 1
    assert log.count("belongs to no event") == log.count("refused: Transport unknown") == 1
