"""Where below the URL Socket.IO is, and what answers there if it is not."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, cast

from .finding import Finding, Findings, broken, note, ok
from .reach import said_of
from .site import FAILURES, Answer, Site

_USUAL = "/socket.io/"
HANDSHAKE = "?EIO=4&transport=polling"
#: The codes of a refusal, which is JSON of Engine.IO's.
_UNKNOWN_TRANSPORT, _FORBIDDEN, _REVISION = 0, 4, 5


@dataclass(frozen=True, slots=True)
class Served:
    """A path that has answered as Engine.IO does. `handshake` is empty where it has refused one."""

    site: Site
    path: str
    handshake: dict[str, Any] = field(default_factory=dict[str, Any])
    findings: tuple[Finding, ...] = ()

    @property
    def opens(self) -> str:
        """What a handshake over polling asks for."""
        return self.path + HANDSHAKE

    @property
    def upgrades(self) -> bool:
        """Whether the server offers WebSocket."""
        return "websocket" in self.handshake.get("upgrades", ())


def find_path(site: Site, page: str) -> tuple[Served | None, list[Finding]]:
    """The first of the likely paths where Engine.IO answers; `page` is the text of the page at the URL."""
    answers: list[str] = []
    for path in _likely(site.url.path):
        try:
            answer = site.get(path + HANDSHAKE)
        except FAILURES as error:
            answers.append(f"{path}: {said_of(error)}")
            continue
        if (handshake := opened(answer)) is not None:
            return Served(site, path, handshake), list(_place(path, page))
        if (code := refused(answer)) is not None:
            return Served(site, path), [_refusal(path, code, answer)]
        answers.append(f"{path}: {_what(answer)}")
    return None, [
        broken(
            "no-socketio-path",
            "Socket.IO answers nowhere: " + "; ".join(answers),
            "name the address below which it is: doctor URL; the server's path= is what the client's has to be; "
            "a proxy has to pass on what is below it, and without changing it",
        )
    ]


def _likely(path: str) -> list[str]:
    """The URL's own, that below it and those above it, the usual one."""
    folders = [part for part in path.split("/") if part]
    own = [f"/{'/'.join(folders)}/"] if folders else []
    depths = range(len(folders), -1, -1)
    below = ["/".join(["", *folders[:depth], "socket.io", ""]) for depth in depths]
    if folders[-1:] == ["socket.io"]:
        return own + below
    return below + own


def opened(answer: Answer) -> dict[str, Any] | None:
    """The fields of Engine.IO's open packet; None where the answer is none."""
    if answer.status != 200 or not answer.text.startswith("0{"):
        return None
    fields = _object(answer.text[1:].partition("\x1e")[0])
    return fields if "sid" in fields else None


def refused(answer: Answer) -> int | None:
    """The code of Engine.IO's refusal; None where the answer is none."""
    fields = _object(answer.text)
    code = fields.get("code")
    return code if "message" in fields and isinstance(code, int) else None


def _object(text: str) -> dict[str, Any]:
    """A JSON object; an empty one where it is none."""
    try:
        fields: Any = json.loads(text)
    except ValueError:
        fields = None
    return cast("dict[str, Any]", fields) if isinstance(fields, dict) else {}


def _place(path: str, page: str) -> Findings:
    if path == _USUAL or path in page or path.rstrip("/") in page:
        yield ok("path", f"Socket.IO is at {path}")
    else:
        yield note(
            "path",
            f"Socket.IO is at {path}, where clients do not look by themselves",
            f'io({{ path: "{path}" }})',
        )


def _refusal(path: str, code: int, answer: Answer) -> Finding:
    said = answer.text[:200]
    if code == _UNKNOWN_TRANSPORT:
        return note("no-polling", f"{path}: the server does not take polling ({said})",
                    'io({ transports: ["websocket"] }), or transports= at the server')  # fmt: skip
    if code == _REVISION:
        return broken("old-server", f"{path}: the server does not speak Engine.IO 4 ({said})",
                      "another server than Flask-Duplex answers, of the time of socket.io-client 2")  # fmt: skip
    if code == _FORBIDDEN:
        return broken("handshake", f"{path}: the handshake is forbidden ({said})",
                      "the server's log says why: a middleware, or a check of its own")  # fmt: skip
    return broken(
        "handshake", f"{path}: the handshake is refused ({said})", "the server's log says why"
    )


def _what(answer: Answer) -> str:
    """What has answered instead."""
    if answer.status in (401, 407):
        return f"{answer.status}, somebody asks for a password"
    if answer.status in (502, 503, 504):
        return f"{answer.status}, a proxy does not reach its server"
    if answer.status == 200:
        return "200, a page of something else"
    where = answer.headers.get("location")
    return f"{answer.status}, leads to {where}" if where else str(answer.status)
