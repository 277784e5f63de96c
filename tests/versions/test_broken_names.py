"""Libraries in which a private name is missing or has changed: everything is served, and one line says in what way."""

from __future__ import annotations

import re
import signal
from importlib import metadata
from pathlib import Path

import flask
import pytest

from flask_socketio.serving.http.choice import ATTRIBUTES, METHODS
from tests.kit.engine import EngineClient, EngineWebSocket, RawPolling, open_engine, upgrade
from tests.kit.raw import Refused
from tests.kit.server import ServerProcess

HERE = Path(__file__).parent
PATH = "/socket.io/"
SAID = "is not as Flask-Duplex knows it"

#: Every name that is looked for in uvicorn, missing and with other arguments.
OF_UVICORN = [
    "HttpToolsProtocol",
    "RequestResponseCycle",
    "RequestResponseCycle()",
    *METHODS,
    *(f"{method}()" for method in METHODS),
    *(f"{part}.{name}".lstrip(".") for part, names in ATTRIBUTES.items() for name in names),
]
#: One of each kind.
SOME_OF_UVICORN = [
    "HttpToolsProtocol",
    "RequestResponseCycle()",
    "on_body",
    "on_body()",
    "flow",
    "cycle.more_body",
]
OF_PICOWS = ["WSProtocol", "WSProtocol()", "frames"]
OF_WERKZEUG = ["run_with_reloader", "run_with_reloader()"]
OF_FLASK = [
    "AppContext",
    "RequestContext",
    "_after_request_functions",
    "_cv_app",
    "_cv_request",
    "_cv_tokens",
    "_session",
]


def serve(broken: str, server: str = "run", lane: str = "AsgiWebSocket") -> ServerProcess:
    """The app, run in a process where these names are broken."""
    env = {"BROKEN": broken, "PYTHONPATH": str(HERE / "broken"), "SERVER": server}
    return ServerProcess.script(HERE / "app.py", env, lane)


def check_pages(server: ServerProcess) -> None:
    assert server.get("/").text == "a page"
    assert server.get("/stream").text == "chunk 0\nchunk 1\nchunk 2\n"
    assert server.get("/missing").status == 404


def check_events(client: EngineClient) -> None:
    """Events and their acks, binary too; a session of the client's own, a new `g` for each event."""
    client.send("40")
    assert str(client.recv()).startswith('40{"sid":')
    client.send('420["echo","x"]')
    assert client.recv() == '430["x"]'
    client.send('451-1["echo",{"_placeholder":true,"num":0}]', b"\0\1")
    assert client.recv() == '461-1[{"_placeholder":true,"num":0}]'
    assert client.recv() == b"\0\1"
    for number in (1, 2):
        client.send(f'42{number}["count"]')
        answer = client.recv()
        assert answer == f"43{number}[[{number},true]]"


def check_transports(server: ServerProcess) -> None:
    for transport in ("polling", "websocket"):
        client = open_engine(server, transport, PATH)
        check_events(client)
        client.leave()
    polling = RawPolling.open(server.address, PATH)
    assert polling.handshake["upgrades"] == ["websocket"]
    check_events(upgrade(server, polling))


def check_polling_alone(server: ServerProcess) -> None:
    client = RawPolling.open(server.address, PATH)
    check_events(client)
    client.leave()
    with pytest.raises(Refused) as refused:
        EngineWebSocket.open(server.address, PATH)
    assert refused.value.reply.status == 400


def check_end(server: ServerProcess) -> None:
    """A client that polls and one with a WebSocket are told, and the server ends at once."""
    polling = RawPolling.open(server.address, PATH)
    websocket = EngineWebSocket.open(server.address, PATH)
    waiting = polling.start_poll()
    assert server.get("/").status == 200  # by now the poll has been read
    server.process.send_signal(signal.SIGTERM)
    assert waiting.reply().status == 200
    websocket.expect_gone()
    assert server.process.wait(10) == 0


def lines(server: ServerProcess) -> list[str]:
    """What was said of libraries that have changed."""
    return [line for line in server.log.splitlines() if SAID in line]


def check_line(server: ServerProcess, library: str, name: str, consequence: str) -> None:
    (line,) = lines(server)
    assert line.startswith(f"{library} {metadata.version(library)} {SAID} (")
    assert name.removesuffix("()").rpartition(".")[2] in line
    assert consequence in line


def check_plain_asgi(library: str, name: str, said: str) -> None:
    with serve(f"{library}:{name}") as server:
        check_pages(server)
        check_transports(server)
        check_end(server)
        check_line(server, library, said, "WebSocket by uvicorn's own protocol")


def test_nothing_is_said_of_the_releases_that_are_installed() -> None:
    with serve("", lane="FastWebSocket") as server:
        check_pages(server)
        check_transports(server)
        check_end(server)
        assert not lines(server)


@pytest.mark.parametrize("name", SOME_OF_UVICORN)
def test_uvicorn(name: str) -> None:
    check_plain_asgi("uvicorn", name, name)


@pytest.mark.versions
@pytest.mark.parametrize("name", sorted({*OF_UVICORN} - {*SOME_OF_UVICORN}))
def test_every_name_of_uvicorns(name: str) -> None:
    check_plain_asgi("uvicorn", name, name)


@pytest.mark.parametrize("name", OF_PICOWS)
def test_picows(name: str) -> None:
    check_plain_asgi("picows", name, "WSProtocol")


@pytest.mark.parametrize("broken", ["uvicorn:flow", "picows:WSProtocol"])
def test_without_a_library_for_websocket(broken: str) -> None:
    with serve(f"{broken} websockets: wsproto:") as server:
        check_pages(server)
        assert RawPolling.open(server.address, PATH).handshake["upgrades"] == []
        check_polling_alone(server)
        check_line(server, *broken.split(":"), "pip install websockets")


@pytest.mark.parametrize("name", OF_PICOWS)
def test_picows_under_a_wsgi_server(name: str) -> None:
    with serve(f"picows:{name}", "werkzeug") as server:
        check_pages(server)
        check_polling_alone(server)
        check_line(server, "picows", "WSProtocol", "stay with polling")


@pytest.mark.parametrize("name", OF_WERKZEUG)
def test_werkzeugs_reloader(name: str) -> None:
    with serve(f"werkzeug:{name}", "reloader", "FastWebSocket") as server:
        check_pages(server)
        check_transports(server)
        check_end(server)
        check_line(server, "werkzeug", name, "not started anew")


def test_a_process_that_only_watches_says_nothing() -> None:
    with serve("uvicorn:flow", "reloader") as server:
        check_pages(server)
        check_transports(server)
        check_line(server, "uvicorn", "flow", "plain ASGI")


@pytest.mark.parametrize("name", OF_FLASK)
def test_flasks_contexts(name: str) -> None:
    if re.search(rf"\b{name}\b", (Path(flask.__file__).parent / "ctx.py").read_text()) is None:
        pytest.skip("this release of Flask has it by another name")
    with serve(f"flask:{name}", lane="FastWebSocket") as server:
        check_pages(server)
        check_transports(server)
        check_end(server)
        check_line(server, "flask", name, "a new context is made for every event")
