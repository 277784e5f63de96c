"""What the messages of a queue say, and who reads which. Nothing is sent here, and nobody is waited for.

They are those of python-socketio's managers: a server with python-socketio 5.14 or later and one with this package
understand each other, and so does whatever only emits. Every message is one JSON text, published to all. Methods of our
own are ignored by its managers, as are fields that they do not know.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeVar, cast

import orjson

from ..protocol.json import restore
from ..protocol.socketio import Codec, check_event
from .base import Callback, Emission, as_namespace, as_rooms
from .nodes import is_node

Message = dict[str, Any]
T = TypeVar("T")
#: Arguments -> their JSON text, and the attachments that it refers to.
Dumps = Callable[[Any], tuple[bytes, list[bytes]]]
#: Made for the host that has emitted and its node (None where it has none), with the room, the namespace and the ack's
#: id there: takes an ack to it.
AnswerTo = Callable[[str, str | None, Any, str, int], Callback]

#: Of which everybody writes the same.
_PLAIN = {str, int, bool, type(None)}

#: What a message of each method has, besides its namespace.
_FIELDS = {
    "callback": ("id", "args"),
    "close_room": ("room",),
    "disconnect": ("sid",),
    "enter_room": ("sid", "room"),
    "leave_room": ("sid", "room"),
}


# -- any message -----------------------------------------------------------------------------------


def write(message: Message, host_id: str) -> bytes:
    """The text of a message from this host, not numbered yet. Raises TypeError for what is no JSON."""
    # An ack has the id of the host that it is for in this place.
    own = "origin" if "host_id" in message else "host_id"
    message = {own: host_id, **message}
    try:
        return orjson.dumps(message)
    except orjson.JSONEncodeError:
        return json.dumps(message, default=_parsed).encode()


def _parsed(item: Any) -> Any:
    """What orjson takes as it stands, for the standard library."""
    if isinstance(item, orjson.Fragment):
        return json.loads(orjson.dumps(item))
    raise TypeError(f"{type(item).__name__} is not JSON serializable")


def _as_json(value: Any) -> Any:
    """What the application may choose freely, as JSON: only what the standard library takes. Raises TypeError."""
    return value if type(value) in _PLAIN else orjson.Fragment(json.dumps(value))


def numbered(text: bytes, number: int) -> bytes:
    """The same with its number among those of its origin: a field that python-socketio does not look at."""
    return b'{"seq":%d,%b' % (number, text[1:])


def addressed(message: Message, topic: int | None) -> Message:
    """The same with its topic, if it has one: by that it is numbered."""
    return message if topic is None else {"topic": topic, **message}


def read(text: bytes | str) -> Message:
    """The message, whoever it is for. Raises for what is none.

    Integers beyond 64 bits become floats, as they do in clients' packets.
    """
    try:
        message: object = orjson.loads(text)
    except orjson.JSONDecodeError:  # others may write NaN, half a surrogate pair, or more levels
        message = json.loads(text)
    if not isinstance(message, dict):
        raise TypeError("no message")
    return cast(Message, message)


def is_pickle(text: bytes | str) -> bool:
    """Whether it is what python-socketio before 5.14 publishes, which is never read."""
    return isinstance(text, bytes) and text[:1] == b"\x80"


def is_for(message: Message, host_id: str) -> bool:
    """An ack is for the one who emitted; anything else is not for the one who sent it."""
    return (message.get("host_id") == host_id) is (message.get("method") == "callback")


# -- emissions -------------------------------------------------------------------------------------


def emit_message(
    emission: Emission, dumps: Dumps, callback: tuple[Any, str, int] | None, node: str = ""
) -> Message:
    """An emission as others read it; `callback` is the room, the namespace and the ack's id, `node` whose that is.

    `head.py` reads the first fields, in this order.
    """
    text, attachments = dumps(emission.args[1:])
    data: Any = orjson.Fragment(text)
    if attachments:
        data = [data, *(b64encode(item).decode() for item in attachments)]
    return {
        "method": "emit",
        "namespace": emission.namespace,
        "room": _rooms(emission.to),
        "callback": callback and (_as_json(callback[0]), *callback[1:]),
        "event": emission.args[0],
        "data": data,
        "binary": bool(attachments),
        "skip_sid": [_as_json(room) for room in emission.skip] or None,
        **({"node": node} if callback and node else {}),
    }


def _rooms(rooms: tuple[Any, ...] | None) -> Any:
    if rooms is None:
        return None
    return _as_json(rooms[0]) if len(rooms) == 1 else [_as_json(room) for room in rooms]


def emission_of(message: Message, codec: Codec, answer_to: AnswerTo) -> Emission:
    """Others' emission, encoded for the clients here. Raises for what is none."""
    args = _emitted_args(message)
    check_event(args[0])
    namespace = as_namespace(message.get("namespace"))
    namespace.encode()  # what is no Unicode cannot be told a client
    addressee = message.get("callback")
    return Emission(
        namespace,
        args,
        codec.encode_body(args),
        as_rooms(message.get("room")),
        as_rooms(message.get("skip_sid")) or (),
        None
        if addressee is None
        else answer_to(message["host_id"], message.get("node"), *addressee),
        ignore_queue=True,
    )


def _emitted_args(message: Message) -> list[Any]:
    """The event's name, and its arguments."""
    data = message["data"]
    if message.get("binary"):
        args, *attachments = cast("list[Any]", data)
        data = restore(args, [b64decode(item) for item in attachments])
    # Releases before 5.15.1 publish a single argument bare.
    args = cast("list[Any]", data) if isinstance(data, list) else [data]
    return [message["event"], *args]


# -- everything else -------------------------------------------------------------------------------


def other_message(method: str, namespace: str, fields: dict[str, Any]) -> Message:
    """What is no emission. Raises TypeError for what is no JSON."""
    plain = {name: _as_json(value) for name, value in fields.items()}
    return {"method": method, "namespace": namespace, **plain}


def fields_of(message: Message) -> tuple[str, str, list[Any]]:
    """The method, the namespace, and what the method has besides. Raises for a message that lacks some of it."""
    method: str = message["method"]
    fields = [_checked(message, name) for name in _FIELDS[method]]
    return method, as_namespace(message.get("namespace")), fields


def _checked(message: Message, name: str) -> Any:
    value: object = message[name]
    if name == "args":
        if not isinstance(value, list):
            raise ValueError("args is no list")
    elif isinstance(value, list | dict):
        raise ValueError(f"{name} is no plain value")
    return value  # pyright: ignore[reportUnknownVariableType]


# -- who is there ----------------------------------------------------------------------------------


class MemberState(Enum):
    #: it has come, and wants to know who else is there
    HELLO = "hello"
    #: it serves nobody, and wants to know who does
    WHO = "who"
    HERE = "here"
    BYE = "bye"


@dataclass(frozen=True, slots=True)
class Member:
    """What a process says of itself."""

    node: str
    state: MemberState
    #: JSON
    facts: dict[str, Any]


def member_message(member: Member) -> Message:
    return {
        "method": "member",
        "node": member.node,
        "state": member.state.value,
        "facts": dict(member.facts),
    }


def member_of(message: Message) -> Member:
    """Raises for a message that does not say it."""
    node, facts = message["node"], message["facts"]
    if not is_node(node) or not isinstance(facts, dict):
        raise ValueError("no member")
    return Member(node, MemberState(message["state"]), cast("dict[str, Any]", facts))


# -- questions -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Question:
    #: who asks, and which of its questions it is
    node: str
    number: int
    #: who shall answer
    nodes: list[str]
    kind: str
    args: list[Any]


@dataclass(frozen=True, slots=True)
class Answer:
    #: who answers, and whom
    node: str
    to: str
    number: int
    #: which of how many parts
    part: int
    parts: int
    text: str


def question_message(question: Question) -> Message:
    """Raises TypeError for arguments that are no JSON."""
    return {
        "method": "ask",
        "node": question.node,
        "id": question.number,
        "nodes": question.nodes,
        "kind": question.kind,
        "args": [_as_json(arg) for arg in question.args],
    }


def question_of(message: Message) -> Question:
    """Raises for a message that asks nothing."""
    return Question(
        _of(str, message["node"]),
        _of(int, message["id"]),
        _list(message["nodes"]),
        _of(str, message["kind"]),
        _list(message["args"]),
    )


def answer_message(answer: Answer) -> Message:
    return {
        "method": "answer",
        "node": answer.node,
        "to": answer.to,
        "id": answer.number,
        "part": answer.part,
        "parts": answer.parts,
        "text": answer.text,
    }


def answer_of(message: Message) -> Answer:
    """Raises for a message that answers nothing."""
    return Answer(
        _of(str, message["node"]),
        _of(str, message["to"]),
        _of(int, message["id"]),
        _of(int, message["part"]),
        _of(int, message["parts"]),
        _of(str, message["text"]),
    )


def unknown_message(to: str, number: int) -> Message:
    """To a node that waits for the answer of a client of ours: there is no such client."""
    return {"method": "unknown", "to": to, "id": number}


def unknown_of(message: Message) -> tuple[str, int]:
    """Raises for a message that does not say it."""
    return _of(str, message["to"]), _of(int, message["id"])


def _of(kind: type[T], value: object) -> T:
    if not isinstance(value, kind):
        raise TypeError(f"no {kind.__name__}: {value!r:.100}")
    return value


def _list(value: object) -> list[Any]:
    return cast("list[Any]", _of(list, value))
