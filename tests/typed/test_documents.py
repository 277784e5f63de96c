"""`flask socketio routes`, `asyncapi` and `typescript`, as people type them."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.typed.tsc import NODE_MODULES, tsc

HERE = Path(__file__).parent
FLASK = str(Path(sysconfig.get_path("scripts"), "flask"))


def command(*words: str, app: str = "documents_app", folder: Path = HERE) -> str:
    ended = subprocess.run(
        [FLASK, "--app", app, "socketio", *words], cwd=folder, capture_output=True, text=True, check=False
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    return ended.stdout


# -- routes ----------------------------------------------------------------------------------------


def test_a_table_of_the_handlers() -> None:
    lines = command("routes").splitlines()
    rows = {tuple(line.split()[:2]): line for line in lines[2:]}
    assert lines[0].split() == ["Namespace", "Event", "Handler", "Arguments", "Place"]
    draw = rows["/", "draw"]
    assert "  def draw  " in draw and "room: str, drawing: Drawing (checked)" in draw
    source = (HERE / "documents_app.py").read_text().splitlines()
    line = source.index('@socketio.on("draw")') + 1
    assert draw.endswith(f"  documents_app.py:{line}")
    assert "async def Chat.on_draw" in rows["/chat-room", "draw"]
    assert "auth: Auth (checked)" in rows["/chat-room", "connect"]
    assert "reason: str  " in rows["/chat-room", "disconnect"]
    assert "value: Decimal?, *rest: int  " in rows["/", "hidden"]
    assert "data, more = …  " in rows["/", "old"]
    assert "*args: Any  " in rows["/", "*"]
    assert "def on_error" in rows["/", "(error)"]


def test_the_same_for_programs() -> None:
    found = json.loads(command("routes", "--json"))
    (draw,) = [item for item in found if (item["namespace"], item["event"]) == ("/", "draw")]
    assert draw == {
        "namespace": "/", "event": "draw", "kind": "event", "handler": "draw", "async": False,
        "file": str(HERE / "documents_app.py"), "line": draw["line"],
        "arguments": [
            {"name": "room", "type": "str", "required": True, "variadic": False},
            {"name": "drawing", "type": "Drawing", "required": True, "variadic": False},
        ],
        "returns": "tuple[int, Point]", "checked": True,
    }  # fmt: skip
    assert {item["kind"] for item in found} == {"event", "connection", "catch-all", "error"}


def test_other_commands_do_not_load_the_package() -> None:
    code = (
        "import sys; from flask.cli import main\n"
        "try: main()\n"
        "except SystemExit: print('flask_socketio' in sys.modules)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, "socketio", "--help"], capture_output=True, text=True, check=True
    )  # fmt: skip
    assert ended.stdout.splitlines()[-1] == "False"
    assert all(name in ended.stdout for name in ("routes", "asyncapi", "typescript"))


# -- asyncapi --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def document() -> Any:
    return json.loads(command("asyncapi", "--title", "Drawing", "--api-version", "2.1"))


def test_it_is_what_the_specification_says(document: Any) -> None:
    schema = json.loads((NODE_MODULES / "@asyncapi/specs/schemas/3.0.0.json").read_bytes())
    jsonschema.Draft7Validator(schema).validate(document)
    assert document["info"] == {"title": "Drawing", "version": "2.1"}


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from references(item)


def test_its_references_lead_somewhere(document: Any) -> None:
    found = set(references(document))
    assert len(found) > 10
    for reference in found:
        target = document
        for step in reference.removeprefix("#/").split("/"):
            target = target[step]


def payload(document: Any, channel: str, message: str) -> jsonschema.Draft7Validator:
    schema = document["channels"][channel]["messages"][message]["payload"]
    return jsonschema.Draft7Validator({**schema, "components": document["components"]})


CIRCLE = {"type": "Circle", "centre": {"x": 1}, "radius": 2.5}


@pytest.mark.parametrize(
    ("channel", "message", "good", "bad"),
    [
        ("root", "receive.draw", ["r", {"shapes": [CIRCLE]}], ["r", {"shapes": [{"type": "Oval"}]}]),
        ("root", "receive.draw", ["r", {"shapes": [], "colour": "blue"}], ["r"]),
        ("root", "receive.draw.ack", [1, {"x": 1}], [1]),
        ("root", "receive.draw.ack", {"error": "invalid payload", "fields": []}, {"error": 5}),
        ("root", "receive.aNameWithSigns", [1], ["1"]),
        ("root", "receive.aNameWithSigns", [1, "b"], [1, "c"]),
        ("root", "receive.root", {"first-name": "Ada"}, {"first_name": "Ada"}),
        ("root", "receive.old", [{"any": "thing"}], []),
        ("root", "receive.hidden", [{}, 1, 2], [{}, "1"]),
        ("root", "send.moved", [1, {"x": 5}], [1, {"x": "5"}]),
        ("root", "send.tick", [], [1]),
        ("chatRoom", "send.question.ack", "yes", "perhaps"),
        ("chatRoom", "receive.draw.ack", True, "true"),
    ],
)  # fmt: skip
def test_payloads(document: Any, channel: str, message: str, good: Any, bad: Any) -> None:
    validator = payload(document, channel, message)
    validator.validate(good)
    assert not validator.is_valid(bad)


def test_acks_are_replies(document: Any) -> None:
    draw = document["operations"]["root.receive.draw"]
    assert draw["summary"] == "Put a drawing into a room."
    assert draw["reply"]["messages"] == [{"$ref": "#/channels/root/messages/receive.draw.ack"}]
    assert "reply" not in document["operations"]["root.receive.aNameWithSigns"]
    assert document["channels"]["chatRoom"]["address"] == "/chat-room"


# -- typescript ------------------------------------------------------------------------------------

PROGRAM = """
import { io, type Socket } from "socket.io-client";
import type {
  Auth, ChatRoomClientToServerEvents, ChatRoomConnectAuth, ChatRoomServerToClientEvents, ClientToServerEvents, Drawing,
  PersonInput, PersonOutput, Point, Refused, ServerToClientEvents,
} from "./events";

const socket: Socket<ServerToClientEvents, ClientToServerEvents> = io();
const auth: ChatRoomConnectAuth = { token: "x" };
const room: Socket<ChatRoomServerToClientEvents, ChatRoomClientToServerEvents> = io("/chat-room", { auth });
const shapes: Drawing["shapes"] = [{ type: "Circle", centre: { x: 1, y: null }, radius: 2 }];
const drawing: Drawing = { shapes, colour: "blue", labels: { a: "b" }, picture: new Uint8Array(2), inner: [] };
const person: PersonInput = { "first-name": "Ada", friends: [] };

socket.emit("draw", "r", drawing, (answer, second) => {
  const number: number | Refused = answer;
  const point: Point = second;
});
const answer: Promise<PersonOutput | Refused> = socket.emitWithAck("消息", person);
const timed: Promise<PersonOutput | Refused> = socket.timeout(5).emitWithAck("消息", person);
socket.emit('a name, with "signs"', 1);
socket.emit('a name, with "signs"', 1, "b");
socket.emit("old", { anything: 1 });
socket.emit("hidden", {}, 1, 2, 3);
socket.on("draw", (drawing) => { const shapes = drawing.shapes; });
socket.on("moved", (id, point) => { const n: number = id + point.x; });
socket.on("tick", () => {});
room.on("question", (person, ack) => ack("yes"));
room.emitWithAck("draw", drawing).then((drawn) => { const is: boolean | Refused = drawn; });

socket.emit("drew", drawing); // error
socket.emit("draw", drawing, () => {}); // error
socket.emit("draw", "r", { shapes: [{ type: "Oval" }] }, () => {}); // error
socket.emit("draw", "r", { shapes: [], colour: "green" }, () => {}); // error
socket.emit('a name, with "signs"', "1"); // error
socket.emit('a name, with "signs"', 1, "c"); // error
socket.emitWithAck("消息", { first_name: "Ada" }); // error
socket.emit("hidden", {}, "1"); // error
socket.on("moved", (id: string) => {}); // error
socket.on("moves", () => {}); // error
room.on("question", (person, ack) => ack("perhaps")); // error
io("/chat-room", { auth: { token: 5 } satisfies Auth }); // error
"""


def test_what_the_clients_generics_make_of_it(tmp_path: Path) -> None:
    (tmp_path / "events.ts").write_text(command("typescript"))
    (tmp_path / "program.ts").write_text(PROGRAM)
    wanted = [
        f"program.ts({number})"
        for number, line in enumerate(PROGRAM.splitlines(), 1)
        if line.endswith("// error")
    ]
    assert tsc(tmp_path, "program.ts") == wanted


def test_it_writes_a_file(tmp_path: Path) -> None:
    assert command("typescript", "--output", str(tmp_path / "events.ts")) == ""
    assert (tmp_path / "events.ts").read_text() == command("typescript")


TWO = """
from flask import Flask
from flask_socketio import SocketIO
import msgspec, pydantic

app = Flask("two")
socketio = SocketIO(app)

class Same(msgspec.Struct):
    number: int

socketio.sends("one", Same)
socketio.sends("two", pydantic.create_model("Same", name=(str, ...)))
"""


def test_two_types_of_one_name_are_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "two.py").write_text(TWO)
    ended = subprocess.run(
        [FLASK, "--app", "two", "socketio", "typescript"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 1
    assert ended.stderr == "Error: two types have the name Same: give one of them another\n"


@pytest.mark.parametrize("name", ["Refused", "Binary"])
def test_names_of_our_own(name: str, tmp_path: Path) -> None:
    (tmp_path / "two.py").write_text(TWO.replace("Same", name).split('socketio.sends("two')[0])
    ended = subprocess.run(
        [FLASK, "--app", "two", "socketio", "asyncapi"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 1
    assert (
        ended.stderr == f"Error: {name} is a name that the document needs: give the type another\n"
    )
