"""Arguments <-> JSON, with binary attachments lifted out of them and put back (Socket.IO v5, "Sending and receiving").

orjson carries the load. What it refuses but the standard library takes (integers beyond 64 bits, keys that are not
strings, lone surrogates, deep nesting) is put into forms that orjson takes first, so that whatever `json.dumps` takes
may be emitted, and a value becomes the same text whatever else is emitted with it. NaN and Infinity become null, which
`json.dumps` makes tokens of that no JavaScript client reads, and enums become their values.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from enum import Enum
from typing import Any, TypeGuard, cast

import orjson

from .errors import SocketProtocolError

BINARY_TYPES = (bytes, bytearray, memoryview)

#: What these become is for `default` to say, as with the standard library, or for us: of a subclass orjson sees what
#: is stored, not what it shows (Werkzeug's MultiDict).
_OPTIONS = (
    orjson.OPT_PASSTHROUGH_DATETIME
    | orjson.OPT_PASSTHROUGH_DATACLASS
    | orjson.OPT_PASSTHROUGH_SUBCLASS
)

#: As the standard library sees instances of subclasses.
_EXACT: dict[type, Callable[[Any], Any]] = {
    str: str.__str__,
    int: int.__int__,
    float: float.__float__,
    dict: lambda item: dict(item.items()),
    list: list[Any].copy,
    tuple: list[Any],
}

#: Levels of containers that orjson is given at once; it takes 254.
_LEVELS = 200

# A quote behind these begins a name, and is in no string.
_PLACEHOLDER = re.compile(rb'[{,]\s*"_placeholder"\s*:\s*true')

# The halves of a surrogate pair without the other one, where escaped backslashes are out of the way.
_HIGH = r"\\u[dD][89abAB][0-9a-fA-F]{2}"
_LOW = r"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_LONE_HIGH = re.compile(f"{_HIGH}(?!{_LOW})")
_LONE_LOW = re.compile(f"{_LOW}(?<!{_HIGH}{_LOW})")
_REPLACEMENT = r"\\ufffd"


def dumps(value: Any, default: Callable[[Any], Any] | None = None) -> tuple[bytes, list[bytes]]:
    """Encode to UTF-8 JSON; return it and the attachments its placeholders stand for, in order.

    `default` turns a value that is neither JSON nor binary into one that is, or raises TypeError. Raises TypeError
    for what JSON cannot express, a value within itself and nesting beyond Python's stack included.
    """
    try:
        return orjson.dumps(value, None, _OPTIONS), []
    except orjson.JSONEncodeError:
        helper = _Helper(default)
    try:
        text = orjson.dumps(value, helper.simpler, _OPTIONS)
    except orjson.JSONEncodeError:
        text = None  # what is raised below has its own cause, not this one as well
    return (
        _dumps_plain(value, _Helper(default)) if text is None else checked(text, helper.attachments)
    )


def dumps_asking(value: Any, default: Callable[[Any], Any]) -> tuple[bytes, list[bytes]]:
    """As `dumps`, where `default` may have its own forms of enums and UUIDs: orjson would not ask it for them."""
    return _dumps_plain(value, _Helper(default, asks=True))


def _dumps_plain(value: Any, helper: _Helper) -> tuple[bytes, list[bytes]]:
    try:
        text = orjson.dumps(helper.plain(value))
    except (ValueError, RecursionError) as error:
        raise TypeError(f"not JSON serializable: {error}") from None
    return checked(text, helper.attachments)


def checked(text: bytes, attachments: list[bytes]) -> tuple[bytes, list[bytes]]:
    """Both, if no other placeholders are in the text than those of the attachments; raises TypeError if there are.

    What a client has made up to look like one, is data as long as nothing binary is beside it. Then it would be another
    one's attachment to whoever receives it, or none, and the JavaScript client ends its connection.
    """
    if attachments and len(_PLACEHOLDER.findall(text)) != len(attachments):
        raise TypeError("a dict with '_placeholder': True cannot be sent beside binary values")
    return text, attachments


class _Helper:
    """Turns what orjson does not take into what it takes, and collects the attachments of one value."""

    def __init__(self, default: Callable[[Any], Any] | None, *, asks: bool = False) -> None:
        self.attachments: list[bytes] = []
        self._default = default
        self._asks = asks

    def simpler(self, item: Any) -> Any:
        """One step towards JSON. Raises TypeError where there is none."""
        if isinstance(item, BINARY_TYPES):
            self.attachments.append(bytes(cast(bytes, item)))
            return {"_placeholder": True, "num": len(self.attachments) - 1}
        for kind, exact in _EXACT.items():
            if isinstance(item, kind):
                return exact(item)
        if self._default is not None:
            return self._default(item)
        raise TypeError(f"Object of type {type(item).__name__} is not JSON serializable")

    def plain(self, item: Any, level: int = 0) -> Any:
        """A copy in which nothing is left that orjson refuses. One frame of Python's stack a level."""
        kind = cast(type[Any], type(item))
        if kind in _SCALARS:
            return _SCALARS[kind](item)
        if kind is dict:
            entries: dict[str, Any] = {}
            for key, entry in item.items():
                entries[_key(key)] = self.plain(entry, level + 1)
            return _packed(_object(entries), level)
        if kind is list or kind is tuple:
            items: list[Any] = []
            for entry in item:
                items.append(self.plain(entry, level + 1))
            return _packed(items, level)
        step = self._asking if self._asks else self._as_orjson
        return self.plain(step(item), level)

    def _as_orjson(self, item: Any) -> Any:
        """One step, the one that orjson takes if it takes one by itself."""
        if isinstance(item, Enum):
            return item.value
        try:
            text = orjson.dumps(item, None, _OPTIONS)
        except orjson.JSONEncodeError:
            text = None
        return self.simpler(item) if text is None else orjson.Fragment(text)

    def _asking(self, item: Any) -> Any:
        """One step, the one that `default` takes if it takes one."""
        try:
            return self.simpler(item)
        except TypeError:
            return self._as_orjson(item)


def _text(text: str) -> Any:
    return text if _is_unicode(text) else orjson.Fragment(json.dumps(text))


def _is_unicode(text: str) -> bool:
    """Whether it has no half of a surrogate pair."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _integer(number: int) -> Any:
    return number if -(2**63) <= number < 2**64 else orjson.Fragment(str(number))


def _itself(item: Any) -> Any:
    return item


_SCALARS: dict[type, Callable[[Any], Any]] = {
    str: _text,
    int: _integer,
    float: _itself,
    bool: _itself,
    type(None): _itself,
    orjson.Fragment: _itself,
}


#: How the standard library writes the keys of an object.
_KEYS: dict[type, Callable[[Any], str]] = {
    str: str.__str__,
    int: int.__repr__,
    bool: json.dumps,
    type(None): json.dumps,
    float: json.dumps,
}


def _key(key: Any) -> str:
    """Raises TypeError for what may not be one."""
    write = _KEYS.get(cast(type[Any], type(key)))
    if write is None:
        write = next((_KEYS[kind] for kind in (str, int, float) if isinstance(key, kind)), None)
    if write is None:
        name = type(key).__name__
        raise TypeError(f"keys must be str, int, float, bool or None, not {name}")
    return write(key)


def _object(entries: dict[str, Any]) -> Any:
    """The dict, or what orjson takes for one that has keys it refuses."""
    if all(map(_is_unicode, entries)):
        return entries
    parts = [
        json.dumps(key).encode() + b":" + orjson.dumps(entry) for key, entry in entries.items()
    ]
    return orjson.Fragment(b"{" + b",".join(parts) + b"}")


def _packed(container: Any, level: int) -> Any:
    """The container, or its text where those around it would make too many levels."""
    if level % _LEVELS == _LEVELS - 1:
        return orjson.Fragment(orjson.dumps(container))
    return container


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
        return orjson.loads(_mend_surrogates(text))
    except orjson.JSONDecodeError as error:
        raise SocketProtocolError(f"invalid JSON: {error}") from None


def _mend_surrogates(text: str) -> str:
    """Replace halves of pairs; without a call for each, for a client may send 150,000 of them."""
    if "\0" in text:
        return text  # no JSON
    text = text.replace(r"\\", "\0")
    text = _LONE_LOW.sub(_REPLACEMENT, _LONE_HIGH.sub(_REPLACEMENT, text))
    return text.replace("\0", r"\\")


#: What most of JSON is; the others are looked at more closely.
_LEAVES = frozenset((str, int, float, bool, type(None)))


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
        items: Any = container.items() if _is_object(container) else enumerate(container)
        for key, entry in items:
            if type(entry) in _LEAVES:
                continue
            if _is_object(entry):
                if entry.get("_placeholder") is True:
                    container[key] = _take(unused, entry.get("num"))
                else:
                    containers.append(entry)
            elif entry and isinstance(entry, list):
                containers.append(cast("list[Any]", entry))
    if unused:
        raise SocketProtocolError(f"{len(unused)} attachments have no placeholder")
    return root[0]


def _take(unused: dict[int, bytes], num: Any) -> bytes:
    if type(num) is not int:
        raise SocketProtocolError(f"a placeholder's num is a {type(num).__name__}")
    if num not in unused:
        raise SocketProtocolError(f"no attachment for the placeholder num {num}")
    return unused.pop(num)


def _is_object(item: Any) -> TypeGuard[dict[Any, Any]]:
    return isinstance(item, dict)
