"""gunicorn's and uvicorn's workers, as people start them: no option, and each client is served as by one process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.deployment.deployed import Deployed
from tests.deployment.rows import Row
from tests.kit.engine import EngineClient, EngineWebSocket, RawPolling, target
from tests.kit.raw import RawWebSocket, Refused
from tests.kit.server import ServerProcess
from tests.kit.sio import SioClient

PATH = "/socket.io/"
ROWS = {
    "gunicorn --threads": "`gunicorn -w 3 --threads 20 module:app`",
    "gunicorn uvicorn_worker": "`gunicorn -w 3 -k uvicorn_worker.UvicornWorker module:asgi`",
    "uvicorn": "`uvicorn --workers 3 --ws websockets-sansio module:asgi`",
}
FOLDERS = ("websockets",)
#: Where a connection can be taken from the server, an upgrade comes to the process that has the session.
UPGRADES = "gunicorn --threads"


@pytest.fixture(scope="module", params=ROWS)
def row(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def server(row: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with Deployed(Row(ROWS[row], folders=FOLDERS), tmp_path_factory.mktemp("home")) as server:
        yield server


def test_polling_and_broadcasts(server: ServerProcess) -> None:
    clients = [open_client(server, transport) for transport in ["polling", "websocket"] * 6]
    for client in clients:
        for number in range(3):
            assert client.call("transport") == [client.engine.transport], number
    clients[0].emit("say", "hello")
    for client in clients:
        client.expect("said", "hello")
        client.engine.leave()


def open_client(server: ServerProcess, transport: str) -> SioClient:
    engine: EngineClient = (RawPolling if transport == "polling" else EngineWebSocket).open(
        server.address, PATH
    )
    engine.send("40")
    assert str(engine.recv()).startswith("40{")
    return SioClient(engine)


def test_upgrades(row: str, server: ServerProcess) -> None:
    """Or the client is told to stay with polling."""
    upgraded = 0
    for _ in range(12):
        polling = RawPolling.open(server.address, PATH)
        polling.send("40")
        assert str(polling.recv()).startswith("40{")
        try:
            ws = RawWebSocket.connect(server.address, target(PATH, "websocket", polling.sid))
        except Refused as refused:
            assert refused.reply.status == 400
            client = SioClient(polling)
        else:
            ws.send("2probe")
            assert ws.recv() == "3probe"
            ws.send("5")
            upgraded += 1
            client = SioClient(EngineWebSocket(ws, polling.handshake, server.address, PATH))
        assert client.call("transport") == [client.engine.transport]
        client.engine.leave()
    assert upgraded == 12
