"""Who looks at the dashboard, here or by way of another process, and what they are sent meanwhile.

    a page ── connects to ──> this process ── a question: "watch" ──> the others
    the page <── emissions to its room, by the cluster's ways ── each process, as long as it has been asked to

Where nobody looks, nothing is sent: a process asks the others anew as long as somebody looks here. One that a page has
not asked before, begins with the clients that it has.
"""

from __future__ import annotations

import time
from asyncio import TimerHandle
from collections import deque
from typing import Any

from ..cluster.base import Emission
from ..hub.socket import Socket
from ..protocol.socketio import Codec
from ..protocol.states import SocketState
from ..runtime.live import Live
from .commands import Command, carry_out
from .settings import Settings
from .shown import socket_fields, timestamp_of
from .stats import Stats

#: The room of those who have logged in. An id that nobody can be sent to by chance.
ROOM = "dashboard of flask_socketio"
#: The question's kind, as other processes know it.
QUESTION = "dashboard"
#: How many intervals somebody who has asked is taken to look on; and seconds more, for a busy process.
_INTERVALS, _GRACE = 2, 3.0
#: Clients that are shown at once, and then every so many seconds; of each process, at most.
_AT_ONCE, _PAUSE, _MAX_SHOWN = 100, 0.05, 2000


class Desk:
    """One for each running server; called on its loop."""

    def __init__(self, live: Live, settings: Settings, codec: Codec, namespaces: set[str]) -> None:
        self.live = live
        self._settings = settings
        self._codec = codec
        self.stats = Stats(live, settings, namespaces)
        #: when the server began, in milliseconds
        self._since = int(time.time() * 1000)
        #: those who have logged in here, by their ids; and their connections'
        self.users: dict[str, str] = {}
        self.connections: set[str] = set()
        #: pages of other processes, and until when they look
        self._others: dict[str, float] = {}
        self._timer: TimerHandle | None = None

    @property
    def is_watched(self) -> bool:
        """Whether anybody looks."""
        return self._timer is not None

    def _others_look(self) -> bool:
        now = self.live.loop.time()
        if self._others:
            self._others = {sid: until for sid, until in self._others.items() if now < until}
        return bool(self._others)

    # -- who looks -----------------------------------------------------------------------------

    def admit(self, sid: str, user: str, session: str | None) -> None:
        """Somebody has logged in; `session` is the new one's id. Raises ValueError for who has gone meanwhile."""
        settings = self._settings
        self.live.adapter.join(settings.namespace, sid, ROOM)
        self.users[sid] = user
        self._know_own()
        if session is not None:
            self._send(sid, "session", session)
        self._send(sid, "config", {"supportedFeatures": settings.features})
        if settings.shows_clients:
            self._show(sid)
        self._watch()

    def gone(self, sid: str) -> None:
        self.users.pop(sid, None)
        self._know_own()

    def _know_own(self) -> set[Socket]:
        """The sockets of those who are still there."""
        found = (self.live.adapter.find(self._settings.namespace, sid) for sid in self.users)
        sockets = {socket for socket in found if socket is not None}
        self.users = {socket.sid: self.users[socket.sid] for socket in sockets}
        self.connections = {socket.client.connection.sid for socket in sockets}
        return sockets

    def _watch(self) -> None:
        if self._timer is None:
            self.stats.begin()
        else:
            self._timer.cancel()
        self._tick()

    def _tick(self) -> None:
        self._timer = None
        own = self._know_own()
        if not (own or self._others_look()):
            return
        self.publish("server_stats", self.stats.take(own))
        if self.users:
            self._ask("watch", list(self.users))
        self._timer = self.live.loop.call_later(self._settings.interval, self._tick)

    # -- other processes -----------------------------------------------------------------------

    def _ask(self, what: str, *args: Any) -> None:
        questions = self.live.questions
        if questions is not None and (nodes := list(questions.members.nodes)):
            number, _ = questions.ask(QUESTION, [what, *args], nodes)
            questions.forget(number)  # the answer is nothing, or comes as emissions

    def asked(self, what: str, *args: Any) -> None:
        """Another process asks. Raises ValueError for what cannot be."""
        if what == "watch":
            self._watched_by([str(sid) for sid in args[0]])
        elif what == "do" and self._settings.takes_commands:
            carry_out(Command.of(*args), self.live.adapter)

    def _watched_by(self, sids: list[str]) -> None:
        until = self.live.loop.time() + _INTERVALS * self._settings.interval + _GRACE
        new = [sid for sid in sids if sid not in self._others]
        self._others |= dict.fromkeys(sids, until)
        if self._timer is None:
            self._watch()
        if self._settings.shows_clients:
            for sid in new:
                self._show_more(sid, self._shown())

    def command(self, command: Command) -> None:
        """Have it carried out here and elsewhere."""
        carry_out(command, self.live.adapter)
        self._ask("do", *command.fields)

    # -- what they are sent --------------------------------------------------------------------

    def publish(self, event: str, *args: Any) -> None:
        """Tell everybody who looks."""
        self._emit(ROOM, event, args, ignore_queue=not self._others_look())

    def _send(self, sid: str, event: str, *args: Any) -> None:
        self._emit(sid, event, args, ignore_queue=False)

    def _emit(self, to: str, event: str, args: tuple[Any, ...], *, ignore_queue: bool) -> None:
        values = [event, *args]
        body = self._codec.encode_body(values)
        emission = Emission(
            self._settings.namespace, values, body, (to,), ignore_queue=ignore_queue
        )
        self.live.adapter.broadcast(emission)

    def fields_of(self, socket: Socket) -> dict[str, Any]:
        """A client as the page has it."""
        sid = socket.client.connection.sid
        session = self.live.engine.sessions.get(sid)
        transport = "websocket" if session is None else session.transport.name
        return socket_fields(socket, transport, self._since)

    def _shown(self) -> deque[Socket]:
        found = (
            socket
            for socket in self.live.adapter.sockets()
            if socket.namespace != self._settings.namespace and _is_there(socket)
        )
        return deque(socket for socket, _ in zip(found, range(_MAX_SHOWN), strict=False))

    def _show(self, sid: str) -> None:
        """The first ones take the place of all that the page had; the others are added."""
        for namespace in self.stats.namespaces():
            # Of nobody: so the page has the namespace, before there is a client in it.
            self._send(sid, "socket_updated", {"id": "", "nsp": namespace})
        sockets = self._shown()
        first = [sockets.popleft() for _ in range(min(_AT_ONCE, len(sockets)))]
        self._send(sid, "all_sockets", [self.fields_of(socket) for socket in first])
        self._show_more(sid, sockets)

    def _show_more(self, sid: str, sockets: deque[Socket]) -> None:
        for _ in range(min(_AT_ONCE, len(sockets))):
            socket = sockets.popleft()
            if _is_there(socket):  # else it has left meanwhile, which has been told
                fields = self.fields_of(socket)
                since = timestamp_of(fields["handshake"]["issued"])
                self._send(sid, "socket_connected", fields, since)
        if sockets:
            self.live.loop.call_later(_PAUSE, self._show_more, sid, sockets)


def _is_there(socket: Socket) -> bool:
    return socket.state in (SocketState.CONNECTED, SocketState.DETACHED)
