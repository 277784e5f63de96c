"""The handshake's way through WSGI middlewares; what browsers ask for; cookie; compression."""

import gzip
import json
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.kit.engine import EngineWebSocket, RawPolling, target
from tests.kit.raw import RawWebSocket, Refused, Reply, request
from tests.kit.server import ServerProcess

APP = Path(__file__).with_name("options_app.py")
PATH = "/socket.io/"
Client = TypeVar("Client", RawPolling, EngineWebSocket)
Run = Callable[..., ServerProcess]
TRANSPORTS = pytest.mark.parametrize("transport", ["polling", "websocket"])


@pytest.fixture(scope="module")
def run_app() -> Iterator[Run]:
    servers: dict[str, ServerProcess] = {}
    with ExitStack() as stack:

        def run(middlewares: str = "", **options: Any) -> ServerProcess:
            env = {"MIDDLEWARES": middlewares, "SOCKETIO_OPTIONS": json.dumps(options)}
            key = json.dumps(env)
            if key not in servers:
                servers[key] = stack.enter_context(ServerProcess.script(APP, env))
                servers[key].allow_traceback("an error of the middleware")
            return servers[key]

        yield run


def handshake(
    server: ServerProcess, transport: str, headers: dict[str, str], **query: str
) -> Reply:
    """The answer to a handshake, accepted or not."""
    address = target(PATH, transport, **query)
    if transport == "polling":
        return request(server.address, "GET", address, headers=headers)
    try:
        ws = RawWebSocket.connect(server.address, address, headers)
    except Refused as refused:
        return refused.reply
    ws.abort()
    return ws.response


def accepted(reply: Reply) -> bool:
    return reply.status in (101, 200)


def joined(client: Client) -> Client:
    """In the namespace "/"."""
    client.send("40")
    assert str(client.recv()).startswith('40{"sid":')
    return client


# -- WSGI middlewares ------------------------------------------------------------------------------


def environ_of(server: ServerProcess, transport: str, **headers: str) -> dict[str, Any]:
    engine: Any = {"polling": RawPolling, "websocket": EngineWebSocket}[transport]
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    client = joined(engine.open(server.address, PATH, names))
    client.send('420["environ"]')
    answer = client.recv()
    client.leave()
    assert isinstance(answer, str)
    return json.loads(answer.removeprefix("430"))[0]


@TRANSPORTS
@pytest.mark.parametrize("order", ["before", "after", "before guard", "guard after"])
def test_proxy_fix_in_any_order(run_app: Run, order: str, transport: str) -> None:
    seen = environ_of(
        run_app(order),
        transport,
        X_Forwarded_For="203.0.113.7",
        X_Forwarded_Proto="https",
        X_Forwarded_Host="chat.example",
        Origin="https://chat.example",
    )
    user = "somebody" if "guard" in order else None
    assert seen == {
        "address": "203.0.113.7",
        "host": "chat.example",
        "scheme": "https",
        "user": user,
    }


@TRANSPORTS
def test_behind_a_proxy_the_origin_is_still_checked(run_app: Run, transport: str) -> None:
    headers = {"X-Forwarded-Host": "chat.example", "Origin": "http://evil.example"}
    assert handshake(run_app("before"), transport, headers).status == 403


@TRANSPORTS
def test_a_middleware_that_refuses(run_app: Run, transport: str) -> None:
    reply = handshake(run_app("guard"), transport, {}, nokey="1")
    assert (reply.status, reply.body) == (401, b"no key")
    assert reply.headers["www-authenticate"] == "Key"
    assert reply.headers["content-type"] == "text/x"


@TRANSPORTS
def test_a_middleware_that_adds_a_header(run_app: Run, transport: str) -> None:
    reply = handshake(run_app("guard"), transport, {})
    assert accepted(reply)
    assert reply.headers["x-guard"] == "passed"


@TRANSPORTS
def test_a_middleware_that_fails(run_app: Run, transport: str) -> None:
    assert handshake(run_app("guard"), transport, {}, fail="1").status == 500
    assert handshake(run_app("guard"), transport, {}).status in (101, 200)


@TRANSPORTS
def test_a_middleware_that_waits_holds_up_nobody_else(transport: str) -> None:
    with ServerProcess.script(APP, {"MIDDLEWARES": "guard"}) as server:
        replies: list[Reply] = []
        waiting = threading.Thread(
            target=lambda: replies.append(handshake(server, transport, {}, wait="1"))
        )
        waiting.start()
        time.sleep(0.2)
        assert environ_of(server, transport)["user"] == "somebody"
        assert not replies
        server.get("/release")
        waiting.join(5)
        assert accepted(replies[0])


def test_pages_go_through_the_middlewares_as_ever(run_app: Run) -> None:
    assert run_app("guard").get("/").headers["x-guard"] == "passed"
    assert run_app("guard").get("/").text == "index"


# -- browsers' rules -------------------------------------------------------------------------------

FRIEND, OTHER = "http://friend.example", "http://other.example"


@TRANSPORTS
@pytest.mark.parametrize(
    ("allowed", "origin", "expected"),
    [
        pytest.param(FRIEND, FRIEND, True, id="the one"),
        pytest.param(FRIEND, OTHER, False, id="not the one"),
        pytest.param([FRIEND, "http://b.example"], FRIEND, True, id="in the list"),
        pytest.param([FRIEND], OTHER, False, id="not in the list"),
        pytest.param("*", OTHER, True, id="any"),
        pytest.param(["*"], OTHER, True, id="any in a list"),
        pytest.param([], OTHER, True, id="no check"),
        pytest.param("CALLABLE", "http://asked.example", True, id="callable says yes"),
        pytest.param("CALLABLE", OTHER, False, id="callable says no"),
    ],
)
def test_cors_allowed_origins(
    run_app: Run, transport: str, allowed: Any, origin: str, expected: bool
) -> None:
    reply = handshake(run_app(cors_allowed_origins=allowed), transport, {"Origin": origin})
    assert accepted(reply) == expected
    if not expected:
        assert (reply.status, reply.json()) == (403, {"code": 4, "message": "Forbidden"})
        assert "access-control-allow-origin" not in reply.headers
    elif transport == "polling" and allowed != []:
        assert reply.headers["access-control-allow-origin"] == origin
        assert reply.headers["access-control-allow-credentials"] == "true"
        assert reply.headers["vary"] == "Origin"
    elif allowed == []:
        assert "access-control-allow-origin" not in reply.headers


def test_without_credentials(run_app: Run) -> None:
    server = run_app(cors_allowed_origins="*", cors_credentials=False)
    reply = handshake(server, "polling", {"Origin": OTHER})
    assert reply.headers["access-control-allow-origin"] == OTHER
    assert "access-control-allow-credentials" not in reply.headers


def test_a_preflight_is_answered(run_app: Run) -> None:
    server = run_app(cors_allowed_origins=[FRIEND])
    asked = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "x-custom,content-type",
    }
    reply = request(
        server.address, "OPTIONS", target(PATH, "polling"), headers={"Origin": FRIEND, **asked}
    )
    assert reply.status == 204
    assert reply.headers["access-control-allow-origin"] == FRIEND
    assert reply.headers["access-control-allow-headers"] == "x-custom,content-type"
    assert "POST" in reply.headers["access-control-allow-methods"]
    reply = request(
        server.address, "OPTIONS", target(PATH, "polling"), headers={"Origin": OTHER, **asked}
    )
    assert "access-control-allow-origin" not in reply.headers


def test_a_refused_origin_is_logged_with_what_was_expected(run_app: Run) -> None:
    server = run_app()
    handshake(server, "polling", {"Origin": "http://evil.example"})
    host, port = server.address
    assert "origin 'http://evil.example' is not accepted" in server.log
    assert f"http://{host}:{port}" in server.log
    assert "cors_allowed_origins" in server.log


BROKEN = {"Origin": "http://broken.example"}


@TRANSPORTS
def test_a_callable_that_fails_is_the_servers_fault(run_app: Run, transport: str) -> None:
    server = run_app(cors_allowed_origins="CALLABLE")
    server.allow_traceback("an error of the callable")
    assert handshake(server, transport, BROKEN).status == 500
    assert "ValueError: an error of the callable" in server.log


def test_a_callable_that_fails_later_is_the_servers_fault_too(run_app: Run) -> None:
    server = run_app(cors_allowed_origins="CALLABLE")
    server.allow_traceback("an error of the callable")
    polling = RawPolling.open(server.address, PATH)
    assert request(server.address, "GET", polling.target, headers=BROKEN).status == 500


# -- cookie ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cookie", "expected"),
    [
        (None, None),
        (False, None),
        ("io", "io={sid}; path=/; SameSite=Lax"),
        (True, "io={sid}; path=/; SameSite=Lax"),
        (
            {"name": "s", "path": "/chat", "HttpOnly": True, "Secure": False, "Max-Age": "60"},
            "s={sid}; path=/chat; HttpOnly; Max-Age=60",
        ),
    ],
)
def test_cookie(run_app: Run, cookie: Any, expected: str | None) -> None:
    server = run_app(cookie=cookie)
    client = RawPolling(server.address, PATH)
    reply = request(server.address, "GET", target(PATH, "polling"))
    sid = json.loads(reply.body[1:])["sid"]
    assert reply.headers.get("set-cookie") == (expected and expected.format(sid=sid))
    client.handshake = {"sid": sid}
    client.send("40")
    assert "set-cookie" not in client.poll().headers  # the handshake alone sets it


# -- compression -----------------------------------------------------------------------------------


def large_answer(server: ServerProcess, size: int, accept: str | None) -> Reply:
    polling = joined(RawPolling.open(server.address, PATH))
    polling.send(f'42["large",{size}]')
    headers = {} if accept is None else {"Accept-Encoding": accept}
    reply = request(server.address, "GET", polling.target, headers=headers)
    polling.leave()
    return reply


@pytest.mark.parametrize(
    ("accept", "coding"),
    [
        ("gzip, deflate, br", "gzip"),
        ("deflate", "deflate"),
        ("br, gzip;q=0.5", "gzip"),
        ("gzip;q=0, deflate", "deflate"),
        ("br", None),
        ("gzip;q=0", None),
        (None, None),
    ],
)
@pytest.mark.parametrize("size", [2000, 200_000])
def test_large_answers_are_compressed(
    run_app: Run, size: int, accept: str | None, coding: str | None
) -> None:
    reply = large_answer(run_app(), size, accept)
    assert reply.headers.get("content-encoding") == coding
    decode = {"gzip": gzip.decompress, "deflate": zlib.decompress, None: bytes}[coding]
    body = decode(reply.body)
    assert body == b'42["large","' + b"x" * size + b'"]'
    if coding:
        assert len(reply.body) < size / 10


def test_small_answers_are_not_compressed(run_app: Run) -> None:
    assert "content-encoding" not in large_answer(run_app(), 100, "gzip").headers
    limit = run_app(compression_threshold=50)
    assert large_answer(limit, 100, "gzip").headers["content-encoding"] == "gzip"


def test_compression_can_be_turned_off(run_app: Run) -> None:
    server = run_app(http_compression=False)
    assert "content-encoding" not in large_answer(server, 2000, "gzip").headers
