"""By which names the server may be asked for what is below the path: `allowed_hosts`, against DNS rebinding."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.kit.engine import target
from tests.kit.raw import RawWebSocket, Refused, Reply, request
from tests.kit.server import ServerProcess

PATH = "/socket.io/"
OPTIONS = {"allowed_hosts": ["chat.example:5000", ".shop.example"], "health": True}
APP = "tests.serving.options_app:app"
BIN = Path(sys.executable).parent
SERVERS = {
    "run": [sys.executable, "-m", "tests.serving.options_app"],
    "flask run": [f"{BIN}/flask", "--app", APP, "run", "--port", "0"],
    "uvicorn": [f"{BIN}/uvicorn", "--ws", "websockets-sansio", "--port", "0", APP],
}
Ask = Callable[[ServerProcess, dict[str, str]], Reply]


@pytest.fixture(scope="module")
def servers() -> Iterator[Callable[[str, str], ServerProcess]]:
    running: dict[tuple[str, str], ServerProcess] = {}
    with ExitStack() as stack:

        def get(name: str, middlewares: str = "") -> ServerProcess:
            if (name, middlewares) not in running:
                env = {"SOCKETIO_OPTIONS": json.dumps(OPTIONS), "MIDDLEWARES": middlewares}
                server = ServerProcess(SERVERS[name], env)
                running[name, middlewares] = stack.enter_context(server)
            return running[name, middlewares]

        yield get


def get(path: str, method: str = "GET") -> Ask:
    return lambda server, headers: request(server.address, method, path, headers=headers)


def websocket(server: ServerProcess, headers: dict[str, str]) -> Reply:
    try:
        connection = RawWebSocket.connect(server.address, target(PATH, "websocket"), headers)
    except Refused as refused:
        return refused.reply
    connection.abort()
    return connection.response


REQUESTS: dict[str, Ask] = {
    "polling": get(target(PATH, "polling")),
    "websocket": websocket,
    "health": get(PATH + "health"),
    "client": get(PATH + "socket.io.min.js"),
    "preflight": get(target(PATH, "polling"), "OPTIONS"),
}
everywhere = pytest.mark.parametrize("name", SERVERS)
everything = pytest.mark.parametrize("ask", REQUESTS.values(), ids=REQUESTS)


def is_refused(reply: Reply) -> bool:
    assert reply.status in (101, 200, 204, 400), reply
    if reply.status == 400:
        assert reply.json() == {"code": 3, "message": "Host not allowed"}
    return reply.status == 400


@everywhere
@everything
@pytest.mark.parametrize(
    "host", ["chat.example", "CHAT.example:80", "shop.example", "a.b.shop.example:8443"]
)
def test_who_is_served(servers, name: str, ask: Ask, host: str) -> None:
    assert not is_refused(ask(servers(name), {"Host": host}))


REFUSED = [
    {"Host": "evil.example"},
    {"Host": "evil.example:5000", "Origin": "http://evil.example:5000"},
    {"Host": "a.chat.example"},
    {"Host": "evilshop.example"},
    {"Host": "chat.example.evil.example"},
    {"Host": "127.0.0.1"},
    {"Host": "[::1]:5000"},
    {"Host": ""},
    {"Host": "evil.example", "X-Forwarded-Host": "chat.example"},
    {"Host": "evil.example", "X-Forwarded-Host": "chat.example", "Origin": "http://chat.example"},
    {"Host": "evil.example", "Forwarded": "host=chat.example"},
]


@everywhere
@everything
@pytest.mark.parametrize("headers", REFUSED, ids=str)
def test_who_is_not(servers, name: str, ask: Ask, headers: dict[str, str]) -> None:
    assert is_refused(ask(servers(name), headers))


@everywhere
@pytest.mark.parametrize("ask", [REQUESTS["polling"], websocket])
def test_a_page_of_an_allowed_host_is_the_servers_own(servers, name: str, ask: Ask) -> None:
    own = {"Host": "chat.example", "Origin": "http://chat.example"}
    for forwarded in ({}, {"X-Forwarded-Host": "evil.example"}, {"X-Forwarded-Host": ""}):
        assert not is_refused(ask(servers(name), {**own, **forwarded}))
        foreign = {**own, "Origin": "http://evil.example"}
        assert ask(servers(name), {**foreign, **forwarded}).status == 403


@everywhere
@everything
@pytest.mark.parametrize("order", ["before", "after"])
def test_behind_a_proxy_it_is_the_proxys_word(servers, name: str, ask: Ask, order: str) -> None:
    server = servers(name, order)
    assert not is_refused(ask(server, {"Host": "backend", "X-Forwarded-Host": "chat.example"}))
    assert is_refused(ask(server, {"Host": "chat.example", "X-Forwarded-Host": "evil.example"}))
    assert is_refused(ask(server, {"Host": "backend"}))


@everywhere
@pytest.mark.parametrize("order", ["", "before"])
def test_a_session_goes_on_by_the_same_name(servers, name: str, order: str) -> None:
    server = servers(name, order)
    headers = {"Host": "backend" if order else "chat.example", "X-Forwarded-Host": "chat.example"}
    reply = request(server.address, "GET", target(PATH, "polling"), headers=headers)
    session = target(PATH, "polling", sid=json.loads(reply.text[1:])["sid"])

    def post(host: str) -> Reply:
        changed = {**headers, "Host": host}
        return request(server.address, "POST", session, body=b"3", headers=changed)

    assert post(headers["Host"]).text == "ok"
    if order and name == "flask run":
        return  # Werkzeug's server has the request pass the proxy's fix
    assert post("www.shop.example").text == "ok"
    assert is_refused(post("evil.example"))


def test_pages_are_flasks(servers) -> None:
    assert (
        request(servers("run").address, "GET", "/", headers={"Host": "evil.example"}).status == 200
    )


def test_it_is_counted_and_told_once(servers) -> None:
    server = servers("run")
    for number in range(3):
        assert is_refused(REQUESTS["polling"](server, {"Host": f"evil{number}.example"}))
    assert server.get_json("/counters")["http_refused"]["host not allowed"] >= 3
    assert server.log.count("refused: Host not allowed") == 1
    assert "is none of allowed_hosts" in server.log
