"""`flask socketio emit`: what a terminal emits, a client of a running server gets; what is lost, is told."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.terminal import FLASK, OURS, InFolder, typed
from tests.kit.broker import redis_server
from tests.kit.engine import EngineWebSocket
from tests.kit.ports import free_port

CHAT = Path(__file__).with_name("chat.py")
#: its own, where the broker is one that others use as well
CHANNEL = uuid.uuid4().hex
EMIT = [*FLASK, "--app", "chat", "socketio", "emit"]


@pytest.fixture(scope="module")
def queue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with redis_server(tmp_path_factory) as url:
        yield url


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("chat")
    shutil.copy(CHAT, folder)
    (folder / "picture").write_bytes(b"\x89\x00")
    return folder


@pytest.fixture(scope="module")
def server(queue: str, folder: Path) -> Iterator[InFolder]:
    command = [*FLASK, "--app", "chat", "socketio", "run", "--port", "0"]
    with InFolder(command, folder, {"QUEUE": queue, "CHANNEL": CHANNEL}) as server:
        yield server


@pytest.fixture
def client(server: InFolder) -> Iterator[EngineWebSocket]:
    """In the room `green`, and in `blue` of the namespace `/news`."""
    client = EngineWebSocket.open(server.address, "/socket.io/")
    for namespace, room in (("", "green"), ("/news,", "blue")):
        client.send(f"40{namespace}")
        client.recv()
        client.send(f'42{namespace}0["join","{room}"]')
        assert client.recv() == f'43{namespace}0["{room}"]'
    yield client
    client.leave()


@pytest.mark.parametrize(
    ("arguments", "packets"),
    [
        (["hello"], ['42["hello"]']),
        (["sum", "1", '"2"', "[3]", "null"], ['42["sum",1,"2",[3],null]']),
        (["empty", "null"], ['42["empty",null]']),
        (["color", "1", "--to", "green"], ['42["color",1]']),
        (["color", "2", "--to", "red", "--to", "green"], ['42["color",2]']),
        (["color", "3", "-n", "news", "--to", "blue"], ['42/news,["color",3]']),
        (["picture", "@picture", '{"a": "é"}'],
         ['451-["picture",{"_placeholder":true,"num":0},{"a":"é"}]', b"\x89\x00"]),
    ],
)  # fmt: skip
def test_clients_get_it(
    client: EngineWebSocket, folder: Path, queue: str, arguments: list[str], packets: list[object]
) -> None:
    done = typed(folder, *EMIT, *arguments, env={"QUEUE": queue, "CHANNEL": CHANNEL})
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"'{arguments[0]}' emitted to ")
    assert done.stdout.endswith(f"channel {CHANNEL}: one process listens\n")
    assert [client.recv() for _ in packets] == packets


def test_a_room_where_the_client_is_not(client: EngineWebSocket, folder: Path, queue: str) -> None:
    for room in ("red", "green"):
        typed(
            folder,
            *EMIT,
            "color",
            f'"{room}"',
            "--to",
            room,
            env={"QUEUE": queue, "CHANNEL": CHANNEL},
        )
    assert client.recv() == '42["color","green"]'


def test_without_an_application(client: EngineWebSocket, tmp_path: Path, queue: str) -> None:
    done = typed(tmp_path, *OURS, "emit", "x", "--message-queue", queue, "--channel", CHANNEL)
    assert (done.returncode, done.stderr) == (0, "")
    assert client.recv() == '42["x"]'


def test_nobody_listens(server: InFolder, tmp_path: Path, queue: str) -> None:
    done = typed(tmp_path, *OURS, "emit", "x", "--message-queue", queue, "--channel", f"{CHANNEL}-")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith(f"channel {CHANNEL}-: nobody listens, so no client gets it\n")


# -- what cannot be emitted ------------------------------------------------------------------------


def refusal(folder: Path, *words: str, queue: str = "", status: int = 1) -> str:
    done = typed(folder, *EMIT, *words, env={"QUEUE": queue, "CHANNEL": CHANNEL})
    assert (done.returncode, done.stdout) == (status, "")
    return done.stderr


def test_the_queue_is_down(folder: Path) -> None:
    said = refusal(folder, "x", queue=f"redis://user:secret@127.0.0.1:{free_port()}/0")
    assert said.startswith("Error: cannot publish to message queue redis://")
    assert said.count("\n") == 1 and "secret" not in said


def test_there_is_no_queue(folder: Path) -> None:
    assert "Error: the application 'chat' has no message queue" in refusal(folder, "x")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["x", "hello"], """line 1 column 1 (char 0)); a text is written '"hello"'"""),
        (["x", "@missing"], "@missing: No such file or directory"),
    ],
)  # fmt: skip
def test_arguments_that_are_none(folder: Path, words: list[str], said: str) -> None:
    assert said in refusal(folder, *words, status=2)


def test_a_reserved_event(folder: Path, queue: str) -> None:
    assert "event 'connect' is reserved" in refusal(folder, "connect", queue=queue)


def test_an_url_that_is_none(folder: Path) -> None:
    said = refusal(folder, "x", "--message-queue", "node+nats://x")
    assert said.startswith("Error: message_queue: node+nats://x is not supported")
