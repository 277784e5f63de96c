"""The browser's client is served below the server's own path, as the reference server does it."""

from __future__ import annotations

import json
import re

import pytest

from tests.conformance.servers import RunApp
from tests.kit.server import ServerProcess

SCRIPTS = [
    "socket.io.js",
    "socket.io.min.js",
    "socket.io.esm.min.js",
    "socket.io.msgpack.min.js",
]
MAPS = [f"{name}.map" for name in SCRIPTS]
TRANSPORT_UNKNOWN = {"code": 0, "message": "Transport unknown"}


@pytest.fixture(scope="module")
def etag(app: ServerProcess) -> str:
    """The quoted version of the client, which its files name in their first lines."""
    found = re.search(r"Socket\.IO v(4\.8\.\d+)", app.get("/socket.io/socket.io.js").text)
    assert found is not None
    return f'"{found[1]}"'


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_is_served(app: ServerProcess, etag: str, name: str) -> None:
    reply = app.get(f"/socket.io/{name}")
    assert reply.status == 200
    assert reply.headers["content-type"] == "application/javascript; charset=utf-8"
    assert reply.headers["cache-control"] == "public, max-age=0"
    assert reply.headers["etag"] == etag
    assert f"Socket.IO v{etag[1:-1]}" in reply.text[:200]
    assert len(reply.body) > 10_000


@pytest.mark.parametrize("name", MAPS)
def test_a_source_map_is_served(app: ServerProcess, etag: str, name: str) -> None:
    reply = app.get(f"/socket.io/{name}")
    assert reply.status == 200
    assert reply.headers["content-type"] == "application/json; charset=utf-8"
    assert reply.headers["cache-control"] == "public, max-age=0"
    assert reply.headers["etag"] == etag
    assert json.loads(reply.body)["version"] == 3


@pytest.mark.parametrize("name", [SCRIPTS[1], MAPS[1]])
@pytest.mark.parametrize("weak", ["", "W/"])
def test_a_known_version_is_not_sent_again(
    app: ServerProcess, etag: str, name: str, weak: str
) -> None:
    reply = app.get(f"/socket.io/{name}", **{"If-None-Match": weak + etag})
    assert (reply.status, reply.body) == (304, b"")


def test_another_version_is_sent_again(app: ServerProcess) -> None:
    reply = app.get("/socket.io/socket.io.js", **{"If-None-Match": '"4.0.0"'})
    assert reply.status == 200


def test_a_query_string_does_not_matter(app: ServerProcess) -> None:
    assert app.get("/socket.io/socket.io.js?v=1").status == 200


@pytest.mark.parametrize(
    "name", ["", "nope.js", "socket.io.js.gz", "LICENSE", "../socket.io.js", "%2e%2e/__init__.py"]
)
def test_another_name_is_a_request_of_the_engine(app: ServerProcess, name: str) -> None:
    reply = app.get(f"/socket.io/{name}")
    assert (reply.status, reply.json()) == (400, TRANSPORT_UNKNOWN)


def test_it_can_be_turned_off(run_app: RunApp) -> None:
    server = run_app(serve_client=False)
    for name in SCRIPTS + MAPS:
        reply = server.get(f"/socket.io/{name}")
        assert (reply.status, reply.json()) == (400, TRANSPORT_UNKNOWN)


def test_the_pages_of_the_app_are_served_beside_it(app: ServerProcess) -> None:
    assert app.get("/").text == "index"
    assert app.get("/nope").status == 404
