"""The app under load: handlers that block, burn, echo and count, and Flask's own pages on the same port.

It runs on Flask-SocketIO as well, for `make reliability`. From the environment: ``PORT``, and ``OPTIONS``, the
arguments of `SocketIO` as a JSON object.
"""

import json
import os
import threading
import time
from collections.abc import Iterator
from typing import Any

from flask import Flask, Response, request

from flask_socketio import SocketIO, emit, join_room, leave_room

is_ours = hasattr(SocketIO, "asgi_app")
if is_ours:
    from tests.kit.lane import lane_of

app = Flask(__name__)
socketio = SocketIO(app, **json.loads(os.environ.get("OPTIONS", "{}")))

guard = threading.Lock()
ticks: dict[str, int] = {}
arrived: dict[str, list[Any]] = {}
notes: dict[str, list[Any]] = {}


@app.get("/")
def index() -> str:
    return "a page of Flask's"


@app.get("/stream")
def stream() -> Response:
    """Four chunks, one every 0.2 s."""

    def chunks() -> Iterator[str]:
        for number in range(4):
            yield f"chunk {number}\n"
            time.sleep(0.2)

    return Response(chunks(), mimetype="text/plain")


@app.get("/slow")
def slow() -> str:
    print("the slow view has begun", flush=True)
    time.sleep(30)
    return "at last"


@app.post("/upload")
def upload() -> dict[str, Any]:
    return {"length": len(request.data), "sum": sum(request.data), "type": request.content_type}


@socketio.on("block")
def block(seconds: float) -> float:
    """Block this thread, and tell when it began and when it ended."""
    emit("started")
    time.sleep(seconds)
    return time.time()


@socketio.on("burn")
def burn(seconds: float) -> float:
    """Keep the interpreter busy with pure Python."""
    emit("started")
    end = time.monotonic() + seconds
    count = 0
    while time.monotonic() < end:
        for number in range(1000):
            count += number * number % 7
    return time.time()


@socketio.on("echo")
def echo(*args: Any) -> tuple[Any, ...]:
    emit("echo", args)
    return args


@socketio.on("lane")
def lane() -> str:
    return lane_of(socketio, request.sid) if is_ours else ""


@socketio.on("begin")
def begin() -> None:
    """From now on the ticker sends numbered text and bytes to the caller."""
    with guard:
        ticks[request.sid] = 0
        arrived[request.sid] = []


@socketio.on("up")
def up(number: int, payload: str | bytes) -> None:
    """Note a numbered message and send it back."""
    arrived[request.sid].append([number, payload.hex() if isinstance(payload, bytes) else payload])
    emit("down", (number, payload))


@socketio.on("finish")
def finish() -> dict[str, Any]:
    """Stop the ticker for the caller; tell how many ticks there were, what has arrived, and over which lane."""
    with guard:
        count = ticks.pop(request.sid)
    return {"ticks": count, "arrived": arrived.pop(request.sid), "lane": lane()}


def tick() -> None:
    while True:
        socketio.sleep(0.02)
        with guard:
            for sid, number in ticks.items():
                payload = f"tick {number}" if number % 2 else b"tick %d" % number
                socketio.emit("tick", (number, payload), to=sid)
                ticks[sid] = number + 1


@socketio.on("note")
def note(value: Any) -> None:
    notes.setdefault(request.sid, []).append(value)


@socketio.on("note_twice")
def note_twice(value: Any, pause: float) -> None:
    """Note the beginning and the end of this handler."""
    note(["begins", value])
    time.sleep(pause)
    note(["ends", value])


@socketio.on("notes")
def noted() -> list[Any]:
    return notes.pop(request.sid, [])


@socketio.on("emit_many")
def emit_many(count: int) -> str:
    for number in range(count):
        emit("number", number if number % 2 else bytes([number]))
    return "acked"


@socketio.on("emit_slowly")
def emit_slowly(count: int, pause: float) -> str:
    for number in range(count):
        emit("step", number)
        time.sleep(pause)
    return "acked"


@socketio.on("join_and_tell")
def join_and_tell(rounds: int) -> None:
    """Enter a room, tell it something, leave it, tell it something else: again and again."""
    for number in range(rounds):
        join_room("inside")
        emit("told", ("inside", number), to="inside")
        leave_room("inside")
        emit("told", ("outside", number), to="inside")


@socketio.on("join_from_a_thread")
def join_from_a_thread(rounds: int) -> None:
    """The same from a plain thread, with the calls that name the client."""
    sid = request.sid

    def enter_and_tell() -> None:
        with app.app_context():
            for number in range(rounds):
                join_room(f"room {number}", sid=sid, namespace="/")
                socketio.emit("told", ("inside", number), to=f"room {number}")

    thread = threading.Thread(target=enter_and_tell)
    thread.start()
    thread.join()


@socketio.on("emit_from_threads")
def emit_from_threads(count: int, lines: int) -> None:
    sid = request.sid

    def speak(name: int) -> None:
        for number in range(lines):
            socketio.emit("line", (name, number), to=sid)

    threads = [threading.Thread(target=speak, args=[name]) for name in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@socketio.on("emit_in_the_background")
def emit_in_the_background(count: int) -> None:
    def speak(sid: str) -> None:
        for number in range(count):
            socketio.sleep(0.01)
            socketio.emit("later", number, to=sid)

    socketio.start_background_task(speak, request.sid)


if __name__ == "__main__":
    socketio.start_background_task(tick)
    original: dict[str, Any] = {} if is_ours else {"allow_unsafe_werkzeug": True}
    socketio.run(app, host="127.0.0.1", port=int(os.environ.get("PORT", "0")), **original)
