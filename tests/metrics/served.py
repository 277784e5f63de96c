"""What tests ask a server of `app.py`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.kit.server import ServerProcess
from tests.metrics import app

APP = Path(app.__file__)
ADDRESS = "/socket.io/metrics"
BEARER = {"Authorization": f"Bearer {app.TOKEN}"}


def app_process(workers: int = 1, **env: str) -> ServerProcess:
    return ServerProcess.script(APP, {"WORKERS": str(workers), **env})


def fetched(server: ServerProcess) -> dict[str, Any]:
    """The numbers, as JSON."""
    reply = server.get(ADDRESS, **BEARER, Accept="application/json")
    assert reply.status == 200, reply
    return json.loads(reply.body)


def wait_for(
    server: ServerProcess, condition: Callable[[dict[str, Any]], bool], seconds: float = 30
) -> dict[str, Any]:
    deadline = time.monotonic() + seconds
    metrics: dict[str, Any] = {}
    while not metrics or not condition(metrics):
        assert time.monotonic() < deadline, metrics
        time.sleep(0.05)
        with suppress(TimeoutError):  # of a worker that is about to begin
            metrics = fetched(server)
    return metrics
