"""A server of ours and one of Node's on one Redis, and clients of both."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from tests.kit.broker import Valkey
from tests.kit.node import node_with
from tests.kit.raw import request
from tests.kit.server import ServerProcess

HERE = Path(__file__).parent
URLS = {
    "classic": "node+unix://{}",
    "streams": "node+unix-streams://{}",
    "sharded": "node+unix+sharded://{}",
}


def js(value: Any) -> str:
    """A value as JavaScript's source."""
    if isinstance(value, bytes):
        return f'Buffer.from("{base64.b64encode(value).decode()}", "base64")'
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(js, value)) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{js(item)}" for key, item in value.items()) + "}"
    return json.dumps(value)


def plain(value: Any) -> Any:
    """What JavaScript has told; a Buffer as bytes."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        if value.keys() == {"type", "data"} and value["type"] == "Buffer":
            return bytes(value["data"])
        return {key: plain(item) for key, item in value.items()}
    return value


class Side(Protocol):
    """A server, and what it can be told to do."""

    @property
    def url(self) -> str: ...

    def emit(
        self, *event: Any, to: Sequence[Any] = (), skip: Sequence[Any] = (), namespace: str = "/"
    ) -> None: ...

    def ask(self, event: str, sid: str) -> Any: ...

    def ask_room(self, event: str, room: str, count: int) -> Any: ...

    def join(self, sid: str, room: Any) -> None: ...

    def leave(self, sid: str, room: Any) -> None: ...

    def disconnect(self, sid: str) -> None: ...


class Ours(ServerProcess):
    def __init__(self, url: str) -> None:
        script = ServerProcess.script(HERE / "app.py")
        super().__init__(script.argv, {"QUEUE": url})
        self.queue = url

    def run(self, code: str) -> Any:
        reply = request(self.address, "POST", "/run", body=code.encode())
        assert reply.status == 200, reply
        return json.loads(reply.body)[0]

    def emit(
        self, *event: Any, to: Sequence[Any] = (), skip: Sequence[Any] = (), namespace: str = "/"
    ) -> None:
        where = {"to": list(to) or None, "skip_sid": list(skip), "namespace": namespace}
        self.run(f"socketio.emit(*{event!r}, **{where!r})")

    def ask(self, event: str, sid: str) -> Any:
        return self.run(f"socketio.call({event!r}, to={sid!r}, timeout=10)")

    def ask_room(self, event: str, room: str, count: int) -> Any:
        return [answer[0] for answer in self.run(f"ask_room({event!r}, {room!r}, {count})")]

    def join(self, sid: str, room: Any) -> None:
        self.run(f"socketio.server.enter_room({sid!r}, {room!r})")

    def leave(self, sid: str, room: Any) -> None:
        self.run(f"socketio.server.leave_room({sid!r}, {room!r})")

    def disconnect(self, sid: str) -> None:
        self.run(f"socketio.server.disconnect({sid!r})")

    def counters(self) -> Any:
        return self.run("socketio.server.counters()")


class Peer(ServerProcess):
    def __init__(self, adapter: str, redis_socket: str) -> None:
        env = {"ADAPTER": adapter, "REDIS_SOCKET": redis_socket}
        super().__init__([node_with(HERE), str(HERE / "peer.mjs")], env)

    def run(self, code: str) -> Any:
        reply = request(self.address, "POST", "/", body=code.encode())
        assert reply.status == 200, reply.body.decode()
        return plain(json.loads(reply.body))

    def emit(
        self, *event: Any, to: Sequence[Any] = (), skip: Sequence[Any] = (), namespace: str = "/"
    ) -> None:
        args = ",".join(map(js, event))
        self.run(f"io.of({js(namespace)}).to({js(to)}).except({js(skip)}).emit({args})")

    def ask(self, event: str, sid: str) -> Any:
        """Through the client as `fetchSockets` shows it."""
        return self.run(
            f"const [socket] = await io.in({js(sid)}).fetchSockets();"
            f"return await socket.timeout(10000).emitWithAck({js(event)})"
        )

    def ask_room(self, event: str, room: str, count: int) -> Any:
        answers = self.run(
            f"return await io.to({js(room)}).timeout(10000).emitWithAck({js(event)})"
        )
        return sorted(answers)

    def join(self, sid: str, room: Any) -> None:
        self.run(f"io.in({js(sid)}).socketsJoin({js(room)})")

    def leave(self, sid: str, room: Any) -> None:
        self.run(f"io.in({js(sid)}).socketsLeave({js(room)})")

    def disconnect(self, sid: str) -> None:
        self.run(f"io.in({js(sid)}).disconnectSockets()")


class Client:
    """One of Node's, which runs in the peer's process."""

    def __init__(self, peer: Peer, name: str, url: str) -> None:
        self._peer = peer
        self._name = name
        self.sid: str = peer.run(f"return await connect({js(name)}, {js(url)})")

    def next(self, seconds: float = 10) -> Any:
        """What it has been sent next: the event's name and its arguments, or None."""
        return self._peer.run(f"return await clients[{js(self._name)}].next({seconds * 1000})")

    def close(self) -> None:
        self._peer.run(f"clients[{js(self._name)}].socket.close()")


class Cluster:
    """Both servers, with a client of each in both namespaces."""

    def __init__(self, adapter: str, valkey: Valkey) -> None:
        self.adapter = adapter
        self.redis_url = valkey.url
        path = valkey.url.removeprefix("unix://")
        self.ours = Ours(URLS[adapter].format(path))
        self.node = Peer(adapter, path)
        self._count = 0

    def start(self) -> None:
        self.node.start()
        self.ours.start()
        for namespace in ("/", "/chat"):
            self.wait_for(lambda ns=namespace: self.servers(ns) == 2)

    def servers(self, namespace: str) -> Any:
        return self.node.run(f"return await io.of({js(namespace)}).adapter.serverCount()")

    def wait_for(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 20
        while not condition():
            assert time.monotonic() < deadline, self.ours.log + self.node.log
            time.sleep(0.02)

    def client(self, side: Side, namespace: str = "") -> Client:
        self._count += 1
        return Client(self.node, f"client {self._count}", side.url + namespace)
