"""Clients that write down what they receive, in order, with ids replaced by names."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.request import Request, urlopen

import socketio

from tests.kit.neighbour import OrderedClient
from tests.kit.server import ServerProcess

_DEADLINE = 20.0


class RecordingClient:
    """A client, its transcript, and what it answers when it is asked."""

    def __init__(self, session: Session, name: str) -> None:
        self.name = name
        self._session = session
        self.lines: list[str] = []
        self._news = threading.Condition()
        self._closing = False
        self._client = OrderedClient(reconnection=False)

    def connect(self, *namespaces: str, auth: Any = None, cookie: str | None = None) -> None:
        names = list(namespaces) or ["/"]
        for namespace in names:
            for event in ("connect", "connect_error", "disconnect", "*"):
                self._client.on(event, self._recorder(event, namespace), namespace=namespace)
        try:
            self._client.connect(
                self._session.server.url,
                headers={"Cookie": cookie} if cookie else {},
                auth=auth,
                transports=[self._session.transport],
                namespaces=names,
                wait_timeout=_DEADLINE,
            )
        except socketio.exceptions.ConnectionError:
            self._write("not connected")
        for namespace in names:
            if sid := self._client.get_sid(namespace):
                self._session.names[sid] = f"<{self.name} in {namespace}>"

    def _recorder(self, event: str, namespace: str) -> Callable[..., Any]:
        place = "" if namespace == "/" else namespace + " "

        def record(*args: Any) -> None:
            if event == "*":
                self._write(f"{place}{args[0]} {show(args[1:])}")
            elif event == "connect_error":
                self._write(f"{place}refused {show(args)}")
            else:
                self._write(f"{place}{event}ed")

        return record

    def answer(self, event: str, function: Callable[..., Any]) -> None:
        """Have a question answered, and written down."""

        def handler(*args: Any) -> Any:
            self._write(f"{event} {show(args)}")
            return function(*args)

        self._client.on(event, handler)

    def _write(self, line: str) -> None:
        with self._news:
            if not self._closing:
                self.lines.append(line)
                self._news.notify_all()

    def ask(self, event: str, *args: Any, namespace: str = "/") -> None:
        """Emit an event and wait for its ack."""
        acked = threading.Event()

        def ack(*values: Any) -> None:
            self._write(f"  ack of {event}: {show(values)}")
            acked.set()

        self._client.emit(event, args, namespace=namespace, callback=ack)
        assert acked.wait(_DEADLINE), f"no ack of {event}\n" + "\n".join(self.lines)

    def tell(self, event: str, *args: Any, namespace: str = "/") -> None:
        """Emit an event that is not acknowledged."""
        self._client.emit(event, args, namespace=namespace)

    def wait_for(self, text: str, count: int = 1) -> None:
        """Wait until so many lines hold a text."""
        self.wait_until(lambda lines: sum(text in line for line in lines) >= count, text)

    def wait_until(self, done: Callable[[list[str]], bool], what: str) -> None:
        deadline = time.monotonic() + _DEADLINE
        with self._news:
            while not done(self.lines):
                left = deadline - time.monotonic()
                assert left > 0, f"no {what!r} in\n" + "\n".join(self.lines)
                self._news.wait(left)

    def close(self) -> None:
        """Leave. What still arrives is a matter of chance, as is whether python-socketio's client says goodbye."""
        self._closing = True
        self._client.disconnect()


class Session:
    """One run of a scenario against one server."""

    def __init__(self, server: ServerProcess, transport: str) -> None:
        self.server = server
        self.transport = transport
        self.names: dict[str, str] = {}
        self.clients: list[RecordingClient] = []

    def client(self, name: str) -> RecordingClient:
        client = RecordingClient(self, name)
        self.clients.append(client)
        return client

    def get(self, path: str, cookie: str | None = None) -> tuple[str, str | None]:
        """A page, and the cookie that came with it."""
        request = Request(self.server.url + path, headers={"Cookie": cookie} if cookie else {})
        with urlopen(request, timeout=_DEADLINE) as response:
            cookies = response.headers.get_all("Set-Cookie") or []
            return response.read().decode(), "; ".join(c.partition(";")[0] for c in cookies) or None

    def transcript(self) -> str:
        """What every client has received, in order; ids are replaced by names.

        That a namespace is connected stands first: what its connect handler emits arrives before that with the
        original and after it with this package (docs/migrating.md).
        """
        text = "\n\n".join(
            "\n".join([f"# {client.name}", *sorted(client.lines, key=_comes_later)])
            for client in self.clients
        )
        for sid, name in self.names.items():
            text = text.replace(sid, name)
        return text + "\n"


def _comes_later(line: str) -> bool:
    return line.rpartition(" ")[2] != "connected"


def show(args: tuple[Any, ...]) -> str:
    """Arguments on one line."""

    def binary(value: Any) -> str:
        return f"<{bytes(value)!r}>"

    return ", ".join(
        json.dumps(arg, ensure_ascii=False, sort_keys=True, default=binary) for arg in args
    )
