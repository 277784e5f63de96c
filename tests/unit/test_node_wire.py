"""What may come by the wires of Node's adapters: a message, or MalformedError and nothing else."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import msgpack
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_socketio.cluster.node.classic import Classic
from flask_socketio.cluster.node.dialect import Dialect, Heard
from flask_socketio.cluster.node.messages import (
    Broadcast,
    ClientAck,
    ClientCount,
    Disconnect,
    Incoming,
    Join,
    Leave,
    MalformedError,
    Message,
    Target,
)
from flask_socketio.cluster.node.sharded import Sharded
from flask_socketio.cluster.node.streams import Streams

KINDS = [Classic, Sharded, Streams]
MESSAGES: list[Message] = [
    Broadcast(Target(), ["event"]),
    Broadcast(Target(("room", 7), ("sid",)), ["event", None, {"a": [b"\x00"]}]),
    Broadcast(Target(("room",)), ["event", "ü"]),
    Broadcast(Target(), ["event", b""], "id"),
    Join(Target(("sid",)), ("a", "b")),
    Leave(Target((), ("sid",)), ("a",)),
    Disconnect(Target(("sid",)), close=True),
    ClientCount("id", 3),
    ClientAck("id", {"binary": b"\xff"}),
]


def wanted(_namespace: str, _room: str) -> bool:
    return True


def hear(dialect: Dialect, command: tuple[Any, ...]) -> Incoming | None:
    """What another member reads of a command."""
    if command[0] == "XADD":
        fields = [item if isinstance(item, bytes) else str(item).encode() for item in command[6:]]
        return dialect.read_entry(dict(zip(fields[::2], fields[1::2], strict=True)))
    channel = command[1].encode()
    for subscription in dialect.channels("/n"):
        pattern = str(subscription[1])
        if pattern.endswith("*") and command[1].startswith(pattern[:-1]):
            return dialect.read(Heard(channel, command[2], pattern.encode()), wanted)
    return dialect.read(Heard(channel, command[2]), wanted)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("message", MESSAGES, ids=str)
def test_what_one_writes_the_other_reads(kind: Any, message: Message) -> None:
    one, other = kind("key"), kind("key")
    assert one.uid != other.uid
    other.channels("/n")
    incoming = hear(other, one.write("/n", message, other.uid))
    assert incoming is not None
    assert (incoming.namespace, incoming.message) == ("/n", message)
    one.channels("/n")
    if not isinstance(message, ClientCount | ClientAck):
        assert incoming.uid == one.uid
        assert hear(one, one.write("/n", message, "")) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 12) | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)
NAMES = st.sampled_from(
    [
        "uid",
        "nsp",
        "type",
        "data",
        "packet",
        "opts",
        "rooms",
        "except",
        "flags",
        "requestId",
        "sid",
        "room",
        "close",
        "clientCount",
    ]
)
FIELDS = st.dictionaries(NAMES, st.dictionaries(NAMES, JSON) | JSON, max_size=8)
DATA = (
    st.binary(max_size=64)
    | FIELDS.map(orjson.dumps)
    | FIELDS.map(msgpack.packb)
    | st.lists(FIELDS | st.text(max_size=6), min_size=3, max_size=3).map(msgpack.packb)
)


@given(data=DATA)
def test_anything_else_is_malformed(data: bytes) -> None:
    for kind in KINDS:
        dialect = kind("key")
        dialect.channels("/")
        for channel, pattern in (
            (b"key#/#", None),
            (b"key#/#", b"key#/#*"),
            (b"key#/#room#", b"key#/#*"),
            (b"key-request#/#", None),
            (b"key-response#/#", None),
        ):
            if pattern is None or kind is Classic:
                _read(lambda d=dialect, c=channel, p=pattern: d.read(Heard(c, data, p), wanted))


@given(data=DATA, type_=st.binary(max_size=2) | st.integers(3, 12).map(lambda n: b"%d" % n))
def test_any_other_entry_is_malformed(data: bytes, type_: bytes) -> None:
    entry = {b"uid": b"x", b"nsp": b"/", b"type": type_}
    for item in (data, b64encode(data)):
        _read(lambda item=item: Streams("key").read_entry({**entry, b"data": item}))


def _read(read: Any) -> None:
    try:
        incoming = read()
    except MalformedError:
        return
    assert incoming is None or isinstance(incoming, Incoming)
