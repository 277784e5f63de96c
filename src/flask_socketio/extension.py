"""The Flask extension."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, Unpack, overload

from flask import Flask
from flask.testing import FlaskClient

from .app.keywords import RunOptions, SocketIOOptions
from .cluster.base import as_namespace
from .dashboard.settings import Auth, Mode
from .errors import NotServingError
from .event import Event
from .handling.methods import NamespaceMethods
from .handling.table import ErrorHandler
from .messaging import Messaging
from .runtime.life import Life, Stoppable
from .runtime.status import ClusterFacade
from .server import MiddlewareFacade, ServerFacade
from .serving.asgi import DuplexApp
from .serving.innermost import Innermost
from .serving.run.worker import this_worker
from .serving.wsgi import WsgiFace
from .test_client import SocketIOTestClient

F = TypeVar("F", bound=Callable[..., Any])
E = TypeVar("E", bound=ErrorHandler)
T = TypeVar("T")
A = TypeVar("A")

_FUNCTIONS = "(): in a handler, from flask_socketio import {0} and call {0}(); elsewhere socketio.server.{1}()"
#: What people look for in SocketIO, and where it is.
_ELSEWHERE = {
    "join_room": _FUNCTIONS.format("join_room", "enter_room"),
    "enter_room": _FUNCTIONS.format("join_room", "enter_room"),
    "leave_room": _FUNCTIONS.format("leave_room", "leave_room"),
    "rooms": _FUNCTIONS.format("rooms", "rooms"),
    "disconnect": _FUNCTIONS.format("disconnect", "disconnect"),
    "sid": ": in a handler, from flask_socketio import request has request.sid",
    "request": ": from flask_socketio import request",
    "broadcast": "(): socketio.emit() without to= goes to everybody",
    "Namespace": ": from flask_socketio import Namespace",
}


class DisconnectReason:
    """Why a client was disconnected: what a disconnect handler is told."""

    SERVER_DISCONNECT = "server disconnect"
    CLIENT_DISCONNECT = "client disconnect"
    PING_TIMEOUT = "ping timeout"
    TRANSPORT_CLOSE = "transport close"
    TRANSPORT_ERROR = "transport error"
    SLOW_CONSUMER = "slow consumer"


class SocketIO(Messaging):
    """Socket.IO for a Flask application.

    `SocketIO(app)` or, in an application factory, `SocketIO()` and later `init_app(app)`; both take the options,
    which `docs/options.md` explains, and warn of unknown ones.

    Raises:
        ValueError: An option's value makes no sense; the message names it.
        ImportError: What an option needs is not installed; the message has the pip command.
    """

    #: why clients are disconnected, as names
    reason = DisconnectReason
    #: in place of the middleware that Flask-SocketIO puts around the application; from init_app on
    sockio_mw: MiddlewareFacade

    def __init__(self, app: Flask | None = None, **options: Unpack[SocketIOOptions]) -> None:
        #: the options as they were given; what is changed before init_app counts
        self.server_options: dict[str, Any] = {}
        self._life = Life(self)
        self._sends: list[Event[Any, Any]] = []
        #: what is below: clients, their rooms, sessions and environs
        self.server = ServerFacade(self._life, self)
        #: the processes that belong together
        self.cluster = ClusterFacade(self._life)
        if app is not None or "message_queue" in options:
            self.init_app(app, **options)
        else:
            self.server_options.update(options)

    def init_app(self, app: Flask | None, **options: Unpack[SocketIOOptions]) -> None:
        """Attach to an application. Options given here win over those given before.

        With `message_queue=` and without an application it is an emitter, for processes that serve nobody.

        Args:
            app: The Flask application, or None.
            options: Those of `SocketIO`.

        Raises:
            ValueError: An option's value makes no sense; the message names it.
            ImportError: What an option needs is not installed; the message has the pip command.
        """
        self.server_options.update(options)
        self._life.configure(self.server_options, app)
        if self._life.queue is not None:
            self.server_options["client_manager"] = self._life.queue
        if app is not None:
            self._attach(app)

    def _attach(self, app: Flask) -> None:
        face = WsgiFace(self._life, app, lambda: self.asgi_app(app))
        Innermost.of(app).add(face)
        self.server.wsgi_app = face
        self.sockio_mw = MiddlewareFacade(self._life, self.server, app)
        app.extensions["socketio"] = self

    @property
    def manage_session(self) -> bool:
        """Whether each connection has its own copy of the session; may be changed at any time."""
        return self._life.options.manage_session

    @manage_session.setter
    def manage_session(self, value: bool) -> None:
        self._life.options.manage_session = value

    @property
    def wsgi_server(self) -> Stoppable | None:
        """The server, while run() has not returned."""
        return self._life.server

    @wsgi_server.setter
    def wsgi_server(self, server: Stoppable | None) -> None:
        self._life.server = server

    if not TYPE_CHECKING:  # to whom every attribute would exist then

        def __getattr__(self, name: str) -> NoReturn:
            """Says where that is which people look for here."""
            hint = _ELSEWHERE.get(name, "")
            raise AttributeError(f"SocketIO has no {name}{hint}", name=name, obj=self)

    # -- what has been registered --------------------------------------------------------------

    @property
    def handlers(self) -> list[tuple[str, Callable[..., Any], str]]:
        """The functions registered: event, function, namespace. A snapshot."""
        return list(self._life.handlers.registered)

    @property
    def namespace_handlers(self) -> list[NamespaceMethods]:
        """The class-based namespaces. A snapshot."""
        return list(self._life.handlers.registered_classes)

    @property
    def sent_events(self) -> list[Event[Any, Any]]:
        """The events that `sends` has declared. A snapshot."""
        return list(self._sends)

    @property
    def exception_handlers(self) -> dict[str, ErrorHandler]:
        """What `on_error` has registered, by namespace; a change counts."""
        return self._life.handlers.error_handlers

    @property
    def default_exception_handler(self) -> ErrorHandler | None:
        """What `on_error_default` has registered; may be set."""
        return self._life.handlers.default_error_handler

    @default_exception_handler.setter
    def default_exception_handler(self, exception_handler: ErrorHandler | None) -> None:
        self._life.handlers.default_error_handler = exception_handler

    # -- registering handlers ------------------------------------------------------------------

    def on(self, message: str, namespace: str | None = None) -> Callable[[F], F]:
        """Decorator: register a handler for an event; returns the function as it was.

        What the handler returns is the event's ack, if the client has asked for one: nothing, a value, or a tuple of
        several.

        Args:
            message: The event's name. `connect` and `disconnect` are the connection's own, `message` and `json` are
                what `send()` emits, `*` is every event that has no handler, whose name comes first then.
            namespace: `/` where it is None, `*` for every one that has no handler for the event.

        Raises:
            TypeError: The name is no str.
        """
        _check_event(message)

        def decorator(handler: F) -> F:
            self._life.handlers.add(as_namespace(namespace), message, handler)
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

        Args:
            function: The handler; in parentheses, the namespace.
            namespace: `/` where it is None.

        Raises:
            TypeError: The function has no name.
        """
        name = namespace if callable(function) or function is None else function

        def decorator(handler: F) -> F:
            return self.on(_name_of(handler), name)(handler)

        return decorator(function) if callable(function) else decorator

    def on_event(
        self, message: str, handler: Callable[..., Any], namespace: str | None = None
    ) -> None:
        """Register a handler for an event: `on` as a function.

        Raises:
            TypeError: The name is no str, or the handler cannot be called.
        """
        self.on(message, namespace)(handler)

    @overload
    def sends(self, event: str, *, namespace: str | None = None) -> Event[None, Any]: ...

    @overload
    def sends(
        self, event: str, payload: type[T], *, namespace: str | None = None
    ) -> Event[T, Any]: ...

    @overload
    def sends(
        self, event: str, payload: type[T], *, answer: type[A], namespace: str | None = None
    ) -> Event[T, A]: ...

    @overload
    def sends(
        self, event: str, payload: object, *, answer: object = Any, namespace: str | None = None
    ) -> Event[Any, Any]: ...

    def sends(
        self,
        event: str,
        payload: object = None,
        *,
        answer: object = Any,
        namespace: str | None = None,
    ) -> Event[Any, Any]:
        """Declare an event that the server sends, and the type of what it carries: a tuple's elements are arguments.

        Returns what emits it. Raises ImportError where the library for the type is missing, TypeError for a type that
        it does not know and for an event's name that is no str.
        """
        _check_event(event)
        declared = Event[Any, Any](self, event, payload, answer, namespace)
        self._sends.append(declared)
        self._life.handlers.sent.add((declared.namespace, event))
        return declared

    def on_namespace(self, namespace_handler: NamespaceMethods) -> None:
        """Register a class-based namespace.

        Raises:
            ValueError: It is no instance of `Namespace`.
        """
        if not isinstance(namespace_handler, NamespaceMethods):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ValueError("Not a namespace instance.")  # noqa: TRY004 - as it always was
        setattr(namespace_handler, "socketio", self)  # noqa: B010 - Namespace's, which knows us and not the reverse
        setattr(namespace_handler, "server", self.server)  # noqa: B010
        self._life.handlers.add_class(namespace_handler)

    def on_error(self, namespace: str | None = None) -> Callable[[E], E]:
        """Decorator: the function gets what handlers of the namespace raise; what it returns is the event's ack.

        Raises:
            TypeError: The parentheses are missing: `@socketio.on_error()`.
            ValueError: What is decorated cannot be called.
        """
        if callable(namespace):
            raise TypeError("on_error has parentheses: @socketio.on_error()")
        name = as_namespace(namespace)

        def decorator(exception_handler: E) -> E:
            self._life.handlers.error_handlers[name] = _callable(exception_handler)
            return exception_handler

        return decorator

    def on_error_default(self, exception_handler: E) -> E:
        """Decorator: as `on_error`, for the namespaces that have none of their own.

        Raises:
            ValueError: What is decorated cannot be called.
        """
        self._life.handlers.default_error_handler = _callable(exception_handler)
        return exception_handler

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
        """Have the dashboard served: the official Admin UI, at `<path>/admin/`; call it before the server begins.

        `auth` says who may log in: `{"username": ..., "password": ...}`, a list of such, a function that is given what
        the page sends and returns whether that is right, or False: everybody. In mode `production` there are sums
        alone, which cost nothing per event; with `read_only` nobody is disconnected or moved. The sums come every
        `server_stats_interval` seconds. Raises ValueError for a value that makes no sense or a namespace that has
        handlers of the application's, RuntimeError when it is called again or too late.
        """
        self.server.instrument(auth, mode, read_only, server_id, namespace, server_stats_interval)

    # -- running -------------------------------------------------------------------------------

    def run(
        self,
        app: Flask,
        host: str | None = None,
        port: int | str | None = None,
        **options: Unpack[RunOptions],
    ) -> None:
        """Serve the application until Ctrl-C, SIGTERM or `stop()`.

        Where another server imports the program (`flask run`, gunicorn), it says so and returns.

        Args:
            app: The Flask application.
            host: The address to listen on: 127.0.0.1 where it is None.
            port: 5000 where it is None; 0 takes a free one.
            options: The arguments in `docs/options.md`: workers, TLS, the reloader.

        Raises:
            ValueError: An argument's value makes no sense; the message names it.
            SystemExit: It cannot listen, or the certificate cannot be read; a line says why.
        """
        from .serving.run.run import run_app

        run_app(self._life, app, host, port, **options)

    def asgi_app(self, app: Flask) -> DuplexApp:
        """The application and Socket.IO as one ASGI application, for uvicorn, hypercorn, granian or daphne.

        The workers of uvicorn and of gunicorn find each other.
        """
        return DuplexApp(self._life, app)

    def metrics(self) -> dict[str, Any]:
        """Every number about this server, those of its workers on this machine together; a copy, by name.

        `docs/metrics.md` explains them. Callable from any thread; where there are several workers it waits for their
        answers, two seconds at most, and raises RuntimeError in an `async def` handler. Raises NotServingError where
        nobody serves.
        """
        return self._life.metrics()

    def stop(self) -> None:
        """Stop the server that `run` has started, all of its workers, from any thread.

        Raises:
            NotServingError: There is none.
        """
        if self.wsgi_server is None:
            raise NotServingError("there is no server to stop: it was not started with run()")
        if (worker := this_worker()) is not None:
            worker.stop_all()
        else:
            self.wsgi_server.should_exit = True

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

        Args:
            app: The Flask application.
            namespace: The one to join, `/` where it is None.
            query_string: The handshake's, with or without its question mark.
            headers: The handshake's: a dict, or a list of pairs.
            auth: What a connect handler gets as its argument.
            flask_test_client: The client of `app.test_client()` whose cookies it has, after a login say.
        """
        return SocketIOTestClient(
            app, self, namespace, query_string, headers, auth, flask_test_client
        )


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
