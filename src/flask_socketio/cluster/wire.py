"""What the messages of a queue say, and who reads which. Nothing is sent here, and nobody is waited for.

They are those of python-socketio's managers: a server with python-socketio 5.14 or later and one with this package
understand each other, and so does whatever only emits. Every message is one JSON text, published to all.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any, cast

from ..protocol.json import restore
from ..protocol.socketio import Codec, check_event
from .base import Callback, Emission, as_namespace, as_rooms

Message = dict[str, Any]
#: Arguments -> their JSON text, and the attachments that it refers to.
Dumps = Callable[[Any], tuple[bytes, list[bytes]]]
#: Made for the host that has emitted, with the room, the namespace and the ack's id there: takes an ack to it.
AnswerTo = Callable[[str, Any, str, int], Callback]

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
    """The text of a message from this host. Raises TypeError for what is no JSON."""
    return json.dumps({"host_id": host_id, **message}).encode()


def read(text: bytes | str, host_id: str) -> Message | None:
    """The message, if it is for this host. Raises for what is none."""
    message = json.loads(text)
    # An ack is addressed to the one who emitted; anything else is not for the one who sent it.
    own = message.get("host_id") == host_id
    return message if own is (message.get("method") == "callback") else None


# -- emissions -------------------------------------------------------------------------------------


def emit_message(
    emission: Emission, dumps: Dumps, callback: tuple[Any, str, int] | None
) -> Message:
    """An emission as others read it; `callback` is the room, the namespace and the ack's id."""
    text, attachments = dumps(emission.args[1:])
    data: list[Any] = json.loads(text)
    if attachments:
        data = [data, *(b64encode(item).decode() for item in attachments)]
    return {
        "method": "emit",
        "event": emission.args[0],
        "data": data,
        "binary": bool(attachments),
        "namespace": emission.namespace,
        "room": _as_json(emission.to),
        "skip_sid": list(emission.skip) or None,
        "callback": callback,
    }


def _as_json(rooms: tuple[Any, ...] | None) -> Any:
    return rooms[0] if rooms is not None and len(rooms) == 1 else rooms


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
        None if addressee is None else answer_to(message["host_id"], *addressee),
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
