"""Socket.IO: what one client can make the server hold is bounded, and at a bound something definite happens."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.conformance.servers import (
    HASTY,
    OUR_OWN,
    SOCKETIO_PATH,
    OpenClient,
    RunApp,
    app_process,
    final_journal,
    journal,
    open_session,
    our_own_lane,
    runs,
)
from tests.kit.engine import EngineWebSocket, RawPolling, encode_payload, target, upgrade
from tests.kit.raw import QUIET, WAIT, Exchange
from tests.kit.server import ServerProcess
from tests.kit.sio import CONNECT, DISCONNECT, SioClient, connect_packet, event_packet

pytestmark = pytest.mark.usefixtures("unharmed")

IN_FLIGHT = 1_000
PENDING_ACKS = 10_000
QUEUED = 10 * 1024 * 1024
# In which a client is found to be dead, at the hasty app.
PERIOD = HASTY["ping_interval"] + HASTY["ping_timeout"]
# These take a while, and after an upgrade nothing is different.
polling = pytest.mark.parametrize("transport", ["polling"], indirect=True)
direct = pytest.mark.parametrize("transport", ["polling", "websocket"], indirect=True)


def wait_for_runs(server: ServerProcess, what: str, count: int) -> None:
    """Until this handler has run so often."""
    deadline = time.monotonic() + WAIT
    while (so_far := runs(server).get(what, 0)) < count:
        assert time.monotonic() < deadline, f"{what} ran {so_far} times, not {count}"
        time.sleep(0.01)


def test_a_client_is_in_a_hundred_namespaces_at_most(app: ServerProcess, client: SioClient) -> None:
    sids = [client.connect(f"/{number}") for number in range(100)]
    assert len(set(sids)) == 100
    client.engine.send(connect_packet("/100"))
    client.engine.expect_gone()


def test_a_hundred_namespaces_may_be_joined_again(client: SioClient) -> None:
    """The bound is on those that the client is in."""
    for number in range(100):
        client.connect(f"/{number}")
    client.engine.send("41/7,")
    client.connect("/100")


def test_of_too_many_questions_the_oldest_is_forgotten(client: SioClient) -> None:
    client.join()
    client.emit("ask-often", PENDING_ACKS + 1)
    ids = [client.recv().id for _ in range(PENDING_ACKS + 1)]
    for number in (0, 1, PENDING_ACKS):
        client.engine.send(f"43{ids[number]}[]")
    client.expect("answered", 1)
    client.expect("answered", PENDING_ACKS)


def test_a_client_that_does_not_read_is_closed(app: ServerProcess, client: SioClient) -> None:
    sid = client.join()
    client.emit("flood", 60, 1_000_000)
    assert final_journal(app, sid) == ["connect", "flood", "disconnect:slow consumer"]
    if isinstance(client.engine, EngineWebSocket):
        assert client.engine.ws.expect_close() == 1008
    else:
        client.engine.expect_gone()


def test_one_message_may_be_larger_than_what_may_wait(client: SioClient) -> None:
    client.join()
    client.emit("flood", 1, QUEUED + 1_000_000)
    client.expect("drop", "x" * (QUEUED + 1_000_000))
    client.emit("message", 1)
    client.expect("message-back", 1)


def reached(server: ServerProcess) -> dict[str, int]:
    """What went beyond a limit, and how often."""
    counted = server.get_json("/counters")["limits_reached"]
    assert isinstance(counted, dict)
    return counted


def counted(server: ServerProcess, name: str) -> int:
    count = server.get_json("/counters")[name]
    assert isinstance(count, int)
    return count


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_each_bound_is_an_option_and_counted(run_app: RunApp, open_client: OpenClient) -> None:
    limits = {"max_namespaces": 2, "max_attachments": 2, "max_http_buffer_size": 5_000}
    server = run_app(**limits)
    for limit, packet in {
        "max_namespaces": "40/2,",
        "max_attachments": '453-["message"]',
        "max_http_buffer_size": event_packet(["message", "x" * 5_000]),
    }.items():
        before = reached(server).get(limit, 0)
        client = open_client(server)
        client.join()
        client.connect("/1")
        client.engine.send(packet)
        client.engine.expect_gone()
        if server.lane == OUR_OWN or limit != "max_http_buffer_size":
            assert reached(server)[limit] == before + 1


@polling
def test_packets_of_one_request(run_app: RunApp, open_client: OpenClient) -> None:
    server = run_app(max_packets=3)
    client = open_client(server)
    client.join()
    assert isinstance(client.engine, RawPolling)
    assert client.engine.post(encode_payload(("3",) * 3)).status == 200
    assert client.engine.post(encode_payload(("3",) * 4)).status == 400
    client.engine.expect_gone()
    assert reached(server)["max_packets"] >= 1


@direct
def test_rooms_of_one_client(run_app: RunApp, open_client: OpenClient) -> None:
    """Who joins one too many fails; a room that it is in already is none, and one that it leaves is free again."""
    server = run_app(max_rooms=3, ack_errors=True)
    server.allow_traceback("is in 3 rooms (max_rooms)")
    before = reached(server).get("max_rooms", 0)
    client = open_client(server)
    client.join()
    for room in ("a", "b", "c", "a"):
        assert client.call("join", room) == []
    assert client.call("join", "d") == [{"error": "the handler of this event failed"}]
    assert reached(server)["max_rooms"] == before + 1
    client.call("leave", "b")
    assert client.call("join", "d") == []


@direct
def test_connections_that_have_joined_nothing(run_app: RunApp, transport: str) -> None:
    server = run_app(max_unjoined=2)
    clients = [SioClient(open_session(server, transport, SOCKETIO_PATH)) for _ in range(2)]
    asked = target(SOCKETIO_PATH, "polling")
    refused = server.get(asked)
    assert (refused.status, refused.json()["code"]) == (400, 3)
    assert reached(server)["max_unjoined"] >= 1
    clients[0].join()
    clients.append(SioClient(open_session(server, transport, SOCKETIO_PATH)))
    assert server.get(asked).status == 400
    for client in clients:
        client.engine.leave()


@direct
def test_large_events_in_flight(run_app: RunApp, open_client: OpenClient) -> None:
    """Ten of 10 KB are as much as may be."""
    server = run_app(max_bytes_in_flight=100_000)
    client = open_client(server)
    token = client.join()
    packets = [event_packet(["async-wait", token, "x" * 10_000])] * 40
    before = runs(server).get("async-wait", 0)
    with ThreadPoolExecutor() as threads:
        threads.submit(client.engine.send, *packets)
        wait_for_runs(server, "async-wait", before + 9)
        time.sleep(QUIET)
        assert runs(server)["async-wait"] <= before + 11
        server.get(f"/release/{token}")
        wait_for_runs(server, "async-wait", before + 40)
    assert client.call("ack", "value") == ["v"]


@direct
def test_events_of_one_second(run_app: RunApp, open_client: OpenClient, transport: str) -> None:
    """What is too much for a second comes later, all of it; the client is not pronounced dead meanwhile, and others are
    served."""
    # A client that polls could not answer a ping: its POST waits.
    hasty = HASTY if transport == "websocket" else {}
    server = run_app(max_event_rate=20, **hasty)
    client = open_client(server)
    client.join()
    begun = time.monotonic()
    with ThreadPoolExecutor() as threads:
        threads.submit(client.engine.send, *(event_packet(["message", n]) for n in range(60)))
        for number in range(21):
            client.expect("message-back", number)
        other = open_client(server)
        other.join()
        assert other.call("ack", "value") == ["v"]
        for number in range(21, 60):
            client.expect("message-back", number)
    assert time.monotonic() - begun > 1.9
    assert reached(server)["max_event_rate"] >= 1


@direct
def test_an_ack_that_comes_too_late(run_app: RunApp, open_client: OpenClient) -> None:
    """Its callback is forgotten; `call()` waits for as long as it was told to."""
    server = run_app(ack_ttl=0.2)
    client = open_client(server)
    sid = client.join()
    overdue, unknown = (counted(server, name) for name in ("acks_overdue", "acks_unknown"))
    client.emit("ask", 1)
    late = client.recv()
    wait_until(lambda: counted(server, "acks_overdue") == overdue + 1)
    client.engine.send(f"43{late.id}[1]")
    wait_until(lambda: counted(server, "acks_unknown") == unknown + 1)
    client.emit("ask", 2)
    client.engine.send(f"43{client.recv().id}[2]")
    client.expect("answered", 2)
    with ThreadPoolExecutor() as threads:
        answer = threads.submit(server.get_json, f"/call/{sid}")
        question = client.recv()
        time.sleep(0.4)
        client.engine.send(f"43{question.id}[42]")
        assert answer.result(WAIT) == 42
    assert counted(server, "acks_overdue") == overdue + 1


def fill(server: ServerProcess, client: SioClient, token: str) -> Exchange | None:
    """Have as many events in flight as a client may; returns the POST that has to wait for its answer."""
    before = runs(server).get("async-wait", 0)
    packets = [event_packet(["async-wait", token])] * IN_FLIGHT
    exchange = None
    if isinstance(client.engine, RawPolling):
        exchange = client.engine.start_post(encode_payload(tuple(packets)))
    else:
        client.engine.send(*packets)
    wait_for_runs(server, "async-wait", before + IN_FLIGHT)
    return exchange


@pytest.mark.waiting
@direct
def test_a_client_with_too_many_events_in_flight_is_not_read(
    hasty_app: ServerProcess, open_client: OpenClient
) -> None:
    """Until handlers return. Its pong is not read either, so it is not pronounced dead meanwhile."""
    client = open_client(hasty_app)
    sid = client.join()
    exchange = fill(hasty_app, client, sid)
    if exchange is None:
        client.emit("message", "late")
        time.sleep(PERIOD * 2)
    else:
        assert not exchange.is_answered(PERIOD * 2)
    assert journal(hasty_app, sid) == ["connect"] + ["async-wait"] * IN_FLIGHT
    hasty_app.get(f"/release/{sid}")
    if exchange is not None:
        assert exchange.reply().body == b"ok"
        client.emit("message", "late")
    client.expect("message-back", "late")
    assert client.call("ack", "value") == ["v"]


@direct
def test_an_ack_that_is_awaited_is_read_all_the_same(
    app: ServerProcess, open_client: OpenClient
) -> None:
    client = open_client(app)
    sid = client.join()
    exchange = fill(app, client, sid)
    with ThreadPoolExecutor() as threads:
        answer = threads.submit(app.get_json, f"/call/{sid}")
        question = client.recv()
        assert question.data == ["question"]
        if exchange is not None:
            assert exchange.reply(1).body == b"ok"
        client.engine.send(f"43{question.id}[42]")
        assert answer.result(WAIT) == 42
    app.get(f"/release/{sid}")
    assert client.call("ack", "value") == ["v"]


@pytest.mark.waiting
@direct
def test_a_client_that_is_read_again_has_the_whole_time_for_its_pong(
    lane: str, transport: str
) -> None:
    """Over polling it could not send one: its POST was waiting."""
    with app_process(lane, ping_interval=0.5, ping_timeout=0.6) as server:
        opened = time.monotonic()
        client = SioClient(open_session(server, transport, SOCKETIO_PATH))
        token = client.join()
        exchange = fill(server, client, token)
        # Without it a deadline would be 1.1 s after the handshake, and again 0.6 s later.
        time.sleep(opened + 1.6 - time.monotonic())
        server.get(f"/release/{token}")
        time.sleep(opened + 1.85 - time.monotonic())
        client.emit("message", "late")
        client.expect("message-back", "late")
        if exchange is not None:
            assert exchange.reply().body == b"ok"
        client.engine.leave()


@direct
def test_a_client_is_read_again_when_it_was_refused(lane: str, transport: str) -> None:
    """Events that waited for the end of a connect handler do not count any more when it refuses."""
    with app_process(lane, always_connect=True) as server:
        client = SioClient(open_session(server, transport, SOCKETIO_PATH))
        token = client.engine.sid
        client.engine.send(connect_packet("/slow", {"token": token, "refuse": True}))
        assert client.recv().type == CONNECT
        client.expect("early", token, namespace="/slow")
        exchange = None
        packets = (event_packet(["echo"], "/slow"),) * IN_FLIGHT
        if isinstance(client.engine, RawPolling):
            exchange = client.engine.start_post(encode_payload(packets))
        else:
            client.engine.send(*packets)
        time.sleep(QUIET)
        server.get(f"/release/{token}")
        packet = client.recv()
        assert (packet.type, packet.namespace) == (DISCONNECT, "/slow")
        if exchange is not None:
            assert exchange.reply(1).body == b"ok"
        client.engine.send(connect_packet())
        assert client.recv(1).type == CONNECT
        client.engine.leave()


def test_a_post_that_waits_ends_with_the_session(lane: str) -> None:
    """Its client gets an answer or the connection's end, the log no traceback."""
    with app_process(lane) as server:
        polling = RawPolling.open(server.address, SOCKETIO_PATH)
        token = SioClient(polling).join()
        exchange = fill(server, SioClient(polling), token)
        assert exchange is not None
        assert polling.post("3").status == 400
        reply = exchange.reply_or_none()
        assert reply is None or reply.status in (200, 400)
        polling.expect_gone()
        server.get(f"/release/{token}")


def test_a_post_that_waits_is_answered_after_an_upgrade(lane: str) -> None:
    with app_process(lane) as server:
        polling = RawPolling.open(server.address, SOCKETIO_PATH)
        token = SioClient(polling).join()
        exchange = fill(server, SioClient(polling), token)
        assert exchange is not None
        client = SioClient(upgrade(server, polling))
        server.get(f"/release/{token}")
        assert client.call("ack", "value") == ["v"]
        assert exchange.reply(1).body == b"ok"
        client.engine.leave()


@our_own_lane
def test_a_client_that_has_gone_leaves_nothing_to_the_garbage_collector(
    lane: str, transport: str
) -> None:
    """Its memory is free at once; in circles of references it would wait while others come and go."""
    many = 30
    with app_process(lane) as server:
        for count in (1, many):  # the first for what is made once
            for _ in range(count):
                client = SioClient(open_session(server, transport, SOCKETIO_PATH))
                client.join()
                client.emit("message", "text")
                client.expect("message-back", "text")
                client.engine.leave()
                final_journal(server, client.sids["/"])
            time.sleep(QUIET)
            garbage = int(server.get("/collect").text)
    assert garbage < many, f"{garbage} objects"


@our_own_lane
@direct
def test_a_handler_that_fails_leaves_nothing_to_the_garbage_collector(
    lane: str, transport: str
) -> None:
    many = 100
    with app_process(lane) as server:
        server.allow_traceback("required positional argument")
        client = SioClient(open_session(server, transport, SOCKETIO_PATH))
        client.join()
        client.emit("join")
        client.call("ack", "value")
        server.get("/collect")
        for _ in range(many):
            client.emit("join")
        client.call("ack", "value")
        garbage = int(server.get("/collect").text)
        client.engine.leave()
    assert garbage < many, f"{garbage} objects"
