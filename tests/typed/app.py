"""Handlers with models of every kind, for real clients."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import NotRequired, TypedDict

import msgspec
import pydantic
from flask import Flask, jsonify

from flask_socketio import Namespace, SocketIO
from flask_socketio.errors import PayloadError

app = Flask(__name__)
socketio = SocketIO(app, typed_events=True)


@dataclass
class Photo:
    name: str
    data: bytes = b""


class Point(TypedDict):
    x: int
    y: int
    label: NotRequired[str]


class Line(msgspec.Struct):
    points: list[Point]


class Person(pydantic.BaseModel):
    name: str
    age: int


@dataclass
class Auth:
    token: str


@app.get("/counters")
def counters() -> object:
    return jsonify(socketio.server.counters())


@socketio.on("photo")
def photo(album: str, photo: Photo) -> tuple[str, int]:
    return f"{album}/{photo.name}", len(photo.data)


@socketio.on("later")
def later(value: Later) -> int:
    return value.number


@dataclass
class Later:
    """Written after the handler that takes it."""

    number: int


@socketio.on("point")
def point(point: Point) -> Point:
    return point


@socketio.on("line")
async def line(line: Line) -> Line:
    return Line(line.points[::-1])


@socketio.on("people")
def people(*people: Person) -> list[Person]:
    return sorted(people, key=lambda person: person.age)


@socketio.on("*")
def anything(event: str, point: Point) -> list[object]:
    return [event, point["x"]]


class Board(Namespace):
    def on_connect(self, auth: Auth) -> None:
        self.emit("welcome", auth.token)

    async def on_point(self, point: Point) -> int:
        return point["x"]


class Recorded(Namespace):
    def trigger_event(self, event: str, *args: object) -> object:
        return super().trigger_event(event, *args)

    def on_point(self, point: Point) -> int:
        return point["x"]


socketio.on_namespace(Board("/board"))
socketio.on_namespace(Recorded("/recorded"))


@socketio.on("point", namespace="/handled")
def handled(point: Point) -> None: ...


@socketio.on_error("/handled")
def on_error(error: PayloadError) -> dict[str, object]:
    return {"event": error.event, "said": str(error)}


if __name__ == "__main__":
    socketio.run(app, port=int(os.environ.get("PORT", "0")))
