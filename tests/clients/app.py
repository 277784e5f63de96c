"""The app that real clients talk to, written with the public API that Flask-SocketIO's users know.

Whatever a client sends comes back in every shape a test asks for: as an event, as an ack, or as an answer to a
question of the server's.
"""

import os
from typing import Any

from flask import Flask, jsonify, render_template, request

from flask_socketio import ConnectionRefusedError, SocketIO, disconnect, emit, join_room
from tests.kit.lane import lane_of

app = Flask(__name__)
app.config["SECRET_KEY"] = "only a test"
# python-socketio's client now and then forgets to say goodbye over polling, and then waits for the next ping.
socketio = SocketIO(app, ping_interval=3)

visitors: dict[tuple[str, str], str] = {}
farewells: dict[str, list[str]] = {}


@app.get("/")
def page() -> str:
    return render_template("page.html")


@app.get("/module")
def module_page() -> str:
    return render_template("module.html")


@app.get("/farewells/<name>")
def farewells_of(name: str) -> Any:
    """The namespaces that a visitor has left so far, each with the reason."""
    return jsonify(farewells.get(name, []))


def greet(auth: Any) -> None:
    """Accept a visitor, or refuse one whose auth says `{"token": "wrong"}`."""
    auth = auth or {}
    if auth.get("token") == "wrong":
        raise ConnectionRefusedError("not welcome", {"code": 7, "why": "令牌"})
    if "name" in auth:
        visitors[request.namespace, request.sid] = auth["name"]
    emit("welcome", {"namespace": request.namespace, "auth": auth})


def part(reason: str) -> None:
    name = visitors.pop((request.namespace, request.sid), None)
    if name is not None:
        farewells.setdefault(name, []).append(f"{request.namespace} {reason}")


def echo(*args: Any) -> tuple[Any, ...]:
    """Send the arguments back twice: as an event, then as the ack."""
    emit("echo", args)
    return args


def describe(value: dict[str, Any]) -> dict[str, Any]:
    """Tell which Python types arrived, and the bytes in hex."""
    blob, deep = value["blob"], value["list"][1]["deep"]
    return {
        "types": [type(blob).__name__, type(deep).__name__],
        "hex": [blob.hex(), deep.hex()],
        "text": value["text"],
    }


def gift() -> None:
    """Bytes that the server made, nested in an object, and a second argument that is nothing but bytes."""
    emit("gift", ({"name": "ключ", "inner": [{"blob": bytes(range(256))}, 1]}, b"\x00\xff\x00"))


def ask(question: Any) -> None:
    """Ask the client, then send it what it answered."""
    emit("question", question, callback=answered)


def answered(*answer: Any) -> None:
    emit("answered", answer)


def lane() -> str:
    return lane_of(socketio, request.sid)


def connections() -> int:
    """How many visitors of the caller's name are here, over all namespaces."""
    return list(visitors.values()).count(visitors[request.namespace, request.sid])


def enter(room: str) -> None:
    join_room(room)


def tell(room: str, message: Any) -> None:
    emit("told", message, to=room)


def leave_me() -> None:
    disconnect()


for namespace in ("/", "/chat"):
    socketio.on_event("connect", greet, namespace=namespace)
    socketio.on_event("disconnect", part, namespace=namespace)
    for handler in (echo, describe, gift, ask, lane, connections, enter, tell, leave_me):
        socketio.on_event(handler.__name__, handler, namespace=namespace)


@socketio.on("message")
def message(data: Any) -> None:
    socketio.send(data, to=request.sid)


@socketio.on("whoami", namespace="/chat")
def whoami() -> list[str]:
    return [request.namespace, request.event["message"]]


asgi = socketio.asgi_app(app)

if __name__ == "__main__":
    socketio.run(app, host="127.0.0.1", port=int(os.environ.get("PORT", "0")))
