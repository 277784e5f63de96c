"""Requests of sessions that are not there: after a restart, and among processes that know nothing of each other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.kit.engine import RawPolling
from tests.kit.raw import request
from tests.kit.server import ServerProcess

from .conftest import Serve

APP = "socketio = SocketIO(app, logger=__import__('logging').getLogger('app'))"
#: shows what is not worth a warning
SHOWN = "import logging; logging.basicConfig(level=logging.INFO)\n" + APP
REFUSED = "Session ID unknown: "
RESTARTED = REFUSED + "the session is of a process that was started before this one: most likely"
BESIDE = (
    REFUSED + "another process has the session, and this one knows nothing of it. run(workers=N)"
)


def ask(server: ServerProcess, polling: RawPolling) -> None:
    """Poll a server for a session that it does not have."""
    reply = request(server.address, "GET", polling.target)
    assert reply.json() == {"code": 1, "message": "Session ID unknown"}


def test_a_session_that_has_ended(serve: Serve) -> None:
    with serve(SHOWN) as server:
        polling = RawPolling.open(server.address, "/socket.io/")
        polling.leave()
        for _ in range(3):
            ask(server, polling)
        assert server.log.count(REFUSED + "the session has ended") == 1


def test_the_server_was_restarted(serve: Serve) -> None:
    """No warning: the client comes back by itself."""
    with serve(APP) as server:
        polling = RawPolling.open(server.address, "/socket.io/")
    with serve(SHOWN) as server:
        ask(server, polling)
        assert RESTARTED in server.log
    with serve(APP) as server:
        ask(server, polling)
        assert "unknown" not in server.log


def test_two_processes_without_a_bus(serve: Serve) -> None:
    with serve(APP) as first, serve(APP) as second:
        for _ in range(3):
            ask(first, RawPolling.open(second.address, "/socket.io/"))
        assert first.log.count(BESIDE) == 1
        assert "unknown" not in second.log


def test_two_that_share_a_queue_alone(serve: Serve) -> None:
    """What is emitted reaches both, but not requests."""
    queue = "socketio = SocketIO(app, message_queue='redis://127.0.0.1:1/')"
    with serve(queue) as first, serve(queue) as second:
        ask(first, RawPolling.open(second.address, "/socket.io/"))
        assert BESIDE in first.log


def test_a_session_of_no_server_of_ours(serve: Serve) -> None:
    with serve(SHOWN) as server:
        polling = RawPolling(server.address, "/socket.io/")
        for sid in ("x", "lv_VI97HAXpY6yYWAAAC", "\n" * 1000):
            polling.handshake = {"sid": sid}
            ask(server, polling)
        assert server.log.count(REFUSED + "no server of this kind gives such session ids") == 1


def test_a_worker_that_has_ended(write: Callable[[str], Path], tmp_path: Path) -> None:
    """The others know that, so it is nothing to worry about."""
    folder = tmp_path / "w"
    folder.mkdir(mode=0o700)
    text = f"{SHOWN.replace('SocketIO(app', f'SocketIO(app, workers_dir={str(folder)!r}')}"
    path = write(text)
    with ServerProcess.script(path) as first:
        with ServerProcess.script(path) as second:
            polling = RawPolling.open(second.address, "/socket.io/")
            assert request(first.address, "POST", polling.target, body=b"40").status == 200
        for _ in range(2):  # of which one may be on its way as the worker ends
            ask(first, polling)
        assert REFUSED + "the process that had the session has ended" in first.log
