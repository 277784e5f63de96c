"""The browser's client, served below the Socket.IO path as the reference server does it."""

from __future__ import annotations

import json
import logging
from functools import lru_cache
from importlib.resources import files
from typing import Any

from ..engine.answers import Send
from ..engine.request import join_headers

NAMES = frozenset(
    name + suffix
    for name in (
        "socket.io.js",
        "socket.io.min.js",
        "socket.io.esm.min.js",
        "socket.io.msgpack.min.js",
    )
    for suffix in ("", ".map")
)

logger = logging.getLogger("flask_socketio.server")


async def serve_client_file(name: str, scope: dict[str, Any], send: Send) -> bool:
    """Answer with one of the client's files; False if there is none of that name."""
    if name not in NAMES or scope["method"] not in ("GET", "HEAD"):
        return False
    try:
        body, version = _read(name), _version()
    except FileNotFoundError:
        logger.error(  # noqa: TRY400 - the traceback would say no more
            "%s is not installed: the build puts it there, run `pip install -e .`", name
        )
        return False
    etag = f'"{version}"'
    headers = [
        (b"cache-control", b"public, max-age=0"),
        (b"content-type", _content_type(name)),
        (b"etag", etag.encode()),
    ]
    unchanged = join_headers(scope["headers"]).get("if-none-match") in (etag, "W/" + etag)
    if unchanged:
        body = b""
    else:
        headers.append((b"content-length", str(len(body)).encode()))
    await send(
        {"type": "http.response.start", "status": 304 if unchanged else 200, "headers": headers}
    )
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
    return True


def _content_type(name: str) -> bytes:
    kind = "json" if name.endswith(".map") else "javascript"
    return f"application/{kind}; charset=utf-8".encode()


@lru_cache
def _read(name: str) -> bytes:
    return (files("flask_socketio") / "static" / name).read_bytes()


@lru_cache
def _version() -> str:
    return json.loads(_read("CLIENT.json"))["version"]
