"""Who may open a session, and who may go on with one: asked by every request, whatever brings it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence, Sized
from http import HTTPStatus
from typing import Any, Protocol

from ..base.counters import Counters
from ..base.told import Told
from ..protocol.engineio import REVISIONS, Query
from ..protocol.errors import (
    BAD_HANDSHAKE_METHOD,
    BAD_REQUEST,
    FORBIDDEN,
    UNKNOWN_TRANSPORT,
    UNSUPPORTED_PROTOCOL_VERSION,
    HandshakeRefused,
)
from ..protocol.states import SessionState
from .config import EngineConfig
from .ids import Origin, ended
from .origin import OriginPolicy, is_allowed_host
from .polling import Responder
from .request import EngineRequest, size_of
from .session import Session

logger = logging.getLogger("flask_socketio.engine")

_HEAD_TOO_LARGE = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE

#: Where a handshake's environ has the Host header as the client, or the last proxy, has sent it.
_FIRST_HOST = "flask_duplex.first_host"

_FROM_FILE = (
    "origin 'null' is not accepted: that is a page opened from a file (file://), or in a sandbox. Have Flask serve the "
    "page, and open it at {}; or, with all other pages of that kind, allow it: cors_allowed_origins=['null', ...]"
)
_WRONG_PATH = (
    "a Socket.IO client wants a WebSocket at %r, and it is %r that is served: give the client that path, "
    "io({path: ...}), or give SocketIO() the client's, path=..."
)
_UPGRADE_LOST = (
    "transport=websocket without a WebSocket handshake. If it is a browser's, a proxy has taken the Upgrade header "
    "away; nginx needs in its location: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; "
    'proxy_set_header Connection "upgrade";'
)


class ConnectionMiddleware(Protocol):
    """Asked at every handshake: may replace the request's environ, add headers to the answer, or refuse."""

    @property
    def is_needed(self) -> bool:
        """Whether it has anything to say."""
        ...

    async def __call__(self, request: EngineRequest) -> None:
        """Raises HandshakeRefused."""


class Admission:
    """One for each engine, whose sessions `find` knows.

    `elsewhere` answers requests that name a session which this process does not know; None: they are refused.
    """

    def __init__(
        self,
        config: EngineConfig,
        counters: Counters,
        find: Callable[[str], Session | None],
        origin: Origin,
        middlewares: Sequence[ConnectionMiddleware] = (),
        elsewhere: Responder | None = None,
    ) -> None:
        self.origins = OriginPolicy(
            config.cors_allowed_origins,
            config.cors_credentials,
            any_host=config.allowed_hosts is None,
        )
        self._hosts = config.allowed_hosts
        #: nobody opens a session any more
        self.draining = False
        #: how many connections have joined no namespace, where it matters
        self.unjoined: Sized = ()
        self._config = config
        self._counters = counters
        self._told = Told(logger)
        self._find = find
        #: of this process's sessions
        self.origin = origin
        self._middlewares = middlewares
        self._elsewhere = elsewhere

    def check_head(self, request: EngineRequest) -> None:
        """To be called before anything else is done with a request. Raises HandshakeRefused."""
        headers, limits = request.scope["headers"], self._config.http
        if 0 < limits.max_header_fields < len(headers):
            reason = "too many header fields"
        elif 0 < limits.max_header_size < len(request.scope["query_string"]) + size_of(headers):
            reason = "head too large"
        else:
            return
        self._counters.refuse_http(reason)
        raise HandshakeRefused(BAD_REQUEST, message=reason, status=_HEAD_TOO_LARGE)

    def has_to_wait(self, request: EngineRequest) -> bool:
        """Whether it takes time to admit the request: a handshake's middlewares may run on a thread."""
        if request.query.sid is None:
            for middleware in self._middlewares:
                if middleware.is_needed:
                    return True
        return False

    async def admit(self, request: EngineRequest) -> Session | Responder | None:
        """Check a request; return the session that it names, None if it asks for a new one.

        Where another process may have the session, who answers the request is returned. Raises HandshakeRefused.
        """
        if self.has_to_wait(request):
            try:
                self._check_handshake(request, request.query)
                await self._ask(request)
            except HandshakeRefused as refusal:
                self.tell(request, refusal)
                raise
        return self.admit_at_once(request)

    def admit_at_once(self, request: EngineRequest) -> Session | Responder | None:
        """As `admit`, for a request that does not have to wait."""
        query = request.query
        try:
            if query.sid is not None:
                return self._named_session(request, query, query.sid)
            self._check_handshake(request, query)
            if self._hosts is not None:
                self._check_host(request.environ.get("HTTP_HOST"))
                request.environ[_FIRST_HOST] = request.header(b"host")
            self._check_origin(request, request.environ)
        except HandshakeRefused as refusal:
            self.tell(request, refusal)
            raise
        return None

    def admit_again(self, request: EngineRequest) -> None:
        """As `admit_at_once`, for a handshake that says the same as one that was let in, where `origins.are_fixed`."""
        try:
            self._check_handshake(request, request.query)
        except HandshakeRefused as refusal:
            self.tell(request, refusal)
            raise
        if self._hosts is not None:
            request.environ[_FIRST_HOST] = request.header(b"host")

    async def admit_stranger(self, request: EngineRequest) -> None:
        """Check a request that is answered without a session: a file, a preflight. Raises HandshakeRefused."""
        if self._hosts is not None:
            try:
                await self._ask(request)
                self._check_host(request.environ.get("HTTP_HOST"))
            except HandshakeRefused as refusal:
                self.tell(request, refusal)
                raise

    async def _ask(self, request: EngineRequest) -> None:
        for middleware in self._middlewares:
            if middleware.is_needed:
                await middleware(request)

    def tell(self, request: EngineRequest, refusal: HandshakeRefused) -> None:
        """Count and log that a request was refused."""
        self._counters.refuse_handshake(refusal.kind)
        tell = self._told.info if refusal.is_usual else self._told.warning
        # Of the usual ones each kind by itself: those that are not shown are not to hide others.
        kind = refusal.detail if refusal.is_usual else refusal.kind
        tell("%s %s refused: %s", request.method, self._config.path, refusal, kind=kind)

    def not_ours(self, request: EngineRequest) -> HandshakeRefused:
        """How to refuse a WebSocket handshake that is not below the path; one of a Socket.IO client is told of."""
        refusal = HandshakeRefused(BAD_REQUEST, f"no WebSocket at {request.path[:64]!r}")
        if request.query.revision:
            self._told.warning(_WRONG_PATH, request.path[:64], self._config.path)
        return refusal

    def _check_origin(self, request: EngineRequest, environ: dict[str, Any]) -> None:
        origin = request.header(b"origin")
        if not self.origins.allows(environ, origin):
            if origin == "null":
                server = f"{environ['wsgi.url_scheme']}://{environ.get('HTTP_HOST', '')[:256]}/"
                raise HandshakeRefused(
                    FORBIDDEN, _FROM_FILE.format(server), kind="a page from a file"
                )
            shown = (origin or "")[:256]
            raise HandshakeRefused(
                FORBIDDEN,
                f"origin {shown!r} is not accepted, {self.origins.expected(environ)}; see cors_allowed_origins",
            )
        request.response_headers += self.origins.response_headers(origin)

    def _check_host(self, host: str | None) -> None:
        """To be called where only some hosts are allowed, with what the middlewares have left of the header."""
        if not is_allowed_host(host, self._hosts or ()):
            self._counters.refuse_http("host not allowed")
            shown = (host or "")[:256]
            why = f"{shown!r} is none of allowed_hosts"
            raise HandshakeRefused(BAD_REQUEST, why, message="Host not allowed")

    # -- going on with a session ---------------------------------------------------------------

    def _named_session(self, request: EngineRequest, query: Query, sid: str) -> Session | Responder:
        if query.transport not in self._config.transports:
            raise _unknown_transport(query)
        session = self._find(sid)
        if session is None:
            return self._other_process(sid)
        self._check_session(request, query, session)
        if self._hosts is not None:
            host = request.header(b"host")
            if host != session.environ.get(_FIRST_HOST):
                self._check_host(host)
        # Which host the server is known by, the handshake has told, behind proxies as well.
        self._check_origin(request, session.environ)
        return session

    def _other_process(self, sid: str) -> Responder:
        if self._elsewhere is None:
            raise self.origin.about_unknown(sid)
        return self._elsewhere

    def _check_session(self, request: EngineRequest, query: Query, session: Session) -> None:
        # One that has ended is there for a last poll.
        if request.is_websocket and session.state is not SessionState.OPEN:
            raise ended()
        if query.revision != session.revision:
            why = f"EIO={query.revision[:16]!r} in a session of revision {session.revision}"
            raise HandshakeRefused(BAD_REQUEST, why)
        upgrade = query.transport == "websocket"
        if upgrade and not request.is_websocket:
            raise _upgrade_lost()
        name = session.transport.name
        if upgrade != request.is_websocket or (not upgrade and name != "polling"):
            raise HandshakeRefused(BAD_REQUEST, f"the session's transport is {name}")
        if upgrade and not self._config.allow_upgrades:
            raise HandshakeRefused(BAD_REQUEST, "allow_upgrades is off")

    # -- opening one ---------------------------------------------------------------------------

    def _check_handshake(self, request: EngineRequest, query: Query) -> None:
        if query.transport not in self._config.transports:
            raise _unknown_transport(query)
        if request.method != "GET":
            raise HandshakeRefused(BAD_HANDSHAKE_METHOD, f"{request.method} without a session")
        if query.transport == "websocket" and not request.is_websocket:
            raise _upgrade_lost()
        if request.is_websocket and query.transport != "websocket":
            raise HandshakeRefused(BAD_REQUEST, "a WebSocket handshake needs transport=websocket")
        if query.revision not in REVISIONS:
            raise HandshakeRefused(
                UNSUPPORTED_PROTOCOL_VERSION,
                f"the client speaks Engine.IO revision {query.revision[:16]!r}, this server 4: "
                "it needs socket.io-client 3 or later",
            )
        if self.draining:
            raise HandshakeRefused(BAD_REQUEST, "the server is shutting down")
        if len(self.unjoined) >= (limit := self._config.limits.max_unjoined):
            self._counters.limit_reached("max_unjoined")
            why = f"{limit} connections have joined no namespace yet (max_unjoined)"
            raise HandshakeRefused(BAD_REQUEST, why)


def _unknown_transport(query: Query) -> HandshakeRefused:
    return HandshakeRefused(UNKNOWN_TRANSPORT, f"transport={query.transport[:64]!r}")


def _upgrade_lost() -> HandshakeRefused:
    return HandshakeRefused(BAD_REQUEST, _UPGRADE_LOST, kind="upgrade lost")
