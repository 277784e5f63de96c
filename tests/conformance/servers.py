"""How the servers under test are started, and what they tell about the handlers that ran.

``CONFORMANCE_APP`` and ``CONFORMANCE_ECHO`` may hold the command lines of other servers that behave as `app.py` and
`engineio_echo.py` do: that is how these tests are checked against the reference server.
"""

from __future__ import annotations

import json
import os
import shlex
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.kit.engine import EngineClient, RawPolling, open_engine, upgrade
from tests.kit.lane import LANES
from tests.kit.raw import WAIT
from tests.kit.server import ServerProcess
from tests.kit.sio import SioClient

HERE = Path(__file__).parent
ENGINE_PATH = "/engine.io/"
SOCKETIO_PATH = "/socket.io/"

# Long enough that no session ends by a missing pong while a test looks at something else.
PATIENT = {"ping_interval": 25, "ping_timeout": 20}
HASTY = {"ping_interval": 0.3, "ping_timeout": 0.2}

OUR_OWN = "FastWebSocket"
# Around the standard lane these matters are the ASGI server's.
our_own_lane = pytest.mark.parametrize("lane", [OUR_OWN], indirect=True, scope="session")

RunApp = Callable[..., ServerProcess]
OpenEngine = Callable[[], EngineClient]
OpenClient = Callable[..., SioClient]


def server_process(script: str, variable: str, env: dict[str, str], lane: str) -> ServerProcess:
    """A server that has not been started yet."""
    command = os.environ.get(variable)
    env = {**LANES[lane], **env}
    if command is not None:
        return ServerProcess(shlex.split(command), env, lane)
    server = ServerProcess.script(HERE / script, env, lane)
    if lane != OUR_OWN:
        server.allow_traceback("UnicodeDecodeError")  # uvicorn's word for text that is not UTF-8
    return server


def echo_process(lane: str, interval: float, timeout: float) -> ServerProcess:
    env = {"PING_INTERVAL": str(interval), "PING_TIMEOUT": str(timeout)}
    return server_process("engineio_echo.py", "CONFORMANCE_ECHO", env, lane)


def app_process(lane: str, **options: Any) -> ServerProcess:
    env = {"SOCKETIO_OPTIONS": json.dumps({**PATIENT, **options})}
    return server_process("app.py", "CONFORMANCE_APP", env, lane)


def open_session(server: ServerProcess, transport: str, path: str) -> EngineClient:
    """A session over polling, over WebSocket, or upgraded from one to the other."""
    if transport != "upgraded":
        return open_engine(server, transport, path)
    return upgrade(server, RawPolling.open(server.address, path))


def journal(server: ServerProcess, sid: str) -> list[str]:
    """The handlers that ran for a client so far."""
    lines = server.get_json(f"/journal/{sid}")
    assert isinstance(lines, list)
    return lines


def final_journal(server: ServerProcess, sid: str) -> list[str]:
    """The handlers that ran for a client, once the last of them, "disconnect", has."""
    deadline = time.monotonic() + WAIT
    while True:
        lines = journal(server, sid)
        if lines and lines[-1].startswith("disconnect:"):
            return lines
        assert time.monotonic() < deadline, f"no disconnect after {lines}"
        time.sleep(0.01)


def runs(server: ServerProcess) -> dict[str, int]:
    """How often handlers ran for anybody, beside those of "disconnect"."""
    counts = server.get_json("/runs")
    assert isinstance(counts, dict)
    return counts
