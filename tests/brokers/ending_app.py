# ruff: noqa: E402 - patching comes first
"""A server with a message queue, which says at its end what threads for the queue are left, green ones included."""

import os
import warnings

warnings.simplefilter("ignore")  # eventlet says of itself that it should not be used

if os.environ["LIBRARY"] == "gevent":
    from gevent import monkey

    monkey.patch_all()
elif os.environ["LIBRARY"] == "eventlet":
    import eventlet

    eventlet.monkey_patch()

import gc
import logging
import sys
import threading
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any

from flask import Flask

from flask_socketio import SocketIO

logging.basicConfig()

app = Flask(__name__)
socketio = SocketIO(app, message_queue=os.environ["QUEUE"], channel=os.environ["CHANNEL"])


@app.get("/counters")
def counters() -> dict[str, Any]:
    return socketio.server.counters()


def stacks() -> Iterator[FrameType | None]:
    yield from list(sys._current_frames().values())
    if greenlet := sys.modules.get("greenlet"):
        for item in gc.get_objects():
            if issubclass(type(item), greenlet.greenlet):  # isinstance() would ask a dead proxy
                yield item.gr_frame


def is_of_the_queue(frame: FrameType | None) -> bool:
    while frame is not None:
        if "/flask_socketio/cluster/" in frame.f_code.co_filename:
            return True
        frame = frame.f_back
    return False


def left() -> tuple[int, list[str]]:
    names = [thread.name for thread in threading.enumerate() if "-listen" in thread.name]
    return sum(map(is_of_the_queue, stacks())), names


if __name__ == "__main__":
    socketio.run(app, port=int(os.environ["PORT"]))
    # The server waits for a broker's connection to close, for a second: on a busy machine that may take longer.
    deadline = time.monotonic() + 10
    while any(left()) and time.monotonic() < deadline:
        time.sleep(0.05)
    count, names = left()
    print(f"left: {count} {names}", flush=True)
