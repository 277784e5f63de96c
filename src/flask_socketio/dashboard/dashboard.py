"""`instrument()`: the namespace that the official Admin UI connects to."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, cast

from flask import Flask

from ..app.request import request
from ..base.told import Told
from ..cluster.base import Adapter, Emission, as_rooms
from ..cluster.questions import AnswerQuestion
from ..errors import ConnectionRefusedError, SilentNodesError
from ..hub.socket import Socket
from ..protocol.socketio import check_event
from ..runtime.asking import ask_all
from ..runtime.life import Life
from ..runtime.live import Live
from .commands import Command
from .desk import QUESTION, Desk
from .feed import Feed
from .login import Attempts, Sessions, digest_of, user_of
from .settings import Settings

logger = logging.getLogger("flask_socketio.server")

#: The page opens its form for these; it does not say anything for the second one.
_INVALID, _LOG_IN = "invalid credentials", ""
_WAIT = "too many attempts to log in, wait a minute"
#: Characters of an address, which a proxy may have from the client.
_MAX_ADDRESS = 64
_OPEN = (
    "the dashboard has no login (instrument(auth=False)): whoever reaches this server sees its clients%s. "
    "Give it auth={'username': ..., 'password': ...}"
)


class Dashboard:
    """One for each SocketIO that has been instrumented."""

    def __init__(self, life: Life, settings: Settings) -> None:
        self._life = life
        self._settings = settings
        self._attempts = Attempts()
        self._sessions = Sessions()
        self._told = Told(logger)
        self._feed = Feed(settings.namespace) if settings.shows_clients else None
        self._desk: Desk | None = None

    def install(self) -> None:
        """Raises ValueError where the namespace is the application's, RuntimeError where something serves already."""
        life, settings = self._life, self._settings
        life.accompany(self)
        life.handlers.take(settings.namespace, self._handlers())
        if self._feed is not None:
            life.watch(self._feed)

    def _handlers(self) -> dict[str, Callable[..., Any]]:
        def commanding(name: str) -> Callable[..., Any]:
            async def handler(*args: Any) -> None:
                self._act(self._command, name, *args)

            return handler

        async def emit(*args: Any) -> None:
            self._act(self._emit, *args)

        names = ("join", "leave", "_disconnect")
        return {
            "connect": self._connect,
            "disconnect": self._disconnected,
            "emit": emit,
            **{name: commanding(name) for name in names},
        }

    # -- what Life tells -----------------------------------------------------------------------

    def serving(self, live: Live, app: Flask) -> None:
        settings = self._settings
        self._desk = Desk(live, settings, self._life.codec, self._life.handlers.namespaces)
        if self._feed is not None:
            self._feed.codec = self._life.codec
            self._feed.desk = self._desk
        live.dashboard = settings.namespace
        if settings.auth is False and not app.debug:
            what = " and can disconnect them" if settings.takes_commands else ""
            logger.warning(_OPEN, what)

    def answers(self, adapter: Adapter[Socket]) -> Mapping[str, AnswerQuestion]:
        return {QUESTION: self._asked}

    def _asked(self, what: str, *args: Any) -> Any:
        if what == "session":
            return self._sessions.user_of(str(args[0]))
        if self._desk is not None:
            self._desk.asked(what, *args)
        return None

    # -- logging in ----------------------------------------------------------------------------

    def _connect(self, auth: Any = None) -> None:
        """On a thread: a function of the application's may be asked, and other processes."""
        desk = self._desk
        if desk is None or desk.live is not self._life.live:
            raise ConnectionRefusedError("the dashboard needs a server that runs")
        given = cast("dict[str, Any]", auth) if isinstance(auth, dict) else {}
        address = (request.remote_addr or "")[:_MAX_ADDRESS]
        user, session = self._user(given, address)
        try:
            desk.live.inbox.ask(desk.admit, request.sid, user, session)
        except ValueError:  # it has gone meanwhile
            raise ConnectionRefusedError(_LOG_IN) from None
        logger.info("dashboard: %r has come from %s", user, address)

    def _user(self, given: dict[str, Any], address: str) -> tuple[str, str | None]:
        """Who it is, and the id of a new session. Raises ConnectionRefusedError."""
        if self._settings.auth is False:
            return "anybody", None
        known = given.get("sessionId")
        if isinstance(known, str) and (user := self._sessions.user_of(digest_of(known))):
            return user, None
        if not known and not given.get("username") and not given.get("password"):
            raise ConnectionRefusedError(_LOG_IN)
        if not self._attempts.begin(address):
            self._life.require().counters.limit_reached("dashboard logins")
            self._told.warning("dashboard: too many attempts to log in, the last from %s", address)
            raise ConnectionRefusedError(_WAIT)
        user, session = self._recognise(known, given)
        if user is None:
            self._told.warning("dashboard: %s has not logged in, from %s", _what(given), address)
            raise ConnectionRefusedError(_INVALID)
        self._attempts.succeeded(address)
        return user, session

    def _recognise(self, known: Any, given: dict[str, Any]) -> tuple[str | None, str | None]:
        if isinstance(known, str) and known:
            return self._user_elsewhere(digest_of(known)), None
        user = user_of(self._settings.auth, given)
        return user, None if user is None else self._sessions.begin(user)

    def _user_elsewhere(self, digest: str) -> str | None:
        """Who has logged in to another process."""
        try:
            said = ask_all(self._life.require(), QUESTION, "session", digest)
        except (SilentNodesError, KeyError, RuntimeError):  # nobody can say
            return None
        return next((each for each in said if isinstance(each, str)), None)

    async def _disconnected(self, _reason: Any = None) -> None:
        if self._desk is not None:
            self._desk.gone(request.sid)

    # -- commands, on the loop -----------------------------------------------------------------

    def _act(self, act: Callable[..., None], *args: Any) -> None:
        desk = self._desk
        user = None if desk is None else desk.users.get(request.sid)
        if desk is None or user is None:
            return
        shown = repr(args)[:256]
        if not self._settings.takes_commands:
            self._told.warning("dashboard: %r may not do that: %s", user, shown)
            return
        try:
            act(desk, *args)
        except (TypeError, ValueError) as error:
            self._told.warning("dashboard: %s of %r is not understood: %s", shown, user, error)
        else:
            logger.info("dashboard: %r does %s", user, shown)

    def _command(self, desk: Desk, *args: Any) -> None:
        command = Command.of(*args)
        self._check_namespace(command.namespace)
        desk.command(command)

    def _emit(self, desk: Desk, *args: Any) -> None:
        if len(args) < 3:
            raise ValueError("no event")
        namespace, to, event, *data = args
        self._check_namespace(namespace)
        check_event(event)
        values = [event, *data]
        body = self._life.codec.encode_body(values)
        emission = Emission(cast(str, namespace), values, body, as_rooms(to or None))
        desk.live.adapter.broadcast(emission)

    def _check_namespace(self, namespace: object) -> None:
        if not isinstance(namespace, str) or namespace == self._settings.namespace:
            raise ValueError("no such namespace")


def _what(given: dict[str, Any]) -> str:
    return "an unknown session" if given.get("sessionId") else repr(str(given.get("username"))[:64])
