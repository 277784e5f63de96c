"""Flask pages of all kinds, served beside Socket.IO."""

import hashlib
import io
import itertools
import os
import time
from collections.abc import Iterable, Iterator
from typing import Any

from flask import Flask, Response, request, send_file

from flask_socketio import SocketIO

app = Flask(__name__)
socketio = SocketIO(app)
ended: list[str] = []
counted: list[int] = []


@app.get("/")
def index() -> Response:
    response = Response("index")
    response.set_cookie("one", "1")
    response.set_cookie("two", "2")
    return response


@app.get("/environ")
def environ() -> dict[str, str]:
    return {key: str(value) for key, value in request.environ.items()}


@app.get("/at/<path:rest>")
def at(rest: str) -> str:
    return ascii(request.environ["PATH_INFO"])


@app.post("/digest")
def digest() -> str:
    if request.args.get("lines"):
        return str(len(list(request.stream)))
    return hashlib.sha256(request.get_data()).hexdigest()


@app.post("/ignore")
def ignore() -> str:
    return "not read"


@app.post("/form")
def form() -> str:
    file = request.files["file"]
    return f"{request.form['name']} {file.filename} {len(file.read())}"


@app.get("/large")
def large() -> Response:
    return Response(bytes([number % 251]) * 65536 for number in range(400))


@app.get("/endless")
def endless() -> Response:
    def chunks() -> Iterator[str]:
        try:
            for number in itertools.count():
                yield f"{number}\n"
                time.sleep(0.01)
        finally:
            ended.append("endless")

    return Response(chunks())


@app.get("/ended")
def get_ended() -> list[str]:
    return ended


@app.get("/error")
def error() -> str:
    raise ZeroDivisionError("an error of the view")


@app.get("/error-in-stream")
def error_in_stream() -> Response:
    def chunks() -> Iterator[str]:
        yield "begun\n"
        raise ZeroDivisionError("an error of the stream")

    return Response(chunks())


@app.get("/empty")
def empty() -> tuple[str, int]:
    return "", 204


@app.post("/count")
def count() -> str:
    counted.append(1)
    return f"counted {len(counted)}"


@app.get("/after/<float:seconds>/<text>")
def after(seconds: float, text: str) -> str:
    time.sleep(seconds)
    return text


@app.get("/few")
def few() -> Response:
    """A stream of three pieces."""

    def chunks() -> Iterator[str]:
        for number in range(3):
            yield f"piece {number}\n"
            time.sleep(0.05)

    return Response(chunks())


@app.get("/big")
def big() -> bytes:
    return bytes(200_000)


class Raw(Response):
    """An answer whose headers and body Werkzeug does not look at."""

    raw: list[tuple[str, str]]

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        start_response(self.status, self.raw)
        return self.response  # pyright: ignore[reportReturnType]


@app.get("/header/<kind>")
def header(kind: str) -> Response:
    response = Raw(["text"])
    name = request.args["name"]
    response.raw = [(name, "a\0b" if name == "X-NUL" else "2")]
    if kind == "whole":
        response.raw.append(("Content-Length", "4"))
    return response


@app.get("/bare/<int:status>")
def bare(status: int) -> Response:
    response = Raw(["body"], status=status)
    response.raw = [("Content-Length", "4")]
    return response


@app.get("/file")
def file() -> Response:
    return send_file(io.BytesIO(b"file"), mimetype="text/plain")


@app.get("/dated")
def dated() -> Response:
    return Response("file", headers={"Date": "Fri, 27 Nov 2026 08:00:00 GMT"})


@app.get("/counters")
def counters() -> dict[str, object]:
    return socketio.server.counters()


if __name__ == "__main__":
    socketio.run(app, port=int(os.environ.get("PORT", "0")))
