"""Socket.IO: events, acknowledgements and binary in both directions, and rooms."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.conformance.servers import OpenClient, RunApp, journal, runs
from tests.kit.server import ServerProcess
from tests.kit.sio import ACK, EVENT, SioClient, event_packet

pytestmark = pytest.mark.usefixtures("unharmed")

PLACES = '{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}'


@pytest.fixture(params=["/", "/custom"])
def namespace(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def joined(client: SioClient) -> SioClient:
    client.join()
    return client


def test_an_event_comes_and_goes(client: SioClient, namespace: str) -> None:
    client.join(namespace)
    client.emit("message", 1, "2", {"3": [True]}, namespace=namespace)
    place = "" if namespace == "/" else "/custom,"
    assert client.recv_text() == f'42{place}["message-back",1,"2",{{"3":[true]}}]'


def test_text_of_every_kind_survives(joined: SioClient) -> None:
    text = 'ключ 发送成功 👩‍🚀 \u2028 \x00 \x1f \\ "'
    joined.emit("message", text, {text: text})
    joined.expect("message-back", text, {text: text})


def test_unescaped_text_survives(joined: SioClient) -> None:
    """JSON may hold any character as it is."""
    joined.engine.send(f"42{json.dumps(['message', 'ключ 👩‍🚀'], ensure_ascii=False)}")
    joined.expect("message-back", "ключ 👩‍🚀")


@pytest.mark.parametrize(
    "value",
    [None, True, 0, -1, 1.5, 1e300, 2**53, "", [], {}, [[[]]], {"_placeholder": False}],
)
def test_every_json_value_survives(joined: SioClient, value: Any) -> None:
    joined.emit("message", value)
    joined.expect("message-back", value)


def test_an_event_without_arguments(joined: SioClient) -> None:
    joined.emit("message")
    joined.expect("message-back")


def test_a_coroutine_handler_is_served(joined: SioClient, namespace: str) -> None:
    if namespace != "/":
        joined.join(namespace)
    joined.emit("async-echo", 1, namespace=namespace)
    joined.expect("async-echo", 1, namespace=namespace)


@pytest.mark.parametrize("id", [None, 5])
def test_an_event_that_nobody_handles_is_ignored(joined: SioClient, id: int | None) -> None:
    joined.emit("nobody", 1, id=id)
    joined.emit("message", 2)
    joined.expect("message-back", 2)


def test_half_a_surrogate_pair_is_replaced(joined: SioClient) -> None:
    """No `str` that could not be logged, stored or sent on reaches the app."""
    joined.engine.send(r'42["message","a\ud83db",{"\udc00":"\ud83d\ude80"}]')
    joined.expect("message-back", "a\ufffdb", {"\ufffd": "\U0001f680"})


@pytest.mark.parametrize("number", [2**64, -(2**63) - 1, 10**30])
def test_an_integer_beyond_64_bits_is_a_float(joined: SioClient, number: int) -> None:
    joined.emit("message", number)
    (received,) = joined.recv().data[1:]
    assert isinstance(received, float)
    assert received == float(number)


def test_binary_comes_and_goes(client: SioClient, namespace: str) -> None:
    client.join(namespace)
    place = "" if namespace == "/" else "/custom,"
    client.engine.send(f'452-{place}["message",{PLACES}]', b"\x01\x02\x03", b"\x04\x05\x06")
    assert client.recv_text() == f'452-{place}["message-back",{PLACES}]'
    assert client.engine.recv() == b"\x01\x02\x03"
    assert client.engine.recv() == b"\x04\x05\x06"


def test_binary_is_put_in_its_place(joined: SioClient) -> None:
    """Whatever the order of the placeholders."""
    places = '{"b":{"_placeholder":true,"num":1}},[{"_placeholder":true,"num":0}]'
    joined.engine.send(f'452-["message",{places}]', b"zero", b"")
    joined.expect("message-back", {"b": b""}, [b"zero"])


def test_the_maximum_of_ten_attachments_is_accepted(joined: SioClient) -> None:
    blobs = [bytes([number]) * number for number in range(10)]
    places = ",".join(f'{{"_placeholder":true,"num":{number}}}' for number in range(10))
    joined.engine.send(f'4510-["message",{places}]', *blobs)
    joined.expect("message-back", *blobs)


def test_many_events_in_one_payload_are_all_handled(joined: SioClient) -> None:
    joined.engine.send(*(event_packet(["message", number]) for number in range(100)))
    received = [joined.recv().data[1] for _ in range(100)]
    assert sorted(received) == list(range(100))


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        ("none", []),
        ("value", ["v"]),
        ("list", [[1, 2]]),
        ("tuple", [1, 2]),
        ("zero", [0]),
        ("bytes", [b"\x01\x02"]),
    ],
)
def test_what_a_handler_returns_is_its_ack(
    client: SioClient, namespace: str, kind: str, answer: list[Any]
) -> None:
    client.join(namespace)
    assert client.call("ack", kind, namespace=namespace) == answer


def test_an_ack_has_the_id_of_its_event(client: SioClient, namespace: str) -> None:
    client.join(namespace)
    place = "" if namespace == "/" else "/custom,"
    client.engine.send(f'42{place}456["message-with-ack",1,"2",{{"3":[false]}}]')
    assert client.recv_text() == f'43{place}456[1,"2",{{"3":[false]}}]'


@pytest.mark.parametrize("number", [0, 1, 2**31, 2**53 - 1])
def test_ack_ids_may_be_large(joined: SioClient, number: int) -> None:
    joined.emit("message-with-ack", id=number)
    assert joined.recv_text() == f"43{number}[]"


def test_a_binary_ack(joined: SioClient) -> None:
    joined.engine.send(f'452-789["message-with-ack",{PLACES}]', b"\x01", b"\x02")
    assert joined.recv_text() == f"462-789[{PLACES}]"
    assert joined.engine.recv() == b"\x01"
    assert joined.engine.recv() == b"\x02"


def test_an_event_without_an_id_is_not_acknowledged(joined: SioClient) -> None:
    joined.emit("ack", "value")
    joined.emit("message", 1)
    joined.expect("message-back", 1)


def test_what_a_handler_emits_precedes_its_ack(joined: SioClient) -> None:
    joined.emit("emit-then-ack", id=1)
    assert joined.recv_text() == '42["first"]'
    assert joined.recv_text() == '431["second"]'


def ask(client: SioClient, namespace: str, *args: Any) -> int:
    """Make the server ask; returns the id that it asks for an answer with."""
    client.emit("ask", *args, namespace=namespace)
    packet = client.recv()
    assert (packet.type, packet.namespace) == (EVENT, namespace), packet
    assert packet.data == ["question", *args]
    assert packet.id is not None
    return packet.id


@pytest.mark.parametrize("answer", [[], ["yes"], [1, {"two": [3]}]])
def test_the_client_acknowledges(client: SioClient, namespace: str, answer: list[Any]) -> None:
    client.join(namespace)
    number = ask(client, namespace, "well?")
    place = "" if namespace == "/" else "/custom,"
    client.engine.send(f"43{place}{number}{json.dumps(answer)}")
    client.expect("answered", *answer, namespace=namespace)


def test_the_client_acknowledges_with_binary(joined: SioClient) -> None:
    number = ask(joined, "/")
    joined.engine.send(f'461-{number}[{{"_placeholder":true,"num":0}}]', b"\x01\x02")
    joined.expect("answered", b"\x01\x02")


def test_a_second_ack_is_ignored(app: ServerProcess, joined: SioClient) -> None:
    number = ask(joined, "/")
    before = runs(app).get("answered", 0)
    joined.engine.send(f"43{number}[1]", f"43{number}[2]")
    joined.expect("answered", 1)
    joined.emit("message", 3)
    joined.expect("message-back", 3)
    assert runs(app)["answered"] == before + 1


def test_an_ack_for_nothing_is_ignored(joined: SioClient) -> None:
    joined.engine.send("43123456[1]")
    joined.emit("message", 1)
    joined.expect("message-back", 1)


def test_an_ack_of_another_client_is_ignored(
    app: ServerProcess, joined: SioClient, open_client: OpenClient
) -> None:
    number = ask(joined, "/")
    other = open_client(app)
    other.join()
    before = runs(app).get("answered", 0)
    other.engine.send(f"43{number}[1]")
    other.emit("message", 2)
    other.expect("message-back", 2)
    assert runs(app).get("answered", 0) == before
    joined.engine.send(f"43{number}[1]")
    joined.expect("answered", 1)


def test_an_ack_of_another_namespace_is_ignored(app: ServerProcess, joined: SioClient) -> None:
    joined.join("/custom")
    number = ask(joined, "/")
    joined.engine.send(f"43/custom,{number}[1]")
    joined.emit("message", 2)
    joined.expect("message-back", 2)
    joined.engine.send(f"43{number}[3]")
    joined.expect("answered", 3)


def three_clients(app: ServerProcess, open_client: OpenClient, room: str) -> list[SioClient]:
    """Three clients of which the first two are in a room."""
    clients = [open_client(app) for _ in range(3)]
    for client in clients:
        client.join("/custom")
    for client in clients[:2]:
        assert client.call("join", room, namespace="/custom") == []
    return clients


def told(client: SioClient, *args: Any) -> None:
    client.expect("told", *args, namespace="/custom")


def hears_nothing(client: SioClient) -> None:
    """Nothing was sent to the client before the answer to what it asks now."""
    assert client.call("ack", "value", namespace="/custom") == ["v"]


def test_a_room_is_told(app: ServerProcess, open_client: OpenClient) -> None:
    first, second, third = three_clients(app, open_client, "told")
    third.emit("tell", "told", 1, b"\x02".hex(), namespace="/custom")
    told(first, 1, "02")
    told(second, 1, "02")
    hears_nothing(third)


def test_a_room_is_told_binary(app: ServerProcess, open_client: OpenClient) -> None:
    first, second, third = three_clients(app, open_client, "binary")
    packet = '451-/custom,["tell","binary",{"_placeholder":true,"num":0}]'
    third.engine.send(packet, b"\x00\xff")
    told(first, b"\x00\xff")
    told(second, b"\x00\xff")


def test_the_sender_may_be_left_out(app: ServerProcess, open_client: OpenClient) -> None:
    first, second, third = three_clients(app, open_client, "others")
    first.emit("tell-others", "others", 1, namespace="/custom")
    told(second, 1)
    hears_nothing(first)
    hears_nothing(third)


def test_who_left_a_room_is_not_told(app: ServerProcess, open_client: OpenClient) -> None:
    first, second, _ = three_clients(app, open_client, "left")
    assert first.call("leave", "left", namespace="/custom") == []
    second.emit("tell", "left", 1, namespace="/custom")
    told(second, 1)
    hears_nothing(first)


def test_a_closed_room_is_empty(app: ServerProcess, open_client: OpenClient) -> None:
    first, second, third = three_clients(app, open_client, "closed")
    assert third.call("close-room", "closed", namespace="/custom") == []
    third.call("tell", "closed", 1, namespace="/custom")
    for client in (first, second, third):
        hears_nothing(client)


def test_a_client_is_in_the_room_of_its_sid(joined: SioClient) -> None:
    assert joined.call("rooms") == [[joined.sids["/"]]]
    joined.call("join", "0")
    assert joined.call("rooms") == [sorted([joined.sids["/"], "0"])]


def test_a_sid_is_told_alone(app: ServerProcess, open_client: OpenClient) -> None:
    first, second, third = three_clients(app, open_client, "alone")
    second.emit("tell", first.sids["/custom"], 1, namespace="/custom")
    told(first, 1)
    hears_nothing(second)
    hears_nothing(third)


def test_rooms_belong_to_a_namespace(app: ServerProcess, open_client: OpenClient) -> None:
    first, *_ = three_clients(app, open_client, "shared name")
    other = open_client(app)
    other.join()
    other.call("tell", "shared name", 1)
    hears_nothing(first)


def test_a_broadcast_reaches_everybody(app: ServerProcess, open_client: OpenClient) -> None:
    clients = three_clients(app, open_client, "everybody")
    clients[0].emit("tell-all", 1, namespace="/custom")
    for client in clients:
        told(client, 1)


def test_an_emit_of_a_view_reaches_a_client(app: ServerProcess, client: SioClient) -> None:
    """From a thread that serves HTTP, outside every handler."""
    sid = client.join("/custom")
    app.get(f"/emit?text=hello&to={sid}&namespace=/custom")
    told(client, "hello")


def test_clients_of_all_transports_share_rooms(app: ServerProcess, open_client: OpenClient) -> None:
    clients = [open_client(app, way) for way in ("polling", "websocket", "upgraded")]
    for client in clients:
        client.join("/custom")
        client.call("join", "mixed", namespace="/custom")
    clients[0].emit("tell", "mixed", "x", namespace="/custom")
    for client in clients:
        told(client, "x")


def test_an_event_waits_for_no_blocked_handler(app: ServerProcess, joined: SioClient) -> None:
    """A handler that blocks holds up neither others nor later events of its own client."""
    token = joined.sids["/"]
    joined.emit("wait", token, id=1)
    joined.emit("message", 1)
    joined.expect("message-back", 1)
    assert journal(app, token)[-1] != "waited"
    app.get(f"/release/{token}")
    packet = joined.recv()
    assert (packet.type, packet.id, packet.data) == (ACK, 1, [])


@pytest.mark.parametrize("async_handlers", [True, False])
def test_a_handler_that_is_cancelled_has_ended(
    run_app: RunApp, open_client: OpenClient, async_handlers: bool
) -> None:
    """It is like any other that fails: no ack, a line in the log, and the next event has its turn."""
    server = run_app(async_handlers=async_handlers)
    server.allow_traceback("CancelledError")
    client = open_client(server)
    client.join()
    client.emit("async-cancelled", id=1)
    assert client.call("ack", "value") == ["v"]
    assert "handler of event 'async-cancelled' in namespace '/' failed" in server.log
