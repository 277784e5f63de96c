"""What the Python API offers beyond functions as handlers, for a real client to try."""

import asyncio
import os
from typing import Any

from flask import Flask, request, session

from flask_socketio import ConnectionRefusedError, Namespace, SocketIO, call

app = Flask(__name__)
app.config["SECRET_KEY"] = "only a test"
socketio = SocketIO(app)
seen: list[Any] = []


@app.get("/seen")
def get_seen() -> list[Any]:
    return seen


class Room(Namespace):
    def on_connect(self, auth: Any) -> None:
        seen.append(["connect", auth])

    def on_disconnect(self, reason: str) -> None:
        seen.append(["disconnect", reason])

    def on_echo(self, *args: Any) -> tuple[Any, ...]:
        self.emit("echoed", list(args), room=request.sid)
        return args

    async def on_later(self, value: Any) -> Any:
        await asyncio.sleep(0.01)
        return value

    def on_enter(self, room: str) -> list[str]:
        self.enter_room(request.sid, room)
        return sorted(self.rooms(request.sid), key=len)

    def on_kick(self) -> None:
        self.disconnect(request.sid)

    def on_fail(self) -> None:
        raise KeyError("of the class")

    def error(self, exc: BaseException) -> str:
        return f"error() of the class: {exc!r} in {request.event['message']}"


class Shouting(Namespace):
    """Overrides the dispatching."""

    def trigger_event(self, event: str, *args: Any) -> Any:
        if event == "connect":
            sid, environ, auth = args
            return "PATH_INFO" in environ and (auth or {}).get("loud", True) and sid == request.sid
        seen.append([event, *args[1:]])
        return super().trigger_event(event.lower(), *args)

    def on_echo(self, text: str) -> str:
        return text


class Closed(Namespace):
    """Its error() swallows everything; that must let nobody in."""

    def on_connect(self) -> None:
        raise ConnectionRefusedError("closed", 7)

    def error(self, exc: BaseException) -> None:
        seen.append("must not be called")


class Broken(Namespace):
    def on_connect(self) -> None:
        raise ZeroDivisionError("an error of the connect handler")

    def error(self, exc: BaseException) -> bool:
        seen.append(repr(exc))
        return True


for instance in (Room("/room"), Shouting("/shout"), Closed("/closed"), Broken("/broken")):
    socketio.on_namespace(instance)


@socketio.on("function", namespace="/room")
def function_beside_the_class() -> str:
    return "function"


@socketio.on("fail")
def fail(value: int) -> float:
    return 1 / value


@socketio.on("fail", namespace="/unhandled")
def fail_unhandled() -> None:
    raise ZeroDivisionError("an error of nobody's")


@socketio.on_error()
def on_error(exc: BaseException) -> list[Any]:
    return [type(exc).__name__, request.event["message"], request.event["args"]]


@socketio.on("ask")
def ask(question: Any) -> list[Any]:
    """Call back the client that calls."""
    return ["you said", call("question", question, timeout=5)]


@socketio.on("ask-async")
async def ask_async(question: Any) -> Any:
    try:
        call("question", question)
    except RuntimeError as error:
        refused = str(error)
    answer = await asyncio.to_thread(socketio.call, "question", question, to=request.sid, timeout=5)
    return [refused, answer]


@socketio.on("ask-in-vain")
def ask_in_vain() -> str:
    try:
        call("silence", timeout=0.2)
    except TimeoutError as error:
        return f"{type(error).__module__}: {error}"
    return "answered"


@socketio.on("ask-everybody")
def ask_everybody() -> str:
    try:
        socketio.call("question")
    except ValueError as error:
        return str(error)
    return "asked"


@socketio.on("session")
def count() -> int:
    session["count"] = session.get("count", 0) + 1
    return session["count"]


if __name__ == "__main__":
    socketio.run(app, port=int(os.environ.get("PORT", "0")))
