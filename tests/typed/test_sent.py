"""Models on their way out: in acks, in emits, and in events that were declared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
import pydantic
import pytest
from flask import Flask

from flask_socketio import SocketIO, SocketIOTestClient, emit
from flask_socketio.errors import PayloadError

WHEN = datetime(2024, 5, 6, tzinfo=UTC)


class Struct(msgspec.Struct, rename="camel"):
    first_name: str
    data: bytes = b"\x00\xff"


class Person(pydantic.BaseModel):
    first_name: str = pydantic.Field(alias="firstName")


@dataclass
class Said:
    text: str
    when: datetime


class Both(pydantic.BaseModel):
    said: Said


Made = tuple[SocketIO, SocketIOTestClient]


@pytest.fixture(params=["default", "msgpack"])
def made(request: pytest.FixtureRequest) -> Made:
    app = Flask(__name__)
    socketio = SocketIO(app, serializer=request.param)
    return socketio, socketio.test_client(app)


STRUCT = {"firstName": "Ada", "data": b"\x00\xff"}


def test_structs_and_models_are_what_their_fields_are(made: Made) -> None:
    socketio, client = made

    @socketio.on("it")
    def it() -> Any:
        emit("emitted", {"all": [Struct("Ada"), Person(firstName="Ada")]})
        return Struct("Ada")

    assert client.emit("it", callback=True) == STRUCT
    (received,) = client.get_received()
    assert received["args"] == [{"all": [STRUCT, {"firstName": "Ada"}]}]


def test_a_provider_of_the_applications_has_the_first_word() -> None:
    app = Flask(__name__)

    class Json(type(app.json)):  # type: ignore[misc]
        @staticmethod
        def default(value: Any) -> Any:
            if isinstance(value, Struct):
                return "mine"
            raise TypeError("not mine")

    app.json = Json(app)
    socketio = SocketIO(app)
    client = socketio.test_client(app)
    socketio.emit("it", [Struct("Ada"), Person(firstName="Ada")])
    assert client.get_received()[0]["args"] == [["mine", {"firstName": "Ada"}]]


@pytest.mark.parametrize(
    ("declare", "data", "args"),
    [
        (lambda s: s.sends("it", Said), Said("a", WHEN),
         [{"text": "a", "when": "2024-05-06T00:00:00Z"}]),
        (lambda s: s.sends("it", list[Struct]), [Struct("Ada")], [[STRUCT]]),
        (lambda s: s.sends("it", tuple[int, Said]), (1, Said("a", WHEN)),
         [1, {"text": "a", "when": "2024-05-06T00:00:00Z"}]),
        (lambda s: s.sends("it", Both), Both(said=Said("a", WHEN)),
         [{"said": {"text": "a", "when": "2024-05-06T00:00:00Z"}}]),
        (lambda s: s.sends("it", int), 5, [5]),
        (lambda s: s.sends("it"), None, []),
    ],
)  # fmt: skip
def test_declared_events(
    made: Made, declare: Callable[[SocketIO], Any], data: Any, args: list[Any]
) -> None:
    socketio, client = made
    declare(socketio).emit(data)
    (received,) = client.get_received()
    assert (received["name"], received["args"]) == ("it", args)


def test_to_whom(made: Made) -> None:
    socketio, client = made
    event = socketio.sends("it", int, namespace="/chat")
    socketio.on_event("connect", lambda: None, namespace="/chat")
    client.connect("/chat")
    other = socketio.test_client(client.app, "/chat")
    event.emit(1)
    event.emit(2, to="nobody")
    found = [[item["args"] for item in each.get_received("/chat")] for each in (client, other)]
    assert found == [[[1]], [[1]]]


def test_what_a_client_answers(made: Made) -> None:
    socketio, client = made
    question = socketio.sends("question", str, answer=Said)
    answers: list[Any] = [{"text": "yes", "when": WHEN.isoformat()}, {"text": 5}]
    sids: list[str] = []

    @socketio.on("ask")
    def ask() -> str:
        from flask_socketio import request

        sids.append(request.sid)
        return question.call("really?", to=request.sid).text

    client.on("question", lambda text: answers.pop(0))
    assert client.emit("ask", callback=True) == "yes"
    answers.append(answers[0])
    for asks in (False, True):  # its own payload was right: it is not told that it was not
        with pytest.raises(PayloadError, match="argument 'answer'") as raised:
            client.emit("ask", callback=asks)
        assert raised.value.is_answer


def test_declarations_are_kept() -> None:
    socketio = SocketIO()
    event = socketio.sends("it", Said)
    assert socketio.sent_events == [event]
    assert repr(event) == "<Event 'it' in namespace '/'>"
    with pytest.raises(TypeError, match="an event's name is a str"):
        socketio.sends(5)  # type: ignore[call-overload]
