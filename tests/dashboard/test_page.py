"""The official page in Chromium, which can ask this server alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.clients.browser import chromium, visit
from tests.clients.servers import SCRIPTS
from tests.dashboard.kit import PATIENCE, DashboardPage, client, environment, served
from tests.kit.server import ServerProcess

GUNICORN = ["--threads", "50", "--bind", "127.0.0.1:0", "tests.dashboard.app:app"]
UVICORN = ["--port", "0", "tests.dashboard.app:asgi"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def server_of(kind: str) -> ServerProcess:
    if kind == "run":
        return served()
    program, arguments = ("gunicorn", GUNICORN) if kind == "gunicorn" else ("uvicorn", UVICORN)
    env = environment({"server_stats_interval": 0.3}, {})
    return ServerProcess([str(SCRIPTS / program), *arguments], env)


@pytest.fixture(scope="module", params=["run", "gunicorn", "uvicorn"])
def server(request: pytest.FixtureRequest) -> Iterator[ServerProcess]:
    with server_of(request.param) as server:
        yield server


@pytest.fixture
def page(browser: Browser, server: ServerProcess) -> Iterator[DashboardPage]:
    with visit(browser, server.url) as visited:
        yield DashboardPage(visited)
        assert visited.hosts == {visited.own_host}
        assert visited.errors == []


def test_login_needs_no_address_and_the_session_no_second_login(page: DashboardPage) -> None:
    expect(page.page.get_by_label("Server URL")).to_have_value(page.visit.url)
    expect(page.page.locator(".red--text")).to_have_count(0)  # nobody has done anything wrong yet
    page.log_in()
    page.expect_connected()
    page.page.reload()
    page.expect_connected()


def test_wrong_password_is_refused(page: DashboardPage) -> None:
    page.log_in(password="another one")
    expect(page.page.get_by_text("Invalid credentials")).to_be_visible()
    page.log_in()
    page.expect_connected()


@pytest.mark.parametrize("transport", ["polling", "websocket"])
def test_client_is_seen_moved_and_disconnected(
    page: DashboardPage, server: ServerProcess, transport: str
) -> None:
    page.log_in()
    page.expect_connected()
    with client(server.url, transports=[transport]) as talking:
        sid = talking.sid
        shown = "http long-polling" if transport == "polling" else "websocket"
        page.show("Sockets")
        page.expect_row(sid, shown, "127.0.0.1")

        talking.emit("say", {"text": "seen in the list"})
        page.show("Events")
        page.expect_row(sid, "connection")
        page.expect_row(sid, "event received", "say")
        page.expect_row(sid, "event sent", "said")

        page.show("Sockets")
        page.row(sid).click()
        page.page.get_by_label("Join a room").fill("moved")
        page.page.locator("form button:visible").click()
        page.expect_row("moved")
        page.show("Rooms")
        page.expect_row("moved", "1")

        page.show("Sockets")
        page.row(sid).get_by_role("button").click()
        page.show("Sockets")  # the click has led to the client's own page as well
        page.expect_no_row(sid)
        talking.client.wait()  # returns as it has been disconnected
        page.show("Events")
        page.expect_row(sid, "room joined", "moved")
        page.expect_row(sid, "disconnection", "server disconnect")


def test_read_only_has_no_buttons(browser: Browser) -> None:
    with served(read_only=True) as server, visit(browser, server.url) as visited:
        page = DashboardPage(visited)
        page.log_in()
        page.expect_connected()
        with client(server.url) as talking:
            page.show("Sockets")
            page.expect_row(talking.sid)
            expect(page.row(talking.sid).get_by_role("button")).to_have_count(0)


def test_production_has_sums_alone(browser: Browser) -> None:
    with served(mode="production") as server, visit(browser, server.url) as visited:
        page = DashboardPage(visited)
        page.log_in()
        page.expect_connected()
        with client(server.url, transports=["websocket"]):
            page.expect_row("WebSocket", "1", "100.0 %")
            page.expect_row("/other", "0")
        expect(page.page.get_by_role("link", name="Events")).to_have_count(0)


def test_without_a_login_it_is_just_there(browser: Browser) -> None:
    with served(auth=False) as server, visit(browser, server.url) as visited:
        page = DashboardPage(visited)
        page.expect_connected()
        server.wait_for_log(re.compile("the dashboard has no login"), PATIENCE)


def test_two_workers_are_one_dashboard(browser: Browser) -> None:
    with served(workers=2) as server, visit(browser, server.url) as visited:
        page = DashboardPage(visited)
        page.log_in()
        page.expect_connected()
        page.page.reload()  # perhaps by way of the other one
        page.expect_connected()
        page.expect_row("Healthy", "2")
        with client(server.url) as one, client(server.url) as two, client(server.url) as three:
            page.show("Sockets")
            for talking in (one, two, three):
                page.expect_row(talking.sid)
            for talking in (one, two, three):
                sid = talking.sid
                page.row(sid).get_by_role("button").click()
                page.show("Sockets")
                page.expect_no_row(sid)
                talking.client.wait()


def test_chinese_browser_has_a_chinese_page(browser: Browser) -> None:
    with served() as server:
        context = browser.new_context(locale="zh-CN")
        page = context.new_page()
        page.goto(f"{server.url}/socket.io/admin")
        expect(page.get_by_label("用户名")).to_be_visible()
        context.close()


def test_page_is_behind_any_prefix(browser: Browser) -> None:
    env = {**environment({}, {}), "SCRIPT_NAME": "/some/prefix"}
    server = ServerProcess([str(SCRIPTS / "gunicorn"), *GUNICORN], env)
    with server, visit(browser, server.url) as visited:
        page = DashboardPage(visited, "/some/prefix/socket.io/admin")
        page.log_in()
        page.expect_connected()
        page.expect_row("/other", "0")


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({"path": "/real/time", "serve_client": False}, "/real/time/admin/"),
        ({"serializer": "msgpack"}, "/socket.io/admin/"),
        ({"transports": ["websocket"]}, "/socket.io/admin/"),
        ({"transports": ["polling"]}, "/socket.io/admin/"),
        ({"always_connect": True}, "/socket.io/admin/"),
    ],
)
def test_page_knows_how_to_connect(browser: Browser, options: dict[str, Any], path: str) -> None:
    with served(options=options) as server, visit(browser, server.url) as visited:
        page = DashboardPage(visited, path)
        page.log_in()
        page.expect_connected()
        page.expect_row("/other", "0")
