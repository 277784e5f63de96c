"""The Flask app that the Socket.IO tests talk to. It uses the public API only, as any app would.

From the environment: ``PORT``, and ``SOCKETIO_OPTIONS``, the arguments of `SocketIO` as a JSON object.

What ran is kept in a journal, which the tests read over HTTP: an event that must not reach the app leaves no line.
"""

from __future__ import annotations

import asyncio
import builtins
import gc
import json
import os
import threading
from collections import Counter, defaultdict
from typing import Any

from flask import Flask, jsonify
from flask import request as flask_request

from flask_socketio import (
    ConnectionRefusedError,
    SocketIO,
    close_room,
    disconnect,
    emit,
    join_room,
    leave_room,
    rooms,
)
from tests.kit.lane import lane_of, serve

app = Flask(__name__)
socketio = SocketIO(app, **json.loads(os.environ.get("SOCKETIO_OPTIONS", "{}")))
request: Any = flask_request

journal: dict[str, list[str]] = defaultdict(list)
runs: Counter[str] = Counter()
gates: dict[str, threading.Event] = defaultdict(threading.Event)
async_gates: dict[str, tuple[asyncio.AbstractEventLoop, asyncio.Event]] = {}
pending: dict[str, str] = {}
sid_known = threading.Condition()


def record(what: str) -> None:
    """Note that a handler ran, for its client and in total."""
    journal[request.sid].append(what)
    runs[what.split(":")[0]] += 1


# Handlers of "/" and "/custom"


def on_connect(auth: Any) -> None:
    record("connect")
    emit("auth", auth or {})


def on_disconnect(reason: str) -> None:
    record(f"disconnect:{reason}")


def on_message(*args: Any) -> None:
    record("message")
    emit("message-back", args)


def on_message_with_ack(*args: Any) -> tuple[Any, ...]:
    record("message-with-ack")
    return args


def on_echo(*args: Any) -> None:
    record("echo")
    emit("echo", args)


async def on_async_echo(*args: Any) -> None:
    record("async-echo")
    emit("async-echo", args)


def on_ack(kind: str) -> Any:
    """Return what the caller names; None is acknowledged too, without arguments."""
    record("ack")
    values = {"value": "v", "list": [1, 2], "tuple": (1, 2), "bytes": b"\x01\x02", "zero": 0}
    return values.get(kind)


def on_emit_then_ack() -> str:
    record("emit-then-ack")
    emit("first")
    return "second"


def on_ask(*args: Any) -> None:
    """Ask the client a question; its answer goes back to it as an event."""
    record("ask")
    sid, namespace = request.sid, request.namespace

    def answered(*answer: Any) -> None:
        runs["answered"] += 1
        socketio.emit("answered", answer, to=sid, namespace=namespace)

    emit("question", args, callback=answered)


def on_join(room: str) -> None:
    record("join")
    join_room(room)


def on_leave(room: str) -> None:
    record("leave")
    leave_room(room)


def on_close_room(room: str) -> None:
    record("close-room")
    close_room(room)


def on_rooms() -> list[str]:
    record("rooms")
    return sorted(rooms())


def on_tell(to: str, *args: Any) -> None:
    record("tell")
    emit("told", args, to=to)


def on_tell_others(to: str, *args: Any) -> None:
    record("tell-others")
    emit("told", args, to=to, include_self=False)


def on_tell_all(*args: Any) -> None:
    record("tell-all")
    emit("told", args, broadcast=True)


def on_kick() -> None:
    record("kick")
    disconnect()


def on_wait(token: str) -> None:
    record("wait")
    gates[token].wait(10)
    record("waited")


async def on_async_wait(token: str, *load: str) -> None:
    """Wait without a thread."""
    record("async-wait")
    gate = async_gates.setdefault(token, (asyncio.get_running_loop(), asyncio.Event()))
    await gate[1].wait()


async def on_async_cancelled() -> None:
    """Await something that has been given up."""
    record("async-cancelled")
    task = asyncio.get_running_loop().create_task(asyncio.sleep(60))
    task.cancel()
    await task


def on_flood(count: int, size: int) -> None:
    """Emit more than a client that does not read can be sent."""
    record("flood")
    for _ in range(count):
        emit("drop", "x" * size)


def on_ask_often(count: int) -> None:
    """Ask many questions; the number of each one that is answered goes back as an event."""
    record("ask-often")
    sid = request.sid

    def ask(number: int) -> None:
        emit("question", callback=lambda: socketio.emit("answered", number, to=sid))

    for number in range(count):
        ask(number)


HANDLERS = {
    "connect": on_connect,
    "disconnect": on_disconnect,
    "message": on_message,
    "message-with-ack": on_message_with_ack,
    "echo": on_echo,
    "async-echo": on_async_echo,
    "ack": on_ack,
    "emit-then-ack": on_emit_then_ack,
    "ask": on_ask,
    "join": on_join,
    "leave": on_leave,
    "close-room": on_close_room,
    "rooms": on_rooms,
    "tell": on_tell,
    "tell-others": on_tell_others,
    "tell-all": on_tell_all,
    "kick": on_kick,
    "wait": on_wait,
    "async-wait": on_async_wait,
    "async-cancelled": on_async_cancelled,
    "flood": on_flood,
    "ask-often": on_ask_often,
}
for served in ("/", "/custom"):
    for name, handler in HANDLERS.items():
        socketio.on_event(name, handler, namespace=served)
for number in range(101):
    socketio.on_event("echo", on_echo, namespace=f"/{number}")


# "/refuse": refuses in every way there is


@socketio.on("connect", namespace="/refuse")
def refuse(auth: Any) -> bool:
    record("connect")
    how = auth["how"]
    if how == "error":
        raise RuntimeError("this connect handler fails on purpose")
    if how == "builtin":
        raise builtins.ConnectionRefusedError("the builtin of the same name")
    if how == "emit":
        join_room("refused")
        emit("leaked", 1)
    if isinstance(how, list):
        raise ConnectionRefusedError(*how)
    return how == "accept"


@socketio.on("disconnect", namespace="/refuse")
def refused_left(reason: str) -> None:
    record(f"disconnect:{reason}")


# "/slow": accepts or refuses when a test says so


@socketio.on("connect", namespace="/slow")
def slow_connect(auth: Any) -> bool:
    record("begin")
    token = auth["token"]
    join_room(f"slow-{token}")
    emit("early", token)
    with sid_known:
        pending[token] = request.sid
        sid_known.notify_all()
    gates[token].wait(10)
    record("end")
    return not auth.get("refuse")


@socketio.on("echo", namespace="/slow")
def slow_echo(*args: Any) -> None:
    record("echo")
    emit("echo", args)


@socketio.on("connect", namespace="/flood")
def flood_connect(auth: Any) -> None:
    for number in range(auth["count"]):
        emit("number", (number, "x" * auth["size"], b"%d" % number, b"%d" % number))


@socketio.on("disconnect", namespace="/slow")
def slow_left(reason: str) -> None:
    record(f"disconnect:{reason}")


# What the tests ask over HTTP


@app.get("/")
def index() -> str:
    return "index"


@app.get("/collect")
def collect() -> str:
    """Of what only the garbage collector could free, how much belongs to connections.

    From now on it works at these requests alone. Werkzeug's routing leaves something of its own with every page.
    """
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    gc.collect()
    gc.set_debug(0)
    modules = [type(item).__module__.split(".")[0] for item in gc.garbage]
    gc.garbage.clear()
    return str(sum(map(modules.count, ("flask_socketio", "uvicorn", "uvloop", "picows"))))


@app.get("/runs")
def get_runs() -> Any:
    """How often handlers ran, by name, beside those of "disconnect"."""
    return jsonify({what: count for what, count in runs.items() if what != "disconnect"})


@app.get("/counters")
def get_counters() -> Any:
    return jsonify(socketio.server.counters())


@app.get("/journal/<sid>")
def get_journal(sid: str) -> Any:
    return jsonify(journal.get(sid, []))


@app.get("/lane/<sid>")
def get_lane(sid: str) -> str:
    """The class that serves the session; `sid` is the Engine.IO id."""
    return lane_of(socketio, sid)


@app.get("/pending/<token>")
def get_pending(token: str) -> str:
    """The sid of the client whose connect handler waits for `token`."""
    with sid_known:
        assert sid_known.wait_for(lambda: token in pending, 10)
        return pending[token]


@app.get("/release/<token>")
def release(token: str) -> str:
    """Let the handler that waits for `token` go on."""
    gates[token].set()
    if token in async_gates:
        loop, gate = async_gates[token]
        loop.call_soon_threadsafe(gate.set)
    return "released"


@app.get("/emit")
def emit_from_a_view() -> str:
    """Emit from outside a handler, to a room, a sid or everybody."""
    args = request.args
    socketio.emit("told", args["text"], to=args.get("to"), namespace=args.get("namespace", "/"))
    return "emitted"


@app.get("/numbers/<room>/<int:first>/<int:count>/<int:size>")
def emit_numbers(room: str, first: int, count: int, size: int) -> str:
    """Events with a number each, a text, and two attachments with the number in them."""
    for number in range(first, first + count):
        data = b"%d" % number
        socketio.emit("number", (number, "x" * size, data, data), to=room)
    return "emitted"


@app.get("/call/<sid>")
def call_from_a_view(sid: str) -> Any:
    """Ask a client, and wait for its answer."""
    return jsonify(socketio.call("question", to=sid, timeout=10))


if __name__ == "__main__":
    if os.environ.get("LANE") == "asgi":
        serve(socketio.asgi_app(app), int(os.environ.get("PORT", "0")))
    else:
        socketio.run(app, host="127.0.0.1", port=int(os.environ.get("PORT", "0")))
