"""The Flask extension."""

from __future__ import annotations

import builtins
import logging
import os
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Never, TypeVar, overload
from weakref import WeakSet

from flask import Flask, has_request_context, request

from .app.legacy import Keywords
from .app.options import Options, make_queue, parse_options
from .base.green import call_beside, sleep
from .cluster.base import AckCallback, Answer, Emission, Room, as_namespace, as_rooms
from .cluster.queue import MessageQueue
from .cluster.queued import QueueLink
from .dispatch.background import BackgroundTask, BackgroundTasks
from .engine.engine import Negotiate
from .errors import NotServingError, TimeoutError
from .handling.codec import choose_codec, message_dumps
from .handling.table import ErrorHandler, HandlerTable
from .namespace import Namespace
from .protocol.socketio import JSON, RESERVED_EVENTS, Codec, check_event
from .runtime.emitter import Emitter
from .runtime.inline import InlineRuntime
from .runtime.live import Runtime
from .server import MiddlewareFacade, ServerFacade
from .serving.asgi import DuplexApp
from .serving.innermost import Innermost
from .serving.wsgi import WsgiFace
from .test_client import SocketIOTestClient

if TYPE_CHECKING:
    from flask.testing import FlaskClient

    from .serving.run.run import Server

F = TypeVar("F", bound=Callable[..., Any])
E = TypeVar("E", bound=ErrorHandler)

logger = logging.getLogger("flask_socketio.server")

_NO_TASK = (
    "start_background_task() takes the function itself and its arguments, start_background_task(work, 1, 2), "
    "not what the function returned: {}"
)


class DisconnectReason:
    """Why a client was disconnected: what a disconnect handler is told."""

    SERVER_DISCONNECT = "server disconnect"
    CLIENT_DISCONNECT = "client disconnect"
    PING_TIMEOUT = "ping timeout"
    TRANSPORT_CLOSE = "transport close"
    TRANSPORT_ERROR = "transport error"


class SocketIO:
    """Socket.IO for a Flask application.

    `SocketIO(app)` or, in an application factory, `SocketIO()` and later `init_app(app)`; both take the options.
    """

    reason = DisconnectReason
    #: there is but one
    async_mode = "threading"
    #: in place of the middleware that Flask-SocketIO puts around the application; from init_app on
    sockio_mw: MiddlewareFacade

    def __init__(self, app: Flask | None = None, **kwargs: Any) -> None:
        #: the options as they were given; what is changed before init_app counts
        self.server_options: dict[str, Any] = {}
        self._handlers = HandlerTable([])
        self._runtime: Runtime | InlineRuntime | Emitter | None = None
        self._queue: MessageQueue | None = None
        self._dumps = message_dumps(None)
        self._options: Options | None = None
        #: how packets are encoded
        self.codec: Codec = JSON
        #: the running server, while run() has not returned
        self.wsgi_server: Server | None = None
        self.server = ServerFacade(self, SocketIO)
        #: what is done with keyword arguments that mean nothing
        self.keywords = Keywords()
        self.background = BackgroundTasks()
        #: what serves the clients, while anything does
        self.served_by: DuplexApp | None = None
        if app is not None or "message_queue" in kwargs:
            self.init_app(app, **kwargs)
        else:
            self.server_options.update(kwargs)

    def init_app(self, app: Flask | None, **kwargs: Any) -> None:
        """Attach to an application. Options given here win over those given before.

        With `message_queue=` and without an application it is an emitter, for processes that serve nobody.
        """
        self.server_options.update(kwargs)
        self._options = parse_options(self.server_options)
        self.codec = choose_codec(self._options, app)
        self._dumps = message_dumps(app)
        self._queue = make_queue(self._options, write_only=app is None)
        if self._queue is not None:
            self.server_options["client_manager"] = self._queue
        if self.served_by is None:
            self._not_serving()
        self._handlers.namespaces.update(self._options.namespaces)
        if app is not None:
            self._attach(app)

    def _not_serving(self) -> None:
        queue = self._queue
        self._runtime = None if queue is None else Emitter(queue, self.codec, self._dumps)

    def _attach(self, app: Flask) -> None:
        face = WsgiFace(self, app)
        Innermost.of(app).add(face)
        self.server.wsgi_app = face
        self.sockio_mw = MiddlewareFacade(self, app)
        app.extensions["socketio"] = self

    @property
    def manage_session(self) -> bool:
        """Whether each connection has its own copy of the session; may be changed at any time."""
        return self.options.manage_session

    @manage_session.setter
    def manage_session(self, value: bool) -> None:
        self.options.manage_session = value

    @property
    def options(self) -> Options:
        """The options in use. Raises RuntimeError before init_app."""
        if self._options is None:
            raise RuntimeError("this SocketIO has no application yet: call init_app(app)")
        return self._options

    # -- what has been registered --------------------------------------------------------------

    @property
    def handlers(self) -> list[tuple[str, Callable[..., Any], str]]:
        """The functions registered: event, function, namespace. A snapshot."""
        return list(self._handlers.registered)

    @property
    def namespace_handlers(self) -> list[Namespace]:
        """The class-based namespaces. A snapshot."""
        return list(self._handlers.registered_classes)

    @property
    def exception_handlers(self) -> dict[str, ErrorHandler]:
        """What `on_error` has registered, by namespace; a change counts."""
        return self._handlers.error_handlers

    @property
    def default_exception_handler(self) -> ErrorHandler | None:
        """What `on_error_default` has registered; may be set."""
        return self._handlers.default_error_handler

    @default_exception_handler.setter
    def default_exception_handler(self, exception_handler: ErrorHandler | None) -> None:
        self._handlers.default_error_handler = exception_handler

    # -- registering handlers ------------------------------------------------------------------

    def on(self, message: str, namespace: str | None = None) -> Callable[[F], F]:
        """Decorator: register a handler for an event; returns the function as it was.

        Raises TypeError for an event's name that is no str.
        """
        _check_event(message)

        def decorator(handler: F) -> F:
            self._handlers.add(as_namespace(namespace), message, handler)
            return handler

        return decorator

    @overload
    def event(self, function: F, /) -> F: ...

    @overload
    def event(self, namespace: str, /) -> Callable[[F], F]: ...

    @overload
    def event(self, function: None = None, /, namespace: str | None = None) -> Callable[[F], F]: ...

    def event(
        self, function: F | str | None = None, /, namespace: str | None = None
    ) -> F | Callable[[F], F]:
        """Decorator, with or without a namespace: register a handler for the event that has the function's name.

        Raises TypeError for a function without a name.
        """
        name = namespace if callable(function) or function is None else function

        def decorator(handler: F) -> F:
            return self.on(_name_of(handler), name)(handler)

        return decorator(function) if callable(function) else decorator

    def on_event(
        self, message: str, handler: Callable[..., Any], namespace: str | None = None
    ) -> None:
        """Register a handler for an event. Raises TypeError for a name that is no str, and what cannot be called."""
        self.on(message, namespace)(handler)

    def on_namespace(self, namespace_handler: Namespace) -> None:
        """Register a class-based namespace. Raises ValueError for anything but an instance of Namespace."""
        if not isinstance(namespace_handler, Namespace):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ValueError("Not a namespace instance.")  # noqa: TRY004 - as it always was
        namespace_handler.socketio = self
        namespace_handler.server = self.server
        self._handlers.add_class(namespace_handler)

    def on_error(self, namespace: str | None = None) -> Callable[[E], E]:
        """Decorator: the function gets what handlers of the namespace raise; what it returns is the event's ack."""
        if callable(namespace):
            raise TypeError("on_error has parentheses: @socketio.on_error()")
        name = as_namespace(namespace)

        def decorator(exception_handler: E) -> E:
            self._handlers.error_handlers[name] = _callable(exception_handler)
            return exception_handler

        return decorator

    def on_error_default(self, exception_handler: E) -> E:
        """Decorator: as `on_error`, for the namespaces that have none of their own."""
        self._handlers.default_error_handler = _callable(exception_handler)
        return exception_handler

    # -- emitting ------------------------------------------------------------------------------

    def emit(
        self,
        event: str,
        *args: Any,
        data: Any = None,
        namespace: str | None = None,
        to: Room | Sequence[Room] | None = None,
        room: Room | Sequence[Room] | None = None,
        include_self: bool = True,
        skip_sid: str | Sequence[str] | None = None,
        callback: AckCallback | None = None,
        ignore_queue: bool = False,
        **unknown: Never,
    ) -> None:
        """Emit an event, from any thread: to everybody in the namespace, or to a room, a client, or a list of such.

        Raises TypeError for arguments that are no JSON, and for a name that is neither a str nor a number; ValueError
        for one that the protocol reserves. An emission to nobody is no error.
        """
        if unknown or data is not None:
            where = "socketio.emit()"
            args = self.keywords.sort_out(where, args, data, unknown, to_everybody=True)
        if type(event) is not str or event in RESERVED_EVENTS:
            check_event(event)
        if callback is not None and self._queue is not None and not ignore_queue:
            self._check_callback(room if to is None else to)
        skip = () if skip_sid is None else as_rooms(skip_sid) or ()
        if not include_self:
            skip = (*skip, _own_sid())
        values = [event, *_flatten(args)]
        emission = Emission(
            as_namespace(namespace),
            values,
            self.codec.encode_body(values),
            as_rooms(room if to is None else to),
            skip,
            callback,
            ignore_queue,
        )
        runtime = self._runtime
        if runtime is None:
            _ = self.options  # raises before init_app
            logger.debug("event %r emitted to nobody: the server is not running", event)
            return
        runtime.inbox.post(runtime.adapter.broadcast, emission)

    def _check_callback(self, to: Any) -> None:
        """Where there is a message queue, an ack has to find the way back."""
        if isinstance(self._runtime, Emitter):
            raise RuntimeError("Callbacks can only be issued from the context of a server.")  # noqa: TRY004
        if to is None:
            raise ValueError("Cannot use callback without a room set.")

    def send(
        self,
        data: Any,
        json: bool = False,
        namespace: str | None = None,
        to: Room | Sequence[Room] | None = None,
        callback: AckCallback | None = None,
        include_self: bool = True,
        skip_sid: str | Sequence[str] | None = None,
        *,
        room: Room | Sequence[Room] | None = None,
        ignore_queue: bool = False,
        **unknown: Never,
    ) -> None:
        """Emit the event `message`, or `json`."""
        if unknown:
            self.keywords.ignore("socketio.send()", unknown, to_everybody=True)
        self.emit(
            "json" if json else "message",
            data,
            namespace=namespace,
            to=room if to is None else to,
            callback=callback,
            include_self=include_self,
            skip_sid=skip_sid,
            ignore_queue=ignore_queue,
        )

    def call(
        self,
        event: str,
        *args: Any,
        data: Any = None,
        namespace: str | None = None,
        to: str | None = None,
        room: str | None = None,
        sid: str | None = None,
        timeout: float = 60,
        ignore_queue: bool = False,
        **unknown: Never,
    ) -> Any:
        """Emit an event to one client and wait for its ack; returns None, the value, or a tuple of values.

        `timeout` is in seconds. Raises TimeoutError when there is no ack in time, ValueError without `to`, and
        RuntimeError in an `async def` handler, where waiting would stop the server.
        """
        if (target := to or room or sid) is None:
            raise ValueError("Cannot use call() to broadcast.")
        args = self.keywords.sort_out("socketio.call()", args, data, unknown)
        if self.running().inbox.on_loop:
            raise RuntimeError(
                "socketio.call() in an async handler stops the server: await asyncio.to_thread(socketio.call, ...)"
            )
        answer = Answer()
        SocketIO.emit(  # and not a subclass's
            self,
            event,
            *args,
            namespace=namespace,
            to=target,
            callback=answer,
            ignore_queue=ignore_queue,
        )
        try:
            return answer.wait(timeout)
        except builtins.TimeoutError:
            raise TimeoutError(f"no ack for event {event!r} within {timeout:g} seconds") from None

    def close_room(self, room: Room, namespace: str | None = None) -> None:
        """Take every client out of a room. Raises ValueError for a client's own room."""
        runtime = self.running()
        runtime.inbox.ask(runtime.adapter.close_room, as_namespace(namespace), room)

    # -- running -------------------------------------------------------------------------------

    def run(
        self, app: Flask, host: str | None = None, port: int | str | None = None, **kwargs: Any
    ) -> None:
        """Serve the application until Ctrl-C, SIGTERM or `stop()`."""
        from .serving.run.run import run_app

        run_app(self, app, host, port, **kwargs)

    def asgi_app(self, app: Flask) -> DuplexApp:
        """The application and Socket.IO as one ASGI application, for uvicorn, hypercorn, granian or daphne.

        One process of it: without a shared bus, several know nothing of each other's clients.
        """
        return DuplexApp(self, app)

    def stop(self) -> None:
        """Stop the server that `run` has started, from any thread. Raises NotServingError where there is none."""
        if self.wsgi_server is None:
            raise NotServingError("there is no server to stop: it was not started with run()")
        self.wsgi_server.should_exit = True

    def running(self) -> Runtime | InlineRuntime | Emitter:
        """The running server's parts. Raises NotServingError where there is none."""
        if self._runtime is None:
            raise NotServingError("the server is not running yet, so it has no clients")
        return self._runtime

    def start_runtime(self, app: Flask, served_by: DuplexApp, negotiate: Negotiate) -> Runtime:
        """Called by what serves the application, on its loop."""
        link = None
        if (queue := self._queue) is not None:
            queue.begin()
            link = partial(QueueLink, queue, self.codec, self._dumps)
        self._runtime = Runtime(
            self, app, self.options, self._handlers, self.codec, negotiate, link
        )
        self.served_by = served_by
        _have_served.add(self)
        call_beside(self.background.serving)
        return self._runtime

    def inline_runtime(self, app: Flask) -> InlineRuntime:
        """What test clients run on. Raises RuntimeError while the server is running, and with a message queue."""
        if self._queue is not None:
            raise RuntimeError("the test client cannot be used with a message_queue")
        if self.served_by is not None:
            raise RuntimeError(
                "the test client is for tests without a server, and this one is being served"
            )
        self.background.serving()
        if not isinstance(self._runtime, InlineRuntime):
            self._runtime = InlineRuntime(self, app, self.options, self._handlers, self.codec)
        return self._runtime

    def test_client(
        self,
        app: Flask,
        namespace: str | None = None,
        query_string: str | None = None,
        headers: Any = None,
        auth: Any = None,
        flask_test_client: FlaskClient | None = None,
    ) -> SocketIOTestClient:
        """A client for tests: connected, in this process, its events handled before its calls return.

        Cookies come from `flask_test_client`.
        """
        return SocketIOTestClient(
            app, self, namespace, query_string, headers, auth, flask_test_client
        )

    def runtime_stopped(self) -> None:
        """Called by what serves the application, at the end."""
        self.served_by = None
        if self._queue is not None:
            self._queue.begin()
        self._not_serving()

    # -- threads -------------------------------------------------------------------------------

    def start_background_task(
        self, target: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> BackgroundTask:
        """Run a function on a thread of its own; returns the thread, which ends with the process.

        What a program starts before run() starts when the server does, so that it runs once in debug mode too.
        Raises TypeError for what cannot be called.
        """
        if target is None:  # pyright: ignore[reportUnnecessaryComparison]
            warnings.warn(_NO_TASK.format("None"), stacklevel=2)
        elif not callable(target):
            raise TypeError(_NO_TASK.format(repr(target)))
        return self.background.start(target, args, kwargs)

    def sleep(self, seconds: float = 0) -> None:
        """Sleep; nobody else waits. Raises RuntimeError in an `async def` handler, where it would stop the server."""
        if self._runtime is not None and self._runtime.inbox.on_loop:
            raise RuntimeError(
                "socketio.sleep() in an async handler stops the server: await asyncio.sleep()"
            )
        sleep(seconds)


#: whose server, its loop and its clients are not those of a process that is forked from this one
_have_served: WeakSet[SocketIO] = WeakSet()


def _forget_servers() -> None:
    for socketio in _have_served:
        socketio.runtime_stopped()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_forget_servers)


def _check_event(name: object) -> None:
    if callable(name):
        raise TypeError(
            "an event's name is missing: @socketio.on('my_event'), or @socketio.event for the function's own name"
        )
    if not isinstance(name, str):
        raise TypeError(f"an event's name is a str, not {name!r}: @socketio.on('my_event')")


def _name_of(handler: Callable[..., Any]) -> str:
    name = getattr(handler, "__name__", None)
    if name is None:
        raise TypeError(
            f"@socketio.event takes the event's name from the function, and {handler!r} has none: "
            "socketio.on_event('my_event', handler)"
        )
    return name


def _callable(function: ErrorHandler) -> ErrorHandler:
    if not callable(function):
        raise ValueError("exception_handler must be callable")  # noqa: TRY004 - as it always was
    return function


def _flatten(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """What an event carries: a single None nothing, a single tuple its elements."""
    if len(args) == 1:
        if args[0] is None:
            return ()
        if isinstance(args[0], tuple):
            return args[0]  # pyright: ignore[reportUnknownVariableType]
    return args


def _own_sid() -> str:
    sid = getattr(request, "sid", None) if has_request_context() else None
    if sid is None:
        raise RuntimeError(
            "include_self=False is for event handlers: outside of one there is no self"
        )
    return sid
