"""`socketio.server`: what applications reach for below the extension's own methods."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Never, TypeVar, cast

from flask import Flask

from .app.legacy import ignore
from .cluster.base import AckCallback, Adapter, Room, as_namespace
from .dashboard.settings import Auth, Mode, read_settings
from .dispatch.background import BackgroundTask
from .engine.config import EngineConfig
from .errors import NotServingError
from .hub.socket import Socket
from .messaging import Messaging
from .runtime.answers import ABOUT_CLIENTS, find, participants
from .runtime.asking import ask_all, ask_owner
from .runtime.life import Life
from .runtime.running import Running
from .serving.pages import WsgiApp
from .serving.wsgi_pass import ARRIVAL

T = TypeVar("T")


#: Seconds that joining a room waits for the message queue, at most.
_PATIENCE = 2.0


class ServerFacade:
    """Thin: every method asks the running server. `namespace` is `/` where it is None.

    What `SocketIO` does itself is called as its own, `Messaging`'s: a subclass's method may be what calls us.
    """

    def __init__(self, life: Life, socketio: Messaging) -> None:
        self._life = life
        self._socketio = socketio
        #: answers the requests below the path; from init_app on
        self.wsgi_app: WsgiApp | None = None
        #: who is where
        self.manager = ManagerFacade(self)
        #: the connections below
        self.eio = EngineFacade(life)

    def ask(self, question: Callable[[Running], T]) -> T:
        """Have it answered where the state lives. Raises NotServingError where there is none."""
        running = self._life.require()
        return running.inbox.ask(question, running)

    def ask_all(self, kind: str, *args: Any) -> list[Any]:
        """Have it answered by all other processes."""
        return ask_all(self._life.require(), kind, *args)

    def ask_about(self, kind: str, sid: str, namespace: str | None, *args: Any) -> Any:
        """Have it answered by the process that has the client. Raises KeyError where none has it."""
        running, name = self._life.require(), as_namespace(namespace)
        try:
            return running.inbox.ask(ABOUT_CLIENTS[kind], running.adapter, name, sid, *args)
        except KeyError:
            return ask_owner(running, kind, name, sid, *args)

    def ask_socket(self, sid: str, namespace: str | None, question: Callable[[Socket], T]) -> T:
        """The same about one client. Raises KeyError for one that is not connected to the namespace."""
        name = as_namespace(namespace)

        return self.ask(lambda running: question(find(running.adapter, name, sid)))

    @property
    def async_mode(self) -> str:
        """`threading`: there is but one."""
        return self._socketio.async_mode

    @property
    def environ(self) -> dict[str, dict[str, Any]]:
        """The WSGI environ of each connection's handshake, by the connection's id (Engine.IO's)."""
        return self.ask(lambda running: running.environs())

    def get_environ(self, sid: str, namespace: str | None = None) -> dict[str, Any]:
        """The WSGI environ of a client's handshake. Raises KeyError for an unknown client.

        Of another process's client: its text, numbers and the like.
        """
        return self.ask_about("environ", sid, namespace)

    def transport(self, sid: str, namespace: str | None = None) -> str:
        """The transport that carries the client: polling or websocket. Raises KeyError for an unknown client."""
        return self.eio.transport(self.manager.eio_sid_from_sid(sid, namespace))

    def handle_request(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer a WSGI request below the path, for whoever routes requests: python-socketio's WSGIApp, for one.

        Raises NotServingError before init_app.
        """
        answer: WsgiApp | None = environ.get(ARRIVAL, self.wsgi_app)
        if answer is None:
            raise NotServingError("this SocketIO has no application yet: call init_app(app)")
        return answer(environ, start_response)

    def counters(self) -> dict[str, int | dict[str, int]]:
        """What has happened since the server began to serve, by name; a copy. Raises NotServingError where none serves.

        `docs/serving.md` says what each means. In a process that only emits: what has been published.
        """
        return self.ask(lambda running: running.counters.snapshot())

    # -- rooms ---------------------------------------------------------------------------------

    def enter_room(self, sid: str, room: Room, namespace: str | None = None) -> None:
        """Put a client into a room. Raises ValueError for a client that is gone or another client's own room."""
        running = self._life.require()
        name = as_namespace(namespace)
        coming = running.adapter.expect(name, sid, room)
        if coming is not None and not running.inbox.on_loop:
            coming.wait(_PATIENCE)
        if running.adapter.may_join(name, sid, room):
            # Nothing can go wrong, so there is nothing to wait for.
            running.inbox.post(_join, running.adapter, name, sid, room)
        else:
            self.ask(lambda running: running.adapter.join(name, sid, room))

    def leave_room(self, sid: str, room: Room, namespace: str | None = None) -> None:
        """Take a client out of a room; it need not be in it."""
        running = self._life.require()
        hash(room)
        running.inbox.post(running.adapter.leave, as_namespace(namespace), sid, room)

    def close_room(self, room: Room, namespace: str | None = None) -> None:
        """Take everybody out of a room. Raises ValueError for a client's own room."""
        Messaging.close_room(self._socketio, room, namespace)

    def rooms(self, sid: str, namespace: str | None = None) -> list[Room]:
        """The client's rooms, its own id first; empty for an unknown client."""
        try:
            return [_hashable(room) for room in self.ask_about("rooms", sid, namespace)]
        except KeyError:
            return []

    def disconnect(
        self, sid: str, namespace: str | None = None, ignore_queue: bool = False
    ) -> None:
        """Disconnect a client from the namespace; its connection stays.

        With `ignore_queue` only if it is a client of this server.
        """
        self.ask(
            lambda running: running.adapter.disconnect(
                as_namespace(namespace), sid, ignore_queue=ignore_queue
            )
        )

    # -- emitting ------------------------------------------------------------------------------

    def emit(
        self,
        event: str,
        data: Any = None,
        to: Room | Sequence[Room] | None = None,
        room: Room | Sequence[Room] | None = None,
        skip_sid: str | Sequence[str] | None = None,
        namespace: str | None = None,
        callback: AckCallback | None = None,
        ignore_queue: bool = False,
        **unknown: Never,
    ) -> None:
        """See `SocketIO.emit`."""
        if unknown:
            ignore(self._socketio, "socketio.server.emit()", unknown, to_everybody=True)
        Messaging.emit(
            self._socketio,
            event,
            *(() if data is None else (data,)),
            to=to,
            room=room,
            skip_sid=skip_sid,
            namespace=namespace,
            callback=callback,
            ignore_queue=ignore_queue,
        )

    def send(self, data: Any, **kwargs: Any) -> None:
        """Emit the event `message`; takes what `emit` takes."""
        self.emit("message", data, **kwargs)

    def call(
        self,
        event: str,
        data: Any = None,
        to: str | None = None,
        sid: str | None = None,
        namespace: str | None = None,
        timeout: float = 60,
        ignore_queue: bool = False,
        **unknown: Never,
    ) -> Any:
        """See `SocketIO.call`."""
        ignore(self._socketio, "socketio.server.call()", unknown)
        return Messaging.call(
            self._socketio,
            event,
            data=data,
            to=to or sid,
            namespace=namespace,
            timeout=timeout,
            ignore_queue=ignore_queue,
        )

    # -- a client's own store ------------------------------------------------------------------

    def get_session(self, sid: str, namespace: str | None = None) -> dict[str, Any]:
        """What was saved for a client, empty at first; not Flask's session. Raises KeyError for an unknown client.

        Of another process's client it is a copy, as JSON has it.
        """
        return self.ask_about("session", sid, namespace)

    def save_session(self, sid: str, session: dict[str, Any], namespace: str | None = None) -> None:
        """Keep a dict for a client until it leaves the namespace. Raises KeyError for an unknown client.

        For another process's client it has to be JSON.
        """
        self.ask_about("save_session", sid, namespace, session)

    @contextmanager
    def session(self, sid: str, namespace: str | None = None) -> Generator[dict[str, Any]]:
        """`get_session`, and at the end of the block `save_session`."""
        session = self.get_session(sid, namespace)
        yield session
        self.save_session(sid, session, namespace)

    # -- seeing inside -------------------------------------------------------------------------

    def instrument(
        self,
        auth: Auth | None = None,
        mode: Mode = "development",
        read_only: bool = False,
        server_id: str | None = None,
        namespace: str = "/admin",
        server_stats_interval: float = 2,
    ) -> None:
        """See `SocketIO.instrument`."""
        from .dashboard.dashboard import Dashboard  # most applications have none

        settings = read_settings(auth, mode, read_only, server_id, namespace, server_stats_interval)
        Dashboard(self._life, settings).install()

    # -- threads -------------------------------------------------------------------------------

    def start_background_task(
        self, target: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> BackgroundTask:
        """See `SocketIO.start_background_task`."""
        return Messaging.start_background_task(self._socketio, target, *args, **kwargs)

    def sleep(self, seconds: float = 0) -> None:
        """See `SocketIO.sleep`."""
        Messaging.sleep(self._socketio, seconds)


def _hashable(room: Any) -> Room:
    """A tuple comes from other processes as JSON has it."""
    return tuple(map(_hashable, cast("list[Any]", room))) if isinstance(room, list) else room


def _join(adapter: Adapter[Socket], namespace: str, sid: str, room: Room) -> None:
    with suppress(ValueError):  # it has left in this moment
        adapter.join(namespace, sid, room)


class ManagerFacade:
    """`socketio.server.manager`: who is where, on this server; of all servers where that is said."""

    def __init__(self, server: ServerFacade) -> None:
        self._server = server

    @property
    def rooms(self) -> dict[str, dict[Room, dict[str, str]]]:
        """A snapshot: namespace -> room -> client's id -> its connection's id. The room None has everybody."""

        def collect(
            running: Running,
        ) -> dict[str, dict[Room, dict[str, str]]]:
            found: dict[str, dict[Room, dict[str, str]]] = {}
            for socket in running.adapter.sockets():
                rooms = found.setdefault(socket.namespace, {})
                for room in (None, socket.sid, *socket.rooms):
                    rooms.setdefault(room, {})[socket.sid] = socket.client.connection.sid
            return found

        return self._server.ask(collect)

    def get_namespaces(self) -> list[str]:
        """The namespaces that have clients."""
        return list(self.rooms)

    def get_participants(
        self, namespace: str, room: Room, *, ignore_queue: bool = False
    ) -> Iterator[tuple[str, str]]:
        """The ids of a room's clients and of their connections; of everybody for the room None. Of all servers.

        With `ignore_queue` of this one alone. Raises SilentNodesError where servers do not answer.
        """
        name = as_namespace(namespace)
        found = self._server.ask(lambda running: participants(running.adapter, name, room))
        for others in () if ignore_queue else self._server.ask_all("participants", name, room):
            found |= others
        return iter(found.items())

    def get_rooms(self, sid: str, namespace: str) -> list[Room]:
        """The client's rooms, its own id first."""
        return self._server.rooms(sid, namespace)

    def is_connected(self, sid: str, namespace: str) -> bool:
        """Whether the client is in the namespace."""
        return (
            self._server.ask(lambda running: running.adapter.find(as_namespace(namespace), sid))
            is not None
        )

    def eio_sid_from_sid(self, sid: str, namespace: str | None = None) -> str:
        """The id of a client's connection. Raises KeyError for an unknown client."""
        return self._server.ask_socket(sid, namespace, lambda socket: socket.client.connection.sid)

    def sid_from_eio_sid(self, eio_sid: str, namespace: str) -> str | None:
        """The id of a connection's client in a namespace; None where it has none."""
        clients = self.rooms.get(as_namespace(namespace), {}).get(None, {})
        return next((sid for sid, other in clients.items() if other == eio_sid), None)


class MiddlewareFacade:
    """`socketio.sockio_mw`: what packages read of Flask-SocketIO's middleware. Here nothing stands around the app."""

    def __init__(self, life: Life, server: ServerFacade, app: Flask) -> None:
        #: `socketio.server`
        self.engineio_app = server
        #: the Flask application
        self.flask_app = app
        self._life = life

    @property
    def engineio_path(self) -> str:
        """The path below which clients connect, with a slash at either end."""
        return self._life.options.engine.path

    @property
    def wsgi_app(self) -> WsgiApp:
        """The application's pages; may be replaced by something around them."""
        return self.flask_app.wsgi_app

    @wsgi_app.setter
    def wsgi_app(self, wsgi_app: WsgiApp) -> None:
        setattr(self.flask_app, "wsgi_app", wsgi_app)  # noqa: B010 - Flask's is a method

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        return self.wsgi_app(environ, start_response)


class EngineFacade:
    """`socketio.server.eio`: the connections below; the Engine.IO options are its attributes, as in `EngineConfig`."""

    def __init__(self, life: Life) -> None:
        self._life = life

    def __getattr__(self, name: str) -> Any:
        return getattr(self.options, name)

    @property
    def options(self) -> EngineConfig:
        """The Engine.IO options in use."""
        return self._life.options.engine

    @property
    def max_http_buffer_size(self) -> int:
        """Bytes in a message from a client, at most."""
        return self.options.limits.max_payload

    @property
    def sockets(self) -> dict[str, Any]:
        """A snapshot of the connections, by their ids."""
        running = self._life.require()
        return running.inbox.ask(running.sessions)

    def transport(self, sid: str) -> str:
        """The transport of a connection: polling or websocket. Raises KeyError for an unknown one."""
        running = self._life.require()
        return running.inbox.ask(running.transport_name, sid)
