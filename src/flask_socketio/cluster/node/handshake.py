"""A client as Node's `fetchSockets()` shows it."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import orjson

from ..base import Member
from .wire import is_room


def described(member: Member) -> dict[str, Any]:
    """Its id, handshake, rooms and data; as JSON, whatever the application keeps there."""
    rooms = [member.sid, *filter(is_room, member.rooms)]
    return {
        "id": member.sid,
        "handshake": _handshake(member.environ),
        "rooms": rooms,
        "data": _as_json(member.session or {}),
    }


def _handshake(environ: dict[str, Any]) -> dict[str, Any]:
    """What its request tells. When it came, and what the client has sent to identify itself, is not told."""
    query = environ.get("QUERY_STRING", "")
    path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    return {
        "headers": _headers(environ),
        "address": environ.get("REMOTE_ADDR", ""),
        "xdomain": "HTTP_ORIGIN" in environ,
        "secure": environ.get("wsgi.url_scheme") == "https",
        "url": f"{path}?{query}",
        "query": dict(parse_qsl(query, keep_blank_values=True)),
        "auth": {},
    }


def _headers(environ: dict[str, Any]) -> dict[str, str]:
    return {
        name[5:].replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_") and isinstance(value, str)
    }


def _as_json(value: dict[str, Any]) -> Any:
    """Without what is no JSON: who asks waits for an answer in any case."""
    try:
        text = orjson.dumps(value, lambda item: None, orjson.OPT_NON_STR_KEYS)
    except orjson.JSONEncodeError:
        return {}
    return orjson.loads(text)
