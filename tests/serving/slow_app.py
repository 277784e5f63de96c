"""Pages, with short deadlines: HEADER, RATE, KEEP_ALIVE from the environment, in seconds, and MIDDLEWARE."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

from flask import Flask, Response, request

from flask_socketio import SocketIO

app = Flask(__name__)
socketio = SocketIO(
    app,
    header_timeout=float(os.environ.get("HEADER", "1")),
    rate_timeout=float(os.environ.get("RATE", "1")),
    keep_alive_timeout=float(os.environ.get("KEEP_ALIVE", "1")),
    min_rate=1000,
)
#: how each upload has ended
ends: list[str] = []


@app.get("/")
def index() -> str:
    return "index"


@app.post("/upload")
def upload() -> str:
    try:
        size = len(request.get_data())
    except Exception as error:
        ends.append(type(error).__name__)
        raise
    return str(size)


@app.get("/large")
def large() -> Response:
    """A stream of more than any buffer holds."""

    def chunks() -> Iterator[bytes]:
        try:
            for _ in range(1000):
                yield bytes(65536)
        finally:
            ends.append("large")

    return Response(chunks())


@app.get("/whole")
def whole() -> bytes:
    return bytes(64_000_000)


@app.get("/events")
def events() -> Response:
    def chunks() -> Iterator[str]:
        for number in range(2):
            yield f"data: {number}\n\n"
            time.sleep(3)

    return Response(chunks(), mimetype="text/event-stream")


@app.get("/ends")
def get_ends() -> list[str]:
    return ends


@app.get("/counters")
def counters() -> dict[str, object]:
    return socketio.server.counters()


if __name__ == "__main__":
    socketio.run(app, port=int(os.environ.get("PORT", "0")))
