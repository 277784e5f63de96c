"""Arguments <-> JSON, with binary attachments lifted out of them and put back (Socket.IO v5, "Sending and receiving").

orjson carries the load. What it refuses but JSON allows (integers beyond 64 bits, keys that are not strings, lone
surrogates) goes through the standard library instead, so that whatever `json.dumps` takes may be emitted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any, TypeGuard, cast

import orjson

from .errors import SocketProtocolError

BINARY_TYPES = (bytes, bytearray, memoryview)

#: What these become is for `default` to say, as with the standard library.
_LEFT_TO_DEFAULT = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS

# A surrogate escape without its other half. Valid pairs and every other escape match first and stay as they are.
_ESCAPES = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
    r"|\\.",
    re.DOTALL,
)


def dumps(value: Any, default: Callable[[Any], Any] | None = None) -> tuple[bytes, list[bytes]]:
    """Encode to UTF-8 JSON; return it and the attachments its placeholders stand for, in order.

    `default` turns a value that is neither JSON nor binary into one that is, or raises TypeError. Raises TypeError
    for what JSON cannot express, a value within itself and nesting beyond Python's stack included.
    """
    try:
        return orjson.dumps(value, None, _LEFT_TO_DEFAULT), []
    except orjson.JSONEncodeError:
        attachments: list[bytes] = []

    def lift_out(item: Any) -> Any:
        if isinstance(item, BINARY_TYPES):
            attachments.append(bytes(cast(bytes, item)))
            return {"_placeholder": True, "num": len(attachments) - 1}
        if default is not None:
            return default(item)
        raise TypeError(f"Object of type {type(item).__name__} is not JSON serializable")

    try:
        return orjson.dumps(value, lift_out, _LEFT_TO_DEFAULT), attachments
    except orjson.JSONEncodeError:
        attachments.clear()
    try:
        text = json.dumps(value, default=lift_out, separators=(",", ":"), allow_nan=False)
    except (ValueError, RecursionError) as error:
        raise TypeError(f"not JSON serializable: {error}") from None
    return text.encode(), attachments


def loads(text: str) -> Any:
    """Decode JSON; raise SocketProtocolError for anything else, NaN and nesting beyond 1,024 levels included.

    Half a surrogate pair (a browser sends it where a string was cut inside an emoji) becomes U+FFFD.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        if "surrogate" not in str(error):
            raise SocketProtocolError(f"invalid JSON: {error}") from None
    try:
        return orjson.loads(_ESCAPES.sub(_mend_surrogate, text))
    except orjson.JSONDecodeError as error:
        raise SocketProtocolError(f"invalid JSON: {error}") from None


def _mend_surrogate(match: re.Match[str]) -> str:
    return "\\ufffd" if match[1] else match[0]


def restore(value: Any, attachments: list[bytes]) -> Any:
    """Put `attachments` where their placeholders stand, in place; return the value.

    Every attachment belongs to exactly one placeholder: a second reference to one would let a small packet grow
    into a large one.
    """
    unused = dict(enumerate(attachments))
    root = [value]
    # No recursion: JSON may be nested more deeply than Python's stack allows.
    containers: list[Any] = [root]
    while containers:
        container = containers.pop()
        for key, entry in _entries(container):
            if _is_placeholder(entry):
                container[key] = _take(unused, entry.get("num"))
            elif isinstance(entry, list | dict):
                containers.append(entry)
    if unused:
        raise SocketProtocolError(f"{len(unused)} attachments have no placeholder")
    return root[0]


def _entries(container: Any) -> Iterable[tuple[Any, Any]]:
    if _is_object(container):
        return container.items()
    return enumerate(cast("list[Any]", container))


def _take(unused: dict[int, bytes], num: Any) -> bytes:
    if type(num) is not int:
        raise SocketProtocolError(f"a placeholder's num is a {type(num).__name__}")
    if num not in unused:
        raise SocketProtocolError(f"no attachment for the placeholder num {num}")
    return unused.pop(num)


def _is_placeholder(item: Any) -> TypeGuard[dict[str, Any]]:
    return _is_object(item) and item.get("_placeholder") is True


def _is_object(item: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(item, dict)
