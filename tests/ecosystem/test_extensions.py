"""Flask's ecosystem in event handlers, with the real packages. (Flask-Login: tests/apps/login.py.)"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from tests.kit.neighbour import OrderedClient
from tests.kit.server import ServerProcess

APP = Path(__file__).with_name("app.py")


class Visitor:
    """A browser: pages with a cookie jar, and a client with the same cookies."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.cookies: dict[str, str] = {}
        self.client = OrderedClient()

    @property
    def cookie(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    def get(self, path: str) -> Any:
        with urlopen(
            Request(self.url + path, headers={"Cookie": self.cookie}), timeout=10
        ) as answer:
            for line in answer.headers.get_all("Set-Cookie") or []:
                name, _, value = line.partition(";")[0].partition("=")
                self.cookies[name] = value
            return json.loads(answer.read())

    def connect(self, transport: str = "websocket", **headers: str) -> None:
        if self.cookies:
            headers["Cookie"] = self.cookie
        self.client.connect(self.url, headers=headers, transports=[transport])

    def ask(self, event: str, *args: Any) -> Any:
        return self.client.call(event, args, timeout=10)


@contextmanager
def serve(folder: Path, **env: str) -> Iterator[tuple[ServerProcess, Visitor]]:
    with ServerProcess.script(APP, {"FOLDER": str(folder), **env}) as server:
        server.allow_traceback("an error on purpose")
        visitor = Visitor(server.url)
        try:
            yield server, visitor
        finally:
            visitor.client.disconnect()


@pytest.mark.parametrize("transport", ["websocket", "polling"])
@pytest.mark.parametrize("kind", ["cookie", "server"])
def test_a_managed_session_is_the_connections_own(
    tmp_path: Path, kind: str, transport: str
) -> None:
    with serve(tmp_path, SESSION=kind) as (_, visitor):
        visitor.get("/set/one")
        visitor.connect(transport)
        assert visitor.ask("value", "two") == "one"
        assert visitor.ask("value") == "two"
        assert visitor.get("/value") == "one"
        visitor.get("/set/three")
        assert visitor.ask("value") == "two"


@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_flask_sessions_store_is_shared_both_ways(tmp_path: Path, transport: str) -> None:
    with serve(tmp_path, SESSION="server", MANAGE="no") as (_, visitor):
        visitor.get("/set/one")
        visitor.connect(transport)
        assert visitor.ask("value", "two") == "one"
        assert visitor.get("/value") == "two"
        visitor.get("/set/three")
        assert visitor.ask("value") == "three"


def test_an_unmanaged_cookie_session_is_a_snapshot(tmp_path: Path) -> None:
    with serve(tmp_path, MANAGE="no") as (_, visitor):
        visitor.get("/set/one")
        visitor.connect()
        assert visitor.ask("value", "two") == "one"
        assert visitor.ask("value") == "one"
        assert visitor.get("/value") == "one"


@pytest.mark.parametrize("event", ["add", "add async"])
def test_the_database_session_ends_with_the_event(tmp_path: Path, event: str) -> None:
    with serve(tmp_path) as (server, visitor):
        visitor.connect()
        for number in range(5):
            assert visitor.ask(event, "kept") == number + 1
            visitor.client.emit(event, ("lost", True))
        assert visitor.ask(event, "kept") == 6
        # The pool has two connections; a session that was left open would have used them up.
        assert visitor.ask("pool") == [0, 0]
        assert server.log.count("LookupError: an error on purpose") == 5


def test_g_is_new_and_teardown_functions_run_once_per_event(tmp_path: Path) -> None:
    with serve(tmp_path) as (_, visitor):
        visitor.connect()
        visitor.ask("fresh")
        visitor.ask("add", "x")
        assert visitor.ask("fresh") == [
            None,
            ["request None NoneType", "request add NoneType", "app add NoneType"],
        ]
        visitor.client.emit("add", ("x", True))
        assert visitor.ask("fresh")[1][-2:] == ["request add LookupError", "app add LookupError"]


@pytest.mark.parametrize("transport", ["websocket", "polling"])
@pytest.mark.parametrize("order", ["before", "after"])
def test_proxy_fix_in_any_order(tmp_path: Path, order: str, transport: str) -> None:
    with serve(tmp_path, PROXY=order) as (_, visitor):
        visitor.connect(
            transport,
            **{
                "X-Forwarded-For": "203.0.113.7",
                "X-Forwarded-Proto": "https",
                "X-Forwarded-Host": "example.org",
                "X-Forwarded-Prefix": "/mounted",
            },
        )
        assert visitor.ask("request") == {
            "remote_addr": "203.0.113.7",
            "scheme": "https",
            "url_root": "https://example.org/mounted/",
            "url_for": "/mounted/value",
            "external": "https://example.org/mounted/value",
            "path": "/socket.io/",
            "root": "/mounted",
        }


def test_without_a_proxy(tmp_path: Path) -> None:
    with serve(tmp_path, APPLICATION_ROOT="/elsewhere") as (server, visitor):
        visitor.connect(**{"X-Forwarded-For": "203.0.113.7"})
        seen = visitor.ask("request")
        assert (seen["remote_addr"], seen["url_for"]) == ("127.0.0.1", "/value")
        assert seen["external"] == server.url + "/value"
