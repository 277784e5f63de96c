"""Origins as people write them: what no browser sends is mended, and named."""

from __future__ import annotations

import http.client
from typing import Any

import pytest

from tests.kit.server import ServerProcess

from .conftest import Serve

MENDED = [
    ('"localhost:3000"', ["http://localhost:3000", "https://localhost:3000"]),
    ('"https://app.example/"', ["https://app.example"]),
    ('["https://App.Example:443/page", "http://ok.example"]', ["https://app.example", "http://ok.example"]),
    ('"https://a.example, https://b.example"', ["https://a.example", "https://b.example"]),
    ('("[::1]:80",)', ["http://[::1]", "https://[::1]:80"]),
]  # fmt: skip
TAKEN = [
    '"*"', "[]", "None", '"null"', '"https://a.example"', '["http://a.example:8080"]', "[None]", "lambda origin: True",
]  # fmt: skip


def status(server: ServerProcess, origin: str) -> int:
    connection = http.client.HTTPConnection(*server.address, timeout=5)
    connection.request("GET", "/socket.io/?EIO=4&transport=polling", headers={"Origin": origin})
    return connection.getresponse().status


@pytest.mark.parametrize(("given", "meant"), MENDED)
def test_what_no_browser_sends(serve: Serve, given: str, meant: list[str]) -> None:
    with serve(f"socketio = SocketIO(app, cors_allowed_origins={given})") as server:
        assert [status(server, origin) for origin in meant] == [200] * len(meant)
        assert status(server, "https://other.example") == 403
        log = server.log
    assert "cors_allowed_origins: no browser sends the origin" in log
    written: Any = eval(given)  # noqa: S307 - this file's own
    assert all(origin in log for origin in meant if origin not in written)


@pytest.mark.parametrize("given", TAKEN)
def test_what_is_meant(serve: Serve, given: str) -> None:
    with serve(f"socketio = SocketIO(app, cors_allowed_origins={given})") as server:
        assert "cors_allowed_origins" not in server.log


def test_there_are_no_patterns(serve: Serve) -> None:
    with serve('socketio = SocketIO(app, cors_allowed_origins="https://*.app.example")') as server:
        assert status(server, "https://a.app.example") == 403
        assert (
            "'https://*.app.example' allows nobody, there are no patterns; give a function"
            in server.log
        )
