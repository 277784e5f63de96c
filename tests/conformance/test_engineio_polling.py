"""Engine.IO: messages over HTTP long-polling, and what ends a polling session at once."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Iterator

import pytest

from tests.conformance.servers import ENGINE_PATH
from tests.kit.engine import RawPolling, decode_payload
from tests.kit.raw import QUIET, Exchange, request
from tests.kit.server import ServerProcess

SESSION_UNKNOWN = {"code": 1, "message": "Session ID unknown"}
BAD_REQUEST = {"code": 3, "message": "Bad request"}
MAX_PAYLOAD = 1_000_000


@pytest.fixture
def client(echo: ServerProcess) -> Iterator[RawPolling]:
    client = RawPolling.open(echo.address, ENGINE_PATH)
    yield client
    client.leave()


def test_a_message_comes_and_goes(client: RawPolling) -> None:
    assert client.post("4hello").body == b"ok"
    assert client.poll().body == b"4hello"


def test_text_of_every_kind_survives(client: RawPolling) -> None:
    text = 'ключ 发送成功 👩‍🚀 \u2028 \x00 \\ "'
    client.send("4" + text)
    assert client.recv() == "4" + text


def test_an_accepted_post_is_answered_ok(client: RawPolling) -> None:
    reply = client.post("4hello")
    assert (reply.status, reply.body) == (200, b"ok")
    assert reply.headers["content-type"] == "text/html"
    assert reply.headers["cache-control"] == "no-store"


def test_binary_is_base64_both_ways(client: RawPolling) -> None:
    client.post("bAQIDBA==")
    reply = client.poll()
    assert reply.body == b"bAQIDBA=="
    assert reply.headers["content-type"] == "text/plain; charset=UTF-8"


def test_empty_binary_is_a_message(client: RawPolling) -> None:
    client.post("b\x1e4after")
    assert client.recv() == b""
    assert client.recv() == "4after"


def test_a_payload_holds_several_packets(client: RawPolling) -> None:
    client.post("4hello\x1ebAQIDBA==\x1e4world")
    assert client.poll().body == b"4hello\x1ebAQIDBA==\x1e4world"


def test_many_packets_in_one_payload_are_all_processed_in_order(client: RawPolling) -> None:
    packets = [f"4{number}" for number in range(500)]
    assert client.post("\x1e".join(packets)).body == b"ok"
    received: list[str | bytes] = []
    while len(received) < 500:
        received.append(client.recv())
    assert received == packets


def test_what_waits_is_sent_in_one_payload_within_the_limit(client: RawPolling) -> None:
    """`maxPayload` bounds what one request holds, not what a session may receive."""
    blob = "x" * 400_000
    for number in range(4):
        assert client.post(f"4{number}{blob}").status == 200
    assert [client.recv() for _ in range(4)] == [f"4{number}{blob}" for number in range(4)]


def test_an_answer_holds_any_number_of_packets(client: RawPolling) -> None:
    body = "\x1e".join(f"4{number}" for number in range(500))
    assert client.post(body).body == b"ok"
    assert client.poll().text == body


def test_a_poll_waits_for_a_message(client: RawPolling) -> None:
    pending = client.start_poll()
    assert not pending.is_answered(QUIET)
    client.post("4late")
    assert pending.reply().body == b"4late"


def test_overlapping_polls_close_the_session(client: RawPolling) -> None:
    first = client.start_poll()
    assert not first.is_answered(QUIET)
    assert client.poll().status == 400
    reply = first.reply()
    assert (reply.status, reply.body) == (200, b"1")
    client.expect_gone()


def test_overlapping_posts_close_the_session(client: RawPolling) -> None:
    first = client.start_post(b"4half", **{"Content-Length": "10"})
    assert not first.is_answered(QUIET)
    assert client.post("4hello").status == 400
    refused = first.reply_or_none()
    assert refused is None or refused.status == 400
    client.expect_gone()


def test_polls_and_posts_may_overlap(client: RawPolling) -> None:
    pending = client.start_poll()
    slow = client.start_post(b"4slow", **{"Content-Length": "7"})
    assert not pending.is_answered(QUIET)
    slow.send(b"ly")
    assert slow.reply().body == b"ok"
    assert pending.reply().body == b"4slowly"


def test_a_post_to_a_session_that_has_just_ended_is_refused(client: RawPolling) -> None:
    """What was sent to the client before can still be fetched."""
    assert client.post("4one").status == 200
    client.start_post(b"4two", **{"Content-Length": "100"}).abort()
    time.sleep(QUIET)
    reply = client.post("4three")
    assert (reply.status, reply.json()["code"]) == (400, 3)
    assert client.poll().body.startswith(b"4one")
    client.expect_gone()


@pytest.mark.parametrize("reset", [False, True], ids=["FIN", "RST"])
def test_an_aborted_poll_closes_the_session_at_once(client: RawPolling, reset: bool) -> None:
    pending = client.start_poll()
    assert not pending.is_answered(QUIET)
    pending.abort(reset)
    client.expect_gone_by_post()


def test_an_aborted_post_closes_the_session_at_once(client: RawPolling) -> None:
    pending = client.start_post(b"4half", **{"Content-Length": "10"})
    assert not pending.is_answered(QUIET)
    pending.abort()
    client.expect_gone()


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"abc", id="unknown type"),
        pytest.param(b"7", id="type 7"),
        pytest.param(b"9hello", id="type 9"),
        pytest.param("４hello".encode(), id="full-width digit"),
        pytest.param(b"4hello\x1e", id="empty packet at the end"),
        pytest.param(b"\x1e4hello", id="empty packet in front"),
        pytest.param(b"4one\x1eabc\x1e4two", id="unknown type in the middle"),
        pytest.param(b"b!!!", id="no base64"),
        pytest.param(b"4\xff\xfe", id="no UTF-8"),
        pytest.param(b"2", id="ping"),
        pytest.param(b"2probe", id="probe"),
        pytest.param(b"0", id="open"),
        pytest.param(b"5", id="upgrade"),
    ],
)
def test_a_malformed_payload_closes_the_session(client: RawPolling, body: bytes) -> None:
    reply = client.start_post(body).reply()
    assert (reply.status, reply.json()) == (400, BAD_REQUEST)
    client.expect_gone()


def test_a_malformed_payload_ends_a_pending_poll(client: RawPolling) -> None:
    pending = client.start_poll()
    assert not pending.is_answered(QUIET)
    client.send("abc")
    reply = pending.reply()
    assert (reply.status, reply.body) == (200, b"1")
    client.expect_gone()


def test_a_binary_body_is_refused(client: RawPolling) -> None:
    reply = client.post(b"4hello", **{"Content-Type": "application/octet-stream"})
    assert reply.status == 400
    client.expect_gone()


def test_a_body_of_the_maximum_is_accepted(client: RawPolling) -> None:
    body = "4" + "x" * (MAX_PAYLOAD - 1)
    assert client.post(body).body == b"ok"
    assert client.recv() == body


def test_a_larger_body_is_refused_when_declared(client: RawPolling) -> None:
    """Refused by its declared length: the body is never sent here."""
    exchange = client.start_post(b"4", **{"Content-Length": str(MAX_PAYLOAD + 1)})
    assert exchange.reply().status == 413


def test_a_larger_body_is_refused_when_sent(client: RawPolling) -> None:
    assert client.start_post(b"4" + b"x" * MAX_PAYLOAD).reply().status == 413


def test_a_larger_body_closes_the_session(client: RawPolling) -> None:
    pending = client.start_poll()
    assert not pending.is_answered(QUIET)
    client.start_post(b"4", **{"Content-Length": str(MAX_PAYLOAD + 1)})
    assert pending.reply().body == b"1"
    client.expect_gone()


def test_a_larger_body_in_chunks_is_refused(client: RawPolling) -> None:
    """Without a declared length, as soon as the limit is passed: the end is never sent here."""
    exchange = chunked_post(client)
    for _ in range(11):
        exchange.send(chunk(b"4" * 100_000))
    assert exchange.reply().status == 413


def test_a_body_in_chunks_is_accepted(client: RawPolling) -> None:
    exchange = chunked_post(client)
    for part in (b"4", b"hel", b"lo", b""):
        exchange.send(chunk(part))
    assert exchange.reply().body == b"ok"
    assert client.recv() == "4hello"


def chunked_post(client: RawPolling) -> Exchange:
    exchange = Exchange(client.address)
    exchange.send(
        f"POST {client.target} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        "Content-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    )
    return exchange


def chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_another_method_is_refused(client: RawPolling, method: str) -> None:
    assert request(client.address, method, client.target, body=b"").status == 400
    client.send("4hello")
    assert client.recv() == "4hello"


def test_a_close_packet_ends_the_session(client: RawPolling) -> None:
    pending = client.start_poll()
    assert not pending.is_answered(QUIET)
    assert client.post("1").body == b"ok"
    reply = pending.reply()
    assert (reply.status, reply.body) == (200, b"6")
    assert client.poll().json() == SESSION_UNKNOWN
    assert client.post("4hello").json() == SESSION_UNKNOWN


def test_a_close_packet_without_a_poll_ends_the_session(client: RawPolling) -> None:
    assert client.post("1").body == b"ok"
    reply = client.poll()
    assert (reply.status, reply.json()) == (400, SESSION_UNKNOWN)


def test_messages_before_a_close_packet_are_processed(echo: ServerProcess) -> None:
    client = RawPolling.open(echo.address, ENGINE_PATH)
    pending = client.start_poll()
    assert not pending.is_answered(QUIET)
    client.post("4hello\x1e1")
    assert decode_payload(pending.reply().body)[0] == "4hello"
    client.expect_gone()


def test_sessions_do_not_mix(echo: ServerProcess) -> None:
    clients = [RawPolling.open(echo.address, ENGINE_PATH) for _ in range(10)]
    threads = [
        threading.Thread(target=client.send, args=(f"4{number}", base64.b64decode("AQI=")))
        for number, client in enumerate(clients)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, client in enumerate(clients):
        assert [client.recv(), client.recv()] == [f"4{number}", b"\x01\x02"]
        client.leave()
