"""An application as people write it, with types: pyright and mypy, both strict, have nothing to say."""

import json
import logging
import os
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypedDict, assert_type

import flask.json
import msgspec
import orjson
import pydantic
from flask import Flask

from flask_socketio import (
    ConnectionRefusedError,
    Namespace,
    SocketIO,
    SocketIOTestClient,
    call,
    close_room,
    disconnect,
    emit,
    join_room,
    leave_room,
    request,
    rooms,
    send,
)
from flask_socketio.errors import PayloadError
from flask_socketio.event import Event
from flask_socketio.namespace import Namespace as SameNamespace
from flask_socketio.test_client import SocketIOTestClient as SameTestClient

app = Flask(__name__)
socketio = SocketIO(app, cors_allowed_origins="*", ping_interval=(10, 2), async_handlers=False)
later = SocketIO()
later.init_app(app, message_queue=None)

SocketIO(
    app,
    path="chat",
    serve_client=False,
    namespaces=["/chat", "*"],
    async_handlers=True,
    max_threads=50,
    always_connect=True,
    manage_session=False,
    ack_errors=True,
    typed_events=True,
    json=json,
    serializer="msgpack",
    max_attachments=20,
    max_http_buffer_size=1e8,
    max_queued=1e6,
    slow_consumer="drop-oldest",
    transports=["polling", "websocket"],
    allow_upgrades=False,
    ping_interval=2.5,
    ping_timeout=60,
    connect_timeout=10,
    upgrade_timeout=2.5,
    http_compression=False,
    compression_threshold=4096,
    cookie={"name": "io", "httponly": True, "max-age": lambda: "60"},
    cors_allowed_origins=["https://a.example", "https://b.example"],
    cors_credentials=False,
    message_queue=os.environ.get("QUEUE"),
    channel="shop",
    client_manager=object(),
    logger=logging.getLogger("shop"),
    engineio_logger=True,
)
SocketIO(
    None, message_queue="redis://", client_manager=None, logger=True, engineio_logger=app.logger
)
SocketIO(resource="chat", namespaces="/chat", transports="websocket", max_http_buffer_size=10**8)
SocketIO(path=os.environ.get("PATH_OF_IT"), namespaces=("/chat",), transports=("websocket",))
SocketIO(ping_interval=[10, 2.5], cookie="io", cors_allowed_origins=[], json=flask.json)
SocketIO(ping_interval=(10, 2), cookie=True, cors_allowed_origins=None, json=orjson)
SocketIO(cookie=None, json=None, cors_allowed_origins=lambda origin: origin == "https://a.example")
SocketIO(json=app.json, cors_allowed_origins=lambda origin, environ: bool(origin and environ))
# What has no meaning here, as apps that were written for Flask-SocketIO have it.
SocketIO(app, async_mode="threading", monitor_clients=True)
SocketIO(app, async_mode=None)
SocketIO(app, async_mode=os.environ.get("ASYNC_MODE"))
# Options from a file are of any kind.
SocketIO(app, **json.loads("{}"))
later.init_app(app, **app.config["SOCKETIO"])


class Preset(SocketIO):
    """Options of its own, the others passed on."""

    def __init__(self, app: Flask | None = None, **kwargs: Any) -> None:
        kwargs.setdefault("ping_interval", 5)
        super().__init__(app, **kwargs)

    def init_app(self, app: Flask | None, **kwargs: Any) -> None:
        super().init_app(app, cors_allowed_origins="*", **kwargs)

    def run(
        self, app: Flask, host: str | None = None, port: int | str | None = None, **kwargs: Any
    ) -> None:
        super().run(app, host, port or 8000, **kwargs)


class OneMore(SocketIO):
    """An option of its own, the others as arguments that are named."""

    def __init__(self, app: Flask, *, title: str, path: str = "socket.io") -> None:
        self.title = title
        super().__init__(app, path=path)


Preset(app, title="unknown to the type checker").run(app, port=1, workers=4)
OneMore(app, title="shop")


@socketio.on("connect")
def connect(auth: dict[str, Any] | None) -> bool | None:
    if not auth:
        raise ConnectionRefusedError("unauthorized", {"retry": False})
    return None


@socketio.on("add", namespace="/sums")
def add(a: int, b: int) -> int:
    emit("added", a + b)
    emit("added", {"sum": a + b}, to="watchers", include_self=False, skip_sid=["x"])
    emit(event="added", data={"sum": a + b}, room="watchers")
    emit("added", (a, b), broadcast=True, namespace="/", callback=print)
    send("text", to="room")
    send({"a": 1}, json=True, broadcast=True)
    join_room("room")
    leave_room("room", sid="x", namespace="/sums")
    close_room("room")
    disconnect()
    call("question", a, timeout=5)
    return len(rooms())


assert_type(add(1, 2), int)


@socketio.event
def named_by_the_function(text: str) -> str:
    return text


@socketio.event("/y")
@socketio.event(namespace="/x")
async def asynchronous(text: str) -> list[str]:
    return [text]


assert_type(named_by_the_function("x"), str)


@socketio.on_error()
def error(exc: BaseException) -> str:
    return str(exc)


@socketio.on_error("/narrow")
def narrow_error(exc: ValueError) -> None:
    print(exc)


@socketio.on("who")
def who() -> str:
    assert_type(request.sid, str)
    assert_type(request.namespace, str)
    assert_type(request.event["message"], str | None)
    assert_type(request.event["args"], tuple[Any, ...])
    return request.headers["User-Agent"]


@socketio.on_error_default
def default_error(exc: BaseException) -> None:
    print(exc)


class Game(Namespace):
    def on_connect(self) -> None:
        self.emit("hello", {"x": 1}, room="a")

    def on_move(self, x: int, y: int) -> tuple[int, int]:
        self.send("moved")
        with self.session("sid") as session:
            session["x"] = x
        return x, y

    def trigger_event(self, event: str, *args: Any) -> Any:
        return super().trigger_event(event, *args)


@dataclass
class Message:
    text: str


class Point(TypedDict):
    x: int


class Line(msgspec.Struct):
    points: list[Point]


class Person(pydantic.BaseModel):
    name: str


@socketio.on("say")
def say(room: str, message: Message, *points: Point) -> Line:
    said.emit(message, to=room, skip_sid=request.sid)
    return Line(list(points))


@socketio.on("greet")
async def greet(person: Annotated[Person | None, pydantic.Field(description="Whom")]) -> Person:
    return person or Person(name="nobody")


said = socketio.sends("said", Message)
assert_type(said, Event[Message, Any])
moved = socketio.sends("moved", tuple[int, Point], namespace="/board")
moved.emit((1, {"x": 1}))
socketio.sends("tick").emit(None)
socketio.sends("lines", list[Line]).emit([])
socketio.sends("either", Message | Person).emit(Message("x"))
sure = socketio.sends("sure", str, answer=bool)
assert_type(sure.call("Really?", to="x", timeout=1), bool)
try:
    sure.call("Really?", to="x")
except PayloadError as payload_error:
    print(payload_error.event, [misfit.field for misfit in payload_error.fields])
print([(sent.name, sent.namespace) for sent in socketio.sent_events])


class Mine(SocketIO):
    def emit(self, event: str, *args: Any, **kwargs: Any) -> None:
        super().emit(event, *args, **kwargs)


socketio.on_namespace(Game("/game"))
socketio.on_event("plain", lambda: None, namespace="/")
socketio.emit("news", {"a": [b"1"]}, to=["a", "b"])
socketio.send("x", json=False)
task = socketio.start_background_task(print, "x", end="")
task.join(timeout=1)
socketio.sleep(0.1)
reason: str = socketio.reason.PING_TIMEOUT

client = socketio.test_client(app, namespace="/game", auth={"a": 1}, headers={"X": "y"})
assert_type(client, SocketIOTestClient)
assert_type(client.is_connected("/game"), bool)
client.emit("move", 1, 2, namespace="/game", callback=True)
for received in client.get_received("/game"):
    print(received["name"], received["args"])


@client.on("question")
def answer(question: str) -> tuple[str, int]:
    return question, 42


assert_type(answer("x"), tuple[str, int])
client.on("again", answer, namespace="/game")
for event, handler, namespace in socketio.handlers:
    print(event, handler, namespace)
same: tuple[type[SameNamespace], type[SameTestClient]] = (Namespace, SocketIOTestClient)

if __name__ == "__main__":
    socketio.run(app, "127.0.0.1", 5000, debug=True, use_reloader=False, log_output=True)
    socketio.run(app, host=None, port=os.environ.get("PORT"), debug=None)
    socketio.run(
        app,
        port="8000",
        use_reloader=True,
        reloader_options={"interval": 0.5},
        extra_files=["config.toml"],
        certfile="cert.pem",
        keyfile=Path("key.pem"),
    )
    socketio.run(app, extra_files={"a", "b"}, ssl_context="adhoc")
    socketio.run(app, ssl_context=ssl.create_default_context(ssl.Purpose.CLIENT_AUTH))
    socketio.run(app, ssl_context=("cert.pem", "key.pem"))
    socketio.run(app, allow_unsafe_werkzeug=True, threaded=True, processes=1)
    socketio.run(app, **app.config["RUN"])
