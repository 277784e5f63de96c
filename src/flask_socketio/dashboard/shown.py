"""Sockets, rooms and events as the dashboard shows them: JSON, cut to a size, without secrets."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import blake2b
from itertools import islice
from typing import Any
from urllib.parse import parse_qsl

import orjson

from ..cluster.base import Room
from ..hub.socket import Socket

#: Characters of a header, of a room's name and of an event's arguments; how many headers and rooms of a client.
_MAX_TEXT, _MAX_NAME, _MAX_ARGUMENTS = 512, 128, 2000
_MAX_HEADERS, _MAX_ROOMS = 50, 100
#: What says who somebody is, to whoever reads it.
_SECRET = {"cookie", "authorization", "proxy-authorization", "x-api-key", "x-csrf-token"}
_HIDDEN = "(not shown)"
#: Where a connection's environ says since when it is there: milliseconds.
SINCE = "flask_duplex.since"


def timestamp() -> str:
    """Now, as JavaScript writes it."""
    return _iso(datetime.now(UTC))


def _iso(when: datetime) -> str:
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def timestamp_of(milliseconds: int) -> str:
    return _iso(datetime.fromtimestamp(milliseconds / 1000, UTC))


def socket_fields(socket: Socket, transport: str, since: int) -> dict[str, Any]:
    """A client in a namespace. `since` is when its connection was made, if nobody has noted that."""
    environ = socket.environ
    return {
        "id": socket.sid,
        "clientId": client_id(socket),
        "transport": transport,
        "nsp": socket.namespace,
        "data": {},
        "handshake": _handshake(environ, environ.get(SINCE, since)),
        "rooms": [socket.sid, *map(room_name, islice(socket.rooms, _MAX_ROOMS))],
    }


def client_id(socket: Socket) -> str:
    """A connection's, by which nobody can take it over."""
    return blake2b(socket.client.connection.sid.encode(), digest_size=6).hexdigest()


def room_name(room: Room) -> str:
    """Rooms may be anything that can be hashed."""
    return (room if isinstance(room, str) else repr(room))[:_MAX_NAME]


def _handshake(environ: dict[str, Any], since: int) -> dict[str, Any]:
    query = str(environ.get("QUERY_STRING", ""))[:_MAX_TEXT]
    path = str(environ.get("SCRIPT_NAME", "")) + str(environ.get("PATH_INFO", ""))
    return {
        "address": str(environ.get("REMOTE_ADDR", "")),
        "headers": _headers(environ),
        "query": dict(parse_qsl(query, keep_blank_values=True)),
        "issued": since,
        "secure": environ.get("wsgi.url_scheme") == "https",
        "time": timestamp_of(since),
        "url": f"{path}?{query}"[:_MAX_TEXT],
        "xdomain": "HTTP_ORIGIN" in environ,
    }


def _headers(environ: dict[str, Any]) -> dict[str, str]:
    names = islice((name for name in environ if name.startswith("HTTP_")), _MAX_HEADERS)
    headers = {name[5:].lower().replace("_", "-"): str(environ[name]) for name in names}
    return {
        name: _HIDDEN if name in _SECRET else value[:_MAX_TEXT] for name, value in headers.items()
    }


def event_fields(event: str, args: tuple[Any, ...] | list[Any]) -> list[Any]:
    """An event's name and its arguments; long ones as a text that says how long they are."""
    name = room_name(event)
    try:
        text = orjson.dumps(args, default=_shown, option=orjson.OPT_NON_STR_KEYS)
    except (TypeError, ValueError):  # orjson.JSONEncodeError is one
        text = orjson.dumps([repr(args)[:_MAX_ARGUMENTS]])
    if len(text) <= _MAX_ARGUMENTS:
        return [name, *orjson.loads(text)]
    cut = text[:_MAX_ARGUMENTS].decode(errors="ignore")
    return [name, f"{cut}… ({len(text)} bytes)"]


def _shown(value: object) -> str:
    if isinstance(value, bytes | bytearray):
        return f"<{len(value)} bytes>"
    return repr(value)[:_MAX_NAME]
