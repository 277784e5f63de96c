"""The test client: a client in the same process, whose events are handled before its call returns."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from contextlib import ExitStack
from copy import copy
from typing import Any, TypeVar, overload
from weakref import WeakValueDictionary

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.datastructures import Headers

from .cluster.base import as_namespace
from .engine.ids import new_sids
from .hub.client import Client
from .messaging import Messaging
from .protocol import socketio as sio
from .protocol.errors import SocketProtocolError
from .protocol.message import Message
from .protocol.reasons import CloseReason
from .protocol.socketio import Codec
from .serving.wsgi_pass import ARRIVAL, Arrival

F = TypeVar("F", bound=Callable[..., Any])


class _Connection:
    """In place of an engine session: what is sent ends up with the test client, by way of the real codec."""

    def __init__(self, owner: SocketIOTestClient, environ: dict[str, Any], codec: Codec) -> None:
        self.sid = owner.eio_sid
        self.environ = environ
        self._owner = owner
        self._decoder = codec.decoder(1_000_000, sio.SERVER_NAMES)

    def send(self, message: Message) -> None:
        packet = None
        if message.text is not None:
            packet = self._decoder.feed_text(message.text[1:].decode())
        for attachment in message.binary:
            packet = self._decoder.feed_binary(attachment)
        assert packet is not None
        self._owner.receive(packet)

    def close(self, reason: CloseReason) -> None:
        pass

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


class SocketIOTestClient:
    """Made by `socketio.test_client(app)`. Several of them share rooms, and get what the application emits.

    Handlers run in the calling thread, and what they raise comes out of the call. What the application calls, or emits
    with a callback, is answered by the function that was given to `on()`.
    """

    #: every client that is in a namespace, by its `eio_sid`
    clients: MutableMapping[str, SocketIOTestClient] = WeakValueDictionary()  # noqa: RUF012

    def __init__(
        self,
        app: Flask,
        socketio: Messaging,
        namespace: str | None = None,
        query_string: str | None = None,
        headers: Any = None,
        auth: Any = None,
        flask_test_client: FlaskClient | None = None,
    ) -> None:
        #: the Flask application
        self.app = app
        #: its `SocketIO`
        self.socketio = socketio
        #: whose cookies it has
        self.flask_test_client = flask_test_client
        #: the connection's id; a client's in a namespace is what its handlers have as `request.sid`
        self.eio_sid = next(new_sids())
        #: what `get_received` returns, for all namespaces
        self.queue: list[dict[str, Any]] = []
        #: the latest ack, while a call with `callback=True` waits for it
        self.acks: dict[str, Any] = {}
        #: whether it is in a namespace, by its name
        self.connected: dict[str, bool] = {}
        self._answers: dict[tuple[str, str], Callable[..., Any]] = {}
        self._client: Client | None = None
        self._life = socketio._life  # pyright: ignore[reportPrivateUsage] - one part of the extension to another
        self._hub = self._life.test(app)
        self.connect(namespace, query_string, headers, auth)

    def is_connected(self, namespace: str | None = None) -> bool:
        """Whether the client is in the namespace."""
        return self.connected.get(as_namespace(namespace), False)

    def connect(
        self,
        namespace: str | None = None,
        query_string: str | None = None,
        headers: Any = None,
        auth: Any = None,
    ) -> None:
        """Join a namespace. Whether it was accepted, `is_connected` tells."""
        environ = self._environ(query_string, headers)
        if environ is None:
            return
        if self._client is None:
            self._client = self._hub.open(_Connection(self, environ, self._life.codec))
        else:
            self._client.connection.environ.clear()
            self._client.connection.environ.update(environ)
            self._client.contexts = None
        codec = self._life.codec
        body = None if auth is None else codec.encode_body(auth)
        self._deliver(codec.encode(sio.CONNECT, as_namespace(namespace), body))

    def disconnect(self, namespace: str | None = None) -> None:
        """Leave a namespace. Raises RuntimeError for one that the client is not in."""
        self._check(namespace)
        self._deliver(self._life.codec.encode(sio.DISCONNECT, as_namespace(namespace)))
        del self.connected[as_namespace(namespace)]
        self._list()

    def emit(self, event: str, *args: Any, **kwargs: Any) -> Any:
        """Emit an event, in `namespace=`. Raises RuntimeError for a namespace that the client is not in.

        With `callback=True` returns the ack: a value, a list of several or of none, None where there is no ack.
        """
        namespace = as_namespace(kwargs.pop("namespace", None))
        callback = kwargs.pop("callback", False)
        self._check(namespace)
        self.acks.pop(self.eio_sid, None)
        codec = self._life.codec
        body = codec.encode_body([event, *args])
        self._deliver(codec.encode(sio.EVENT, namespace, body, 1 if callback else None))
        ack = self.acks.pop(self.eio_sid, None)
        if ack is None:
            return None
        values: list[Any] = ack["args"]
        return values[0] if len(values) == 1 else values

    def send(
        self, data: Any, json: bool = False, callback: bool = False, namespace: str | None = None
    ) -> Any:
        """Emit the event `message`, or `json`; returns what `emit` returns."""
        event = "json" if json else "message"
        return self.emit(event, data, callback=callback, namespace=namespace)

    @overload
    def on(self, event: str, handler: F, namespace: str | None = None) -> F: ...

    @overload
    def on(
        self, event: str, handler: None = None, namespace: str | None = None
    ) -> Callable[[F], F]: ...

    def on(
        self, event: str, handler: F | None = None, namespace: str | None = None
    ) -> F | Callable[[F], F]:
        """Have a function called with an event's arguments; also a decorator. What it returns is the client's ack.

        `get_received` returns the event all the same.
        """

        def register(handler: F) -> F:
            self._answers[as_namespace(namespace), event] = handler
            return handler

        return register if handler is None else register(handler)

    def get_received(self, namespace: str | None = None) -> list[dict[str, Any]]:
        """The events received in the namespace since the last time: dicts of name, args and namespace.

        Raises RuntimeError for a namespace that the client is not in.
        """
        self._check(namespace)
        name = as_namespace(namespace)
        received = [event for event in self.queue if event["namespace"] == name]
        self.queue = [event for event in self.queue if event["namespace"] != name]
        return received

    # -- the connection ------------------------------------------------------------------------

    def receive(self, packet: sio.Packet) -> None:
        """Take a packet from the server."""
        namespace = packet.namespace
        if packet.type == sio.EVENT:
            name, *args = packet.data
            value = args[0] if name in ("message", "json") and args else args
            self.queue.append({"name": name, "args": value, "namespace": namespace})
            self._answer(packet)
        elif packet.type == sio.ACK:
            self.acks[self.eio_sid] = {"args": packet.data, "namespace": namespace}
        else:
            self.connected[namespace] = packet.type == sio.CONNECT
            self._list()

    def _answer(self, packet: sio.Packet) -> None:
        name, *args = packet.data
        function = self._answers.get((packet.namespace, name))
        if function is None:
            return
        assert self._client is not None
        with self._hub.inbox.released():
            result: Any = function(*args)
        if packet.id is not None:
            values = result if isinstance(result, tuple) else [result]  # pyright: ignore[reportUnknownVariableType]
            body = self._life.codec.encode_body([] if result is None else values)
            message = self._life.codec.encode(sio.ACK, packet.namespace, body, packet.id)
            self._feed(self._client, message)

    def _list(self) -> None:
        """Be among the clients as long as there is a namespace that this one is in."""
        if any(self.connected.values()):
            self.clients[self.eio_sid] = self
        else:
            self.clients.pop(self.eio_sid, None)

    def _deliver(self, message: Message) -> None:
        assert self._client is not None
        self._hub.inbox.ask(self._feed, self._client, message)

    def _feed(self, client: Client, message: Message) -> None:
        try:
            if message.text is not None:
                client.on_text(message.text[1:].decode())
            for attachment in message.binary:
                client.on_binary(attachment)
        except SocketProtocolError as error:
            raise RuntimeError(f"the server would close this connection: {error}") from None

    def _environ(self, query_string: str | None, headers: Any) -> dict[str, Any] | None:
        """The handshake's environ, from a request through the application's middlewares and with its cookies."""
        arrival = Arrival()
        given = {} if headers is None else {"headers": Headers(headers)}
        _apart(self.flask_test_client or self.app.test_client()).get(
            self._life.options.engine.path,
            query_string=(query_string or "").removeprefix("?"),
            environ_overrides={ARRIVAL: arrival},
            **given,
        )
        if arrival.environ is not None:
            del arrival.environ[ARRIVAL]
            if "user-agent" not in Headers(headers):
                arrival.environ.pop("HTTP_USER_AGENT", None)  # the Flask test client's own
        return arrival.environ

    def _check(self, namespace: str | None) -> None:
        if not self.is_connected(namespace):
            raise RuntimeError("not connected")


def _apart(client: FlaskClient) -> FlaskClient:
    """The same client, with its cookies; in a `with` block it keeps the contexts of the last page for the test."""
    apart = copy(client)
    apart.preserve_context = False
    vars(apart)["_context_stack"] = ExitStack()
    return apart
