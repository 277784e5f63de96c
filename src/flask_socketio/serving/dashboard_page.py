"""The dashboard's page: the official Admin UI as it was built, with what it would have from elsewhere."""

from __future__ import annotations

import gzip
import hashlib
import json
import logging
import re
from functools import lru_cache
from html import escape
from importlib.resources import files
from pathlib import PurePosixPath
from urllib.parse import quote

from ..app.options import Options
from ..engine.answers import Send
from ..engine.request import EngineRequest, Headers
from ..runtime.live import Live

logger = logging.getLogger("flask_socketio.server")

#: Where it is below the path.
_PLACE = "admin/"
_TYPES = {
    ".css": b"text/css; charset=utf-8",
    ".html": b"text/html; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
    ".png": b"image/png",
    ".svg": b"image/svg+xml",
}
#: No other host is asked for anything, and no other site's page may show this one.
_HEADERS: Headers = [
    (b"cache-control", b"no-cache"),
    (
        b"content-security-policy",
        b"default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        b"frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    ),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
]
#: What the page would have from other hosts: a font, and its icons.
_ELSEWHERE = re.compile(rb"""<link[^>]*href=["']https?://[^>]*>""")
_ICON = '.mdi-{name}::before{{-webkit-mask-image:url("{url}");mask-image:url("{url}")}}\n'
_ICONS = """
.mdi::before {
  content: "";
  display: inline-block;
  width: 1em;
  height: 1em;
  background: currentColor;
  -webkit-mask: no-repeat center / contain;
  mask: no-repeat center / contain;
}
"""
#: Bytes from which on a file is worth compressing.
_COMPRESSED = 1024


async def serve_dashboard(live: Live, options: Options, request: EngineRequest, send: Send) -> bool:
    """Answer with what the page is made of; False where the request is for something else."""
    name = request.path.removeprefix(live.engine.config.path)
    if request.method not in ("GET", "HEAD") or not f"{name}/".startswith(_PLACE):
        return False
    if f"{name}/" == _PLACE:
        await _answer(
            send, 308, [(b"location", _PLACE.encode())], b""
        )  # the browser knows the prefix
        return True
    try:
        body, kind = _content(name.removeprefix(_PLACE), live, options)
    except FileNotFoundError:
        logger.error(  # noqa: TRY400 - the traceback would say no more
            "the dashboard's page is not installed: the build puts it there, run `pip install -e .`"
        )
        return False
    except KeyError:
        return False
    etag = b'"%b"' % hashlib.blake2b(body, digest_size=12).hexdigest().encode()
    headers: Headers = [
        *_HEADERS,
        (b"content-type", kind),
        (b"etag", etag),
        (b"vary", b"accept-encoding"),
    ]
    if request.headers.get("if-none-match", "").encode() in (etag, b"W/" + etag):
        await _answer(send, 304, headers, b"")
        return True
    if len(body) >= _COMPRESSED and "gzip" in request.headers.get("accept-encoding", ""):
        body = _compressed(body)
        headers.append((b"content-encoding", b"gzip"))
    headers.append((b"content-length", str(len(body)).encode()))
    await _answer(send, 200, headers, b"" if request.method == "HEAD" else body)
    return True


async def _answer(send: Send, status: int, headers: Headers, body: bytes) -> None:
    if not body and status != 200:
        headers = [*headers, (b"content-length", b"0")] if status != 304 else headers
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _content(name: str, live: Live, options: Options) -> tuple[bytes, bytes]:
    """A file and its type. Raises KeyError for what is none, FileNotFoundError where the build has not put it there."""
    if name == "":
        assert live.dashboard is not None
        polls = "polling" in options.engine.transports
        return _page(live.dashboard, options.serializer == "msgpack", polls), _TYPES[".html"]
    if name == "preset.js":
        return _own("dashboard.js"), _TYPES[".js"]
    if name == "icons.css":
        return _icons(), _TYPES[".css"]
    if name not in _names():
        raise KeyError(name)
    return _read(name), _TYPES[PurePosixPath(name).suffix]


@lru_cache
def _page(namespace: str, msgpack: bool, polls: bool) -> bytes:
    """The official page, without what it would have from elsewhere, and told where it is."""
    attributes = {
        "namespace": namespace,
        "parser": "msgpack" if msgpack else "default",
        "websocket-only": str(not polls).lower(),
    }
    data = " ".join(f'data-{name}="{escape(value)}"' for name, value in attributes.items())
    added = f'<link rel="stylesheet" href="icons.css"><script src="preset.js" {data}></script>'
    page = _ELSEWHERE.sub(b"", _read("index.html"))
    return page.replace(b"</head>", added.encode() + b"</head>", 1)


@lru_cache
def _icons() -> bytes:
    """In place of a font with all there are."""
    rules = [_ICONS]
    record = json.loads(_read("icons/ICONS.json"))
    for path in record["sha256"]:
        name = PurePosixPath(path)
        if name.suffix == ".svg":
            drawn = _read(f"icons/{name.name}").decode()
            rules.append(_ICON.format(name=name.stem, url="data:image/svg+xml," + quote(drawn)))
    return "".join(rules).encode()


@lru_cache
def _names() -> frozenset[str]:
    """The files that make the page, as the build has put them there."""
    record = json.loads(_read("PAGE.json"))
    return frozenset(path.removeprefix(_PLACE) for path in record["sha256"]) - {
        "LICENSE",
        "index.html",
    }


@lru_cache(maxsize=32)
def _compressed(body: bytes) -> bytes:
    return gzip.compress(body, mtime=0)


@lru_cache
def _read(name: str) -> bytes:
    return (files("flask_socketio") / "static" / "admin" / name).read_bytes()


@lru_cache
def _own(name: str) -> bytes:
    return (files("flask_socketio") / "serving" / name).read_bytes()
