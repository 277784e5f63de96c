"""What a WSGI middleware answers a handshake with reaches the client as it is."""

from __future__ import annotations

import http.client
import json
import sys
from collections.abc import Iterator

import pytest

from tests.kit.engine import target
from tests.kit.server import ServerProcess

APP = """
import asyncio, json, os, signal, sys
from urllib.parse import parse_qs
from flask import Flask
from flask_socketio import SocketIO

app = Flask(__name__)
socketio = SocketIO(app)
inner = app.wsgi_app

def guard(environ, start_response):
    query = parse_qs(environ["QUERY_STRING"])
    headers = [tuple(pair) for pair in json.loads(query.get("headers", ["[]"])[0])]
    if "refuse" in query:
        start_response(query["refuse"][0], headers)
        return [b"the middleware's ", b"own words"]
    return inner(environ, lambda status, own, *rest: start_response(status, [*own, *headers], *rest))

app.wsgi_app = guard
port = int(os.environ["PORT"])
if sys.argv[1] == "run":
    socketio.run(app, port=port)
elif sys.argv[1] == "werkzeug":
    app.run(port=port, threaded=True)
else:
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    async def main():
        ended = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
        config = Config()
        config.bind = [f"127.0.0.1:{port}"]
        await serve(socketio.asgi_app(app), config, shutdown_trigger=ended.wait)

    asyncio.run(main())
"""

UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
Headers = list[tuple[str, str]]
TRANSPORTS = pytest.mark.parametrize("transport", ["polling", "websocket"])


@pytest.fixture(scope="module", params=["run", "hypercorn", "werkzeug"])
def server(request: pytest.FixtureRequest) -> Iterator[ServerProcess]:
    with ServerProcess([sys.executable, "-c", APP, request.param], lane=request.param) as server:
        yield server


def handshake(
    server: ServerProcess, transport: str, headers: Headers, **query: str
) -> tuple[int, Headers, bytes]:
    connection = http.client.HTTPConnection(*server.address, timeout=10)
    path = target("/socket.io/", transport, headers=json.dumps(headers), **query)
    connection.request("GET", path, headers=UPGRADE if transport == "websocket" else {})
    answer = connection.getresponse()
    body = b"" if answer.status == 101 else answer.read()
    connection.close()
    return answer.status, [(name.lower(), value) for name, value in answer.getheaders()], body


def values(headers: Headers, name: str) -> list[str]:
    return [value for key, value in headers if key == name]


@TRANSPORTS
@pytest.mark.parametrize("name", ["Content-Type", "content-type", "CONTENT-TYPE", "Content-type"])
def test_its_type_however_it_is_spelt(server: ServerProcess, transport: str, name: str) -> None:
    status, headers, body = handshake(
        server, transport, [(name, "application/problem+json")], refuse="402 Payment Required"
    )
    assert (status, body) == (402, b"the middleware's own words")
    assert values(headers, "content-type") == ["application/problem+json"]


@TRANSPORTS
@pytest.mark.parametrize("name", ["Set-Cookie", "SET-COOKIE", "set-cookie"])
def test_all_of_its_headers(server: ServerProcess, transport: str, name: str) -> None:
    given = [(name, "a=1"), ("X-Own", "1"), (name, "b=2; Path=/"), ("x-own", "2"), ("Vary", "A")]
    status, headers, _ = handshake(server, transport, given, refuse="403 Forbidden")
    assert status == 403
    assert values(headers, "set-cookie") == ["a=1", "b=2; Path=/"]
    assert values(headers, "x-own") == ["1", "2"]
    assert values(headers, "vary") == ["A"]


@TRANSPORTS
def test_a_type_that_is_given_twice_is_the_first(server: ServerProcess, transport: str) -> None:
    if server.lane == "werkzeug":
        pytest.skip("the middleware's answer is the server's business")
    given = [("content-type", "text/x"), ("CONTENT-TYPE", "text/y"), ("Content-LENGTH", "26")]
    _, headers, body = handshake(server, transport, given, refuse="401 Unauthorized")
    assert values(headers, "content-type") == ["text/x"]
    assert values(headers, "content-length") == [str(len(body))] == ["26"]


@TRANSPORTS
@pytest.mark.parametrize("name", ["Set-Cookie", "SET-COOKIE"])
def test_what_it_adds_to_an_accepted_handshake(
    server: ServerProcess, transport: str, name: str
) -> None:
    given = [(name, "a=1"), (name, "b=2"), ("CONTENT-TYPE", "text/x"), ("X-OWN", "1")]
    status, headers, _ = handshake(server, transport, given)
    assert status == (101 if transport == "websocket" else 200)
    # Under a WSGI server it goes through the middleware twice, to the innermost place and from there as a handshake.
    times = 2 if server.lane == "werkzeug" and transport == "polling" else 1
    assert values(headers, "set-cookie") == ["a=1", "b=2"] * times
    assert values(headers, "x-own") == ["1"] * times
    if times == 1:
        assert "text/x" not in values(headers, "content-type")
