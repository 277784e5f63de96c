"""The app that is attacked, on Flask-Duplex and on Flask-SocketIO alike: it uses what both have.

From the environment: ``PORT``; ``OPTIONS``, the arguments of `SocketIO` as a JSON object; ``SERVER=asgi``, to be served
by uvicorn's own protocols instead of `socketio.run()`.
"""

import gc
import json
import logging
import os
import sys
import threading
import time
from collections import Counter
from typing import Any

from flask import Flask, request

from flask_socketio import SocketIO, close_room, disconnect, emit, join_room, leave_room, rooms

# A line for each request is not what is measured.
logging.getLogger("werkzeug").addFilter(lambda record: "HTTP/1." not in record.getMessage())

app = Flask(__name__)
socketio = SocketIO(app, **json.loads(os.environ.get("OPTIONS", "{}")))
is_ours = hasattr(socketio, "asgi_app")
#: clients whose disconnect handler ran, and those of which it did so more than once; the newest of them, by their ids:
#: what all took that have come and gone would pass for the server's
gone: Counter[str] = Counter()
newest: dict[str, None] = {}
lock = threading.Lock()
_MOST = 1_000


@app.get("/")
def index() -> str:
    return "a page"


@app.post("/upload")
def upload() -> str:
    return str(len(request.get_data()))


@app.get("/large")
def large() -> bytes:
    return bytes(8_000_000)


@app.get("/state")
def state() -> dict[str, Any]:
    """What the process holds, and has counted."""
    gc.collect()
    counters: dict[str, Any] = socketio.server.counters() if is_ours else {}
    return {
        "threads": threading.active_count(),
        "objects": len(gc.get_objects()),
        "gone": gone["once"],
        "gone_twice": gone["twice"],
        "counters": counters,
    }


@socketio.on("disconnect")
def on_disconnect(*reason: str) -> None:
    with lock:
        gone["twice" if request.sid in newest else "once"] += 1
        newest[request.sid] = None
        if len(newest) > _MOST:
            del newest[next(iter(newest))]


@socketio.on("echo")
def on_echo(*args: Any) -> None:
    emit("echo", args)


@socketio.on("last")
def on_last() -> str:
    return "heard"


@socketio.on("sid")
def on_sid() -> str:
    return request.sid


@socketio.on("nothing")
def on_nothing(*args: Any) -> None:
    """Takes what comes."""


@socketio.on("work")
def on_work() -> None:
    """Something that takes a millisecond."""
    end = time.perf_counter() + 0.001
    while time.perf_counter() < end:
        pass


@socketio.on("join")
def on_join(room: str) -> None:
    join_room(room)


@socketio.on("shout")
def on_shout(count: int, paused: str, every: int, size: int) -> None:
    """Numbered messages for one client, and each so-manieth for all, from a thread of its own."""

    def speak() -> None:
        text = "x" * size
        for number in range(count):
            socketio.emit("told", (number, text), to=paused)
            if number % every == 0:
                socketio.emit("number", (number // every, text), to="listeners")
                time.sleep(0.003)  # they are no faster: what waits for them is not what is measured
        socketio.emit("over", to="listeners")

    threading.Thread(target=speak, daemon=True).start()


@socketio.on("threads")
def on_threads(sids: list[str], rounds: int, switch: float) -> list[str]:
    """A thread for each of these clients, which it disconnects half-way; returns what was not as it has to be."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(switch)
    wrong: list[str] = []
    caller = request.sid
    threads = [
        threading.Thread(target=mingle, args=[caller, name, sid, rounds, wrong])
        for name, sid in enumerate(sids)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.setswitchinterval(before)
    return wrong


def mingle(caller: str, name: int, other: str, rounds: int, wrong: list[str]) -> None:
    """Have the caller in a room of this thread's and out of it, and tell it something each time."""
    room = f"room {name}"
    with app.app_context():
        for number in range(rounds):
            join_room(room, sid=caller, namespace="/")
            socketio.emit("inside", (name, number), to=room)
            leave_room(room, sid=caller, namespace="/")
            socketio.emit("outside", (name, number), to=room)
            if number % 50 == 0:
                wrong += look(caller, room, number)
            if number == rounds // 2:
                disconnect(other, namespace="/")


def look(caller: str, room: str, number: int) -> list[str]:
    """Whether a thread sees at once what it does."""
    wrong: list[str] = []
    join_room(room, sid=caller, namespace="/")
    if room not in rooms(sid=caller, namespace="/"):
        wrong.append(f"{room} is not there after {number}")
    close_room(room, namespace="/")
    if room in rooms(sid=caller, namespace="/"):
        wrong.append(f"{room} is still there after {number}")
    return wrong


if is_ours:
    import asyncio

    @socketio.on("tasks")
    async def on_tasks() -> int:
        return len(asyncio.all_tasks())


def main() -> None:
    port = int(os.environ.get("PORT", "0"))
    if os.environ.get("SERVER") == "asgi":
        import uvicorn

        uvicorn.run(
            socketio.asgi_app(app),
            port=port,
            ws="websockets-sansio",
            ws_ping_interval=0,
            ws_max_size=1_000_000,
            access_log=False,
        )
    else:
        original: dict[str, Any] = {} if is_ours else {"allow_unsafe_werkzeug": True}
        socketio.run(app, port=port, **original)


if __name__ == "__main__":
    main()
