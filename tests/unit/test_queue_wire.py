"""The messages of a queue: who writes what, and who reads it. Without a queue."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from flask_socketio.cluster import wire
from flask_socketio.cluster.base import Callback, Emission
from flask_socketio.cluster.queued import QueueAdapter
from flask_socketio.handling.codec import message_dumps
from flask_socketio.protocol.socketio import JSON
from tests.unit.test_memory_adapter import FakeSocket

DUMPS = message_dumps(None)


def emission(*args: Any, **options: Any) -> Emission:
    values = ["event", *args]
    return Emission("/chat", values, JSON.encode_body(values), **options)


def over_the_wire(emission: Emission, callback: Any = None) -> dict[str, Any]:
    text = wire.write(wire.emit_message(emission, DUMPS, callback), "a")
    return wire.read(text)


def no_answer(*addressee: Any) -> Callback:
    raise AssertionError(addressee)


@pytest.mark.parametrize(
    ("method", "host_id", "is_read"),
    [
        ("emit", "me", False),
        ("emit", "another", True),
        ("callback", "me", True),
        ("callback", "another", False),
    ],
)
def test_an_ack_is_for_its_host_and_anything_else_for_the_others(
    method: str, host_id: str, is_read: bool
) -> None:
    message = wire.read(wire.write({"method": method}, host_id))
    assert message == {"host_id": host_id, "method": method}
    assert wire.is_for(message, "me") is is_read


@pytest.mark.parametrize("args", [(), (1,), ([1, 2],), ("ü", None), ({"a": [b"\0\xff"]}, b"")])
def test_an_emission_arrives_as_it_was(args: tuple[Any, ...]) -> None:
    sent = emission(*args, to=("hall", "attic"), skip=("me",))
    assert wire.emission_of(over_the_wire(sent), JSON, no_answer) == Emission(
        "/chat", ["event", *args], sent.body, ("hall", "attic"), ("me",), None, ignore_queue=True
    )


def test_an_emission_to_a_namespace_that_is_no_text() -> None:
    """A client of ours could not be told its name, and the loop is not to find that out."""
    message = {**over_the_wire(emission()), "namespace": "/\ud83d"}
    with pytest.raises(ValueError, match="surrogates"):
        wire.emission_of(message, JSON, no_answer)


def test_an_emission_of_an_old_release() -> None:
    text = json.dumps({"method": "emit", "event": "x", "data": "bare", "namespace": None})
    read = wire.emission_of(wire.read(text), JSON, no_answer)
    assert (read.namespace, read.args, read.to) == ("/", ["x", "bare"], None)


def test_where_an_ack_goes() -> None:
    callback = Callback(print)
    addressees: list[Any] = []

    def answer_to(*addressee: Any) -> Callback:
        addressees.append(addressee)
        return callback

    message = over_the_wire(emission(to=("sid",)), ("sid", "/chat", 7))
    assert wire.emission_of(message, JSON, answer_to).callback is callback
    assert addressees == [("a", None, "sid", "/chat", 7)]


def test_what_the_other_methods_have() -> None:
    message = {"method": "enter_room", "sid": "1", "room": "hall", "namespace": "chat"}
    assert wire.fields_of(message) == ("enter_room", "/chat", ["1", "hall"])
    assert wire.fields_of({"method": "callback", "id": 3, "args": [[1]]}) == (
        "callback", "/", [3, [[1]]],
    )  # fmt: skip


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"method": "sing"},
        {"method": "close_room"},
        {"method": "close_room", "room": ["a", "list"]},
        {"method": "disconnect", "sid": {}},
        {"method": "callback", "id": 1, "args": True},
        {"method": "callback", "id": 1, "args": {"a": 1}},
    ],
)
def test_what_is_no_message(message: dict[str, Any]) -> None:
    with pytest.raises((KeyError, ValueError)):
        wire.fields_of(message)


@pytest.mark.parametrize(
    ("method", "fields"), [("close_room", ["b"]), ("enter_room", ["a", "b"])], ids=str
)
def test_what_cannot_be_done_is_a_line_in_the_log(
    method: str, fields: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Another server cannot know that a room is a client of ours; here nobody waits for the exception."""
    adapter = QueueAdapter[Any](JSON, DUMPS, no_answer)
    for sid in ("a", "b"):
        adapter.add(FakeSocket(sid))
    adapter.received(method, "/", fields)
    [record] = caplog.records
    assert re.match(f"{method} of another server ignored: cannot .* a sid room", record.message)
    assert record.exc_info is None
