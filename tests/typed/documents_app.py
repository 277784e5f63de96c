"""An application of which documents are made: names and types of every kind."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal, NotRequired, TypedDict

import msgspec
import pydantic
from flask import Flask

from flask_socketio import Namespace, SocketIO

if TYPE_CHECKING:
    from decimal import Decimal

app = Flask("documented")
socketio = SocketIO(app)


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Point(TypedDict):
    x: int
    y: NotRequired[float | None]


class Circle(msgspec.Struct, tag=True):
    centre: Point
    radius: float


class Line(msgspec.Struct, tag=True):
    points: list[Point]


@dataclass
class Drawing:
    """What somebody has drawn. */ Not the end."""

    shapes: list[Circle | Line]
    colour: Colour = Colour.RED
    labels: dict[str, str] = field(default_factory=dict)
    picture: bytes | None = None
    when: datetime | None = None
    inner: list[Drawing] = field(default_factory=list)


class Person(pydantic.BaseModel):
    first_name: str = pydantic.Field(alias="first-name", description="As on the passport.")
    friends: list[Person] = []


@dataclass
class Auth:
    token: str


@socketio.on("draw")
def draw(room: str, drawing: Drawing) -> tuple[int, Point]:
    """Put a drawing into a room.

    It stays there.
    """
    return 1, {"x": 1}


@socketio.on('a name, with "signs"')
async def odd(default: int, new: Literal["a", "b"] = "a") -> None: ...


@socketio.on("消息")
def message(person: Person) -> Person:
    return person


@socketio.on("old")
def old(data, more=None):  # type: ignore[no-untyped-def]
    return data


@socketio.on("hidden")
def hidden(value: Decimal, *rest: int) -> Any: ...


@socketio.on("*")
def anything(event: str, *args: Any) -> None: ...


@socketio.on_error("/")
def on_error(error: Exception) -> None: ...


class Chat(Namespace):
    def on_connect(self, auth: Auth) -> None: ...

    async def on_draw(self, drawing: Drawing) -> bool:
        return True

    def on_disconnect(self, reason: str) -> None: ...


socketio.on_namespace(Chat("/chat-room"))
socketio.sends("draw", Drawing)
socketio.sends("moved", tuple[int, Point])
socketio.sends("tick")
socketio.sends("question", Person, answer=Literal["yes", "no"], namespace="/chat-room")
