"""The application whose calls and bytecodes are counted; served by its public names alone.

    python -m benchmarks.count.app DESCRIPTOR OPTIONS

OPTIONS are those of `SocketIO()`, as JSON.

Every line that comes on the descriptor, a socket's, is answered when nothing runs any more: `settle` by an empty
line, `take` by what has been counted since the last `take`.
"""

from __future__ import annotations

import gc
import json
import os
import socket
import sys
import threading
from asyncio import TimerHandle
from collections.abc import Callable
from contextvars import Context

import uvloop
from flask import Flask

from flask_socketio import SocketIO, emit, join_room

from . import quiet, tally

_HOUR = 3600.0

app = Flask(__name__)
socketio = SocketIO(app, **json.loads(sys.argv[2]))


@app.get("/")
def page() -> str:
    return "Hello, world!"


@socketio.on("connect")
def connect() -> None:
    pass


@socketio.on("disconnect")
def disconnect() -> None:
    pass


@socketio.on("echo")
def echo(text: str) -> None:
    emit("echo", text)


@socketio.on("async echo")
async def async_echo(text: str) -> None:
    emit("echo", text)


@socketio.on("ack")
def ack(text: str) -> str:
    return text


@socketio.on("join")
def join() -> bool:
    join_room("all")
    return True


@socketio.on("shout")
def shout(text: str) -> None:
    emit("shout", text, to="all")


class Loop(uvloop.Loop):
    """Its timers are an hour late: what comes by time would be counted now and then."""

    def call_later(
        self,
        delay: float,
        callback: Callable[..., object],
        *args: object,
        context: Context | None = None,
    ) -> TimerHandle:
        return super().call_later(delay + _HOUR, callback, *args, context=context)


def stop_the_clock() -> None:
    uvloop.Loop = Loop  # what uvloop.new_event_loop() makes
    gc.disable()
    if hasattr(os, "eventfd"):
        del (
            os.eventfd
        )  # a thread that one wakes runs before or after who has done that, as the system likes


def answer(channel: socket.socket, counted: tally.Tally) -> None:
    """On a thread that is not counted, until the other end closes."""
    lines = channel.makefile("rw")
    for line in lines:
        # Threads take turns only where one has to wait, so always in the same places; run() has said otherwise.
        sys.setswitchinterval(_HOUR)
        quiet.wait_until_quiet(counted.total)
        lines.write((json.dumps(counted.take()) if line == "take\n" else "") + "\n")
        lines.flush()
    os._exit(0)  # its timers being late, the server would not notice a signal


def main() -> None:
    stop_the_clock()
    channel = socket.socket(fileno=int(sys.argv[1]))
    counted = tally.Tally({__file__})
    threading.Thread(target=answer, args=(channel, counted), daemon=True).start()
    counted.begin()
    socketio.run(app, port=0)


if __name__ == "__main__":
    main()
