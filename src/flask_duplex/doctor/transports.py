"""What a client does: polls, opens WebSockets, upgrades; from the server's own page, and for longer than a moment."""

from __future__ import annotations

import time

from .finding import Finding, Findings, broken, note, ok, warning
from .path import Served, opened, refused
from .reach import said_of
from .site import FAILURES, WebSocket, WebSocketRefused

NGINX = """\
in nginx, in the location of Socket.IO:
    proxy_http_version 1.1;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection "upgrade";
    proxy_set_header Host $http_host;"""
_HOST = (
    "a proxy has to pass on which host it was asked for, in nginx: proxy_set_header Host $http_host; "
    "proxy_set_header X-Forwarded-Proto $scheme; or name the page's origin: cors_allowed_origins=[{!r}]"
)
_STICKY = (
    "processes that do not know each other: start them as workers of one server (run(workers=N), gunicorn -w, "
    "uvicorn --workers), name a folder for those of one machine (workers_dir=), or an address for those of several "
    "(cluster_address=); or have the proxy be sticky (in nginx: ip_hash)"
)
_UNKNOWN_SID = 1
_ROUNDS, _REQUESTS = 4, 3
#: A page that cannot exist.
_STRANGER = "https://stranger.invalid"
#: Seconds: a ping later than that was held up; the longest that is waited for one.
_LATE, _PATIENCE = 5.0, 60.0


# -- origins ---------------------------------------------------------------------------------------


def origins(served: Served) -> Findings:
    """Whether the server's own page may connect, and any other."""
    own = served.site.origin
    if _accepts(served, own):
        yield ok("origin", f"pages of {own} may connect")
    else:
        yield broken(
            "origin",
            f"the server refuses its own page: Origin {own} is not accepted, as it takes itself for another host",
            _HOST.format(own),
        )
    if _accepts(served, _STRANGER):
        yield warning(
            "any-origin",
            "any page may connect, with the cookies of whoever opens it",
            "cors_allowed_origins=: leave it out, or name the pages that may",
        )


def _accepts(served: Served, origin: str) -> bool:
    answer = served.site.get(served.opens, {"Origin": origin})
    handshake = opened(answer)
    if handshake is not None:
        _leave(served, handshake["sid"])
    return handshake is not None


def _leave(served: Served, sid: str) -> None:
    """End a session that is not needed any more."""
    _post(served, sid, "1")


def _post(served: Served, sid: str, packet: str) -> int | None:
    """Send a packet; the code of the refusal if there is one."""
    target = f"{served.opens}&sid={sid}"
    answer = served.site.request(
        "POST", target, {"Content-Type": "text/plain;charset=UTF-8"}, packet
    )
    return None if answer.status == 200 else refused(answer)


# -- several requests ------------------------------------------------------------------------------


def sessions(served: Served) -> Findings:
    """Whether each request finds its session, wherever the proxy takes it."""
    lost = asked = 0
    for _ in range(_ROUNDS):
        handshake = opened(served.site.get(served.opens))
        if handshake is None:
            continue
        sid = handshake["sid"]
        for _ in range(_REQUESTS):
            asked += 1
            lost += _post(served, sid, "3") == _UNKNOWN_SID
        _leave(served, sid)
    if lost:
        yield broken(
            "sticky-sessions",
            f"{lost} of {asked} requests came to a server that does not know their session",
            _STICKY,
        )
    else:
        yield ok("sessions", f"{asked} requests, each on its own connection, found their session")


# -- WebSocket -------------------------------------------------------------------------------------


def websocket(served: Served) -> Findings:
    """Whether a WebSocket can be opened, and whether a session that polls can go on over one."""
    if served.handshake and not served.upgrades:
        yield note(
            "no-websocket",
            "the server offers polling alone",
            "transports= and allow_upgrades= at the server, or a server that knows WebSocket: docs/deployment.md",
        )
        return
    try:
        with WebSocket(served.site, f"{served.path}?EIO=4&transport=websocket") as direct:
            first = direct.recv()
    except WebSocketRefused as refusal:
        yield _blocked(refusal)
    except FAILURES as error:
        yield broken(
            "websocket-blocked",
            f"a WebSocket does not come through: {said_of(error)}; what polls, works",
            NGINX,
        )
    else:
        if first.startswith("0{"):
            yield ok("websocket", "a WebSocket opens")
            yield from _upgrade(served)
        else:
            yield broken("websocket-blocked", f"a WebSocket begins with {first[:60]!r}", NGINX)


def _blocked(refusal: WebSocketRefused) -> Finding:
    said = refusal.body.strip()[:200]
    return broken(
        "websocket-blocked",
        f"the WebSocket handshake is answered with status {refusal.status} ({said!r}): a proxy takes the header "
        "Upgrade away. Clients stay with polling, and those with transports: ['websocket'] do not connect",
        NGINX,
    )


def _upgrade(served: Served) -> Findings:
    handshake = opened(served.site.get(served.opens)) if served.handshake else None
    if handshake is None:
        return
    target = f"{served.path}?EIO=4&transport=websocket&sid={handshake['sid']}"
    try:
        with WebSocket(served.site, target) as probe:
            probe.send("2probe")
            answer = probe.recv()
    except (WebSocketRefused, *FAILURES) as error:
        yield broken(
            "upgrade",
            f"a session that polls cannot go on over WebSocket: {said_of(error)}",
            _STICKY,
        )
    else:
        if answer == "3probe":
            yield ok("upgrade", "a session that polls goes on over WebSocket")
        else:
            yield broken("upgrade", f"the probe is answered with {answer[:60]!r}", _STICKY)
    _leave(served, handshake["sid"])


# -- waiting ---------------------------------------------------------------------------------------


def quiet(served: Served) -> Findings:
    """Whether a poll may wait as long as the server lets it: until its ping. Takes that long."""
    handshake = opened(served.site.get(served.opens)) if served.handshake else None
    if handshake is None:
        return
    sid, interval = handshake["sid"], handshake.get("pingInterval", 0) / 1000
    if not 0 < interval <= _PATIENCE:
        return
    began = time.monotonic()
    try:
        answer = served.site.request(
            "GET", f"{served.opens}&sid={sid}", timeout=interval + 2 * _LATE
        )
    except FAILURES as error:
        status, said = 0, said_of(error)
    else:
        status, said = answer.status, f"status {answer.status}"
    took = time.monotonic() - began
    yield _poll(status, said, took, interval)
    if status == 200:
        _leave(served, sid)


def _poll(status: int, said: str, took: float, interval: float) -> Finding:
    if status == 200 and took <= interval + _LATE:
        return ok("long-poll", f"a poll waited {took:.1f} s for the server's ping")
    if status == 200:
        return warning(
            "buffering",
            f"the answer to a poll came {took - interval:.0f} s after the server's ping was due",
            "in nginx: proxy_buffering off;",
        )
    if took < interval:
        return broken(
            "proxy-timeout",
            f"a poll that waits is ended after {took:.0f} s ({said}); the server's ping comes after {interval:g} s",
            f"in nginx: proxy_read_timeout {interval + 35:.0f}s; or ping_interval= at the server, below {took:.0f}",
        )
    return broken(
        "buffering",
        f"the answer to a poll does not arrive ({said}), though the server's ping was due after {interval:g} s",
        "in nginx: proxy_buffering off; proxy_read_timeout 60s;",
    )
