"""What the messages of all of Node's adapters are made of: MessagePack, JSON, and the fields in them.

Nothing is sent here, and nobody is waited for. What is read may raise MalformedError, nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, cast

import msgpack  # pyright: ignore[reportMissingTypeStubs]
import orjson

from ...protocol.errors import SocketProtocolError
from ...protocol.json import restore
from ...protocol.msgpack import unpack
from ...protocol.socketio import check_event
from ..base import Room
from ..wire import Dumps
from .messages import MalformedError, Target

_packb: Callable[..., bytes] = msgpack.packb  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType, reportAssignmentType]

#: How JavaScript writes a Date: MessagePack's timestamps of 4, 8 and 12 bytes.
_DATE = re.compile(rb"\xd6\xff|\xd7\xff|\xc7\x0c\xff")


# -- values ----------------------------------------------------------------------------------------


def packed(value: Any) -> bytes:
    """As MessagePack. Raises TypeError for what that does not have."""
    try:
        return _packb(value)
    except (ValueError, OverflowError) as error:
        raise TypeError(f"not MessagePack serializable: {error}") from None


def plain(args: list[Any], dumps: Dumps) -> list[Any]:
    """The application's arguments, as MessagePack has them: what `dumps` turns them into, where they are no more than
    that. Raises TypeError."""
    try:
        _packb(args)
    except (TypeError, ValueError, OverflowError):
        text, attachments = dumps(args)
        return restore(orjson.loads(text), attachments)
    return args


def unpacked(data: bytes) -> Any:
    try:
        value = unpack(data, timestamp=3, ext_hook=_extension, strict_map_key=False)
        return _with_dates(value) if _DATE.search(data) else value
    except (SocketProtocolError, OverflowError, OSError, RecursionError) as error:
        raise MalformedError(str(error)) from None


def _extension(code: int, data: bytes) -> Any:
    """JavaScript's `undefined` is one; there are no others."""
    if code == 0 and data == b"\0":
        return None
    raise MalformedError(f"extension {code} of MessagePack")


def _with_dates(value: Any) -> Any:
    """Dates as JSON has them in JavaScript."""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond // 1000:03}Z"
    if isinstance(value, list):
        return [_with_dates(item) for item in cast("list[Any]", value)]
    if isinstance(value, dict):
        items = cast("dict[Any, Any]", value).items()
        return {key: _with_dates(item) for key, item in items}
    return value


def as_json(value: Any) -> bytes:
    """Raises TypeError for what is no JSON."""
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)


def json_or_packed(value: dict[str, Any]) -> bytes:
    """JSON, or MessagePack where there is binary in it. Raises TypeError for what is neither."""
    try:
        return as_json(value)
    except TypeError:
        return packed(value)


def parsed(data: bytes) -> dict[str, Any]:
    """A map, in JSON or in MessagePack."""
    value: Any
    if data[:1] == b"{":
        try:
            value = orjson.loads(data)
        except orjson.JSONDecodeError as error:
            raise MalformedError(str(error)) from None
    else:
        value = unpacked(data)
    if not isinstance(value, dict):
        raise MalformedError("no map")
    return cast("dict[str, Any]", value)


# -- fields ----------------------------------------------------------------------------------------


def text_in(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    if type(value) is not str:
        raise MalformedError(f"{name} is no text")
    return value


def optional_text_in(fields: dict[str, Any], name: str) -> str | None:
    return None if fields.get(name) is None else text_in(fields, name)


def number_in(fields: dict[str, Any], name: str) -> int:
    value = fields.get(name)
    if type(value) is not int:
        raise MalformedError(f"{name} is no number")
    return value


def list_in(fields: dict[str, Any], name: str) -> list[Any]:
    value = fields.get(name)
    if not isinstance(value, list):
        raise MalformedError(f"{name} is no list")
    return cast("list[Any]", value)


def map_in(fields: dict[str, Any], name: str) -> dict[str, Any]:
    value = fields.get(name)
    if not isinstance(value, dict):
        raise MalformedError(f"{name} is no map")
    return cast("dict[str, Any]", value)


def is_room(value: object) -> bool:
    """Whether Node's servers could have such a room."""
    return isinstance(value, str | int | float)


def rooms_in(fields: dict[str, Any], name: str) -> tuple[Room, ...]:
    rooms = list_in(fields, name)
    if not all(map(is_room, rooms)):
        raise MalformedError(f"{name} has what is no room")
    return tuple(rooms)


def target_in(opts: dict[str, Any]) -> Target:
    skip = rooms_in(opts, "except") if opts.get("except") else ()
    return Target(rooms_in(opts, "rooms"), skip)


def opts_of(target: Target, flags: dict[str, Any]) -> dict[str, Any]:
    return {"rooms": list(target.rooms), "except": list(target.skip), "flags": flags}


def event_in(packet: dict[str, Any]) -> list[Any]:
    """A packet's event: its name and arguments."""
    if packet.get("type") != 2:
        raise MalformedError("no event")
    args = list_in(packet, "data")
    try:
        check_event(args[0] if args else None)
    except (TypeError, ValueError) as error:
        raise MalformedError(str(error)) from None
    return args


def name_of(room: Room) -> str:
    """A room in the name of a channel, as JavaScript writes it."""
    return str(int(room) if isinstance(room, float) and room.is_integer() else room)
