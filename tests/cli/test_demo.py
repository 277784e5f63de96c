"""`flask socketio demo`, in Chromium, which reaches no other host."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.cli.nginx import HOST, UPGRADE, Nginx, passing
from tests.cli.terminal import FLASK, OURS, InFolder
from tests.clients.browser import Visit, chromium, visit


@pytest.fixture(scope="module", params=[[*FLASK, "socketio"], OURS], ids=["flask", "python -m"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[InFolder]:
    folder = tmp_path_factory.mktemp("empty")
    with InFolder([*request.param, "demo", "--port", "0"], folder) as server:
        yield server


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def wait_until_upgraded(page: Page) -> None:
    expect(page.locator("#state")).to_have_text("connected")
    expect(page.locator("#transport")).to_have_text("websocket", timeout=15_000)
    expect(page.locator("#upgrade")).to_contain_text("after ")
    expect(page.locator("#fault")).to_be_hidden()


def see_latency(page: Page) -> None:
    for name in ("#latency", "#median"):
        expect(page.locator(name)).to_contain_text(" ms", timeout=15_000)


def test_a_page_shows_what_it_reaches(server: InFolder, browser: Browser) -> None:
    with visit(browser, server.url) as seen, visit(browser, server.url) as other:
        for one in (seen, other):
            one.open()
            wait_until_upgraded(one.page)
        seen.page.fill("#text", "Hello, you")
        seen.page.press("#text", "Enter")
        expect(seen.page.locator("#log .own")).to_have_text("Hello, you")
        expect(other.page.locator("#log li:not(.own)")).to_contain_text("Hello, you")
        see_latency(seen.page)
        assert seen.hosts == {seen.own_host}
        assert seen.errors == other.errors == []


def test_it_fits_a_phone(server: InFolder, browser: Browser) -> None:
    with visit(browser, server.url) as seen:
        seen.page.set_viewport_size({"width": 360, "height": 640})
        seen.open()
        wait_until_upgraded(seen.page)
        see_latency(seen.page)
        assert seen.page.evaluate("document.documentElement.scrollWidth") == 360
        assert seen.page.evaluate("document.documentElement.scrollHeight") <= 640


def test_in_chinese(server: InFolder, browser: Browser) -> None:
    context = browser.new_context(locale="zh-CN")
    seen = Visit(context, server.url)
    seen.open()
    expect(seen.page.locator("#state")).to_have_text("已连接")
    expect(seen.page.locator("#send")).to_have_text("发送")
    context.close()


# -- behind a proxy, which is what it is for -------------------------------------------------------


def test_below_a_prefix(server: InFolder, browser: Browser, tmp_path: Path) -> None:
    locations = passing(server, UPGRADE + HOST, "/demo/", "/")
    with Nginx(tmp_path, locations) as nginx, visit(browser, nginx.url) as seen:
        seen.open("/demo/")
        wait_until_upgraded(seen.page)
        assert seen.errors == []


def test_a_proxy_without_websocket(server: InFolder, browser: Browser, tmp_path: Path) -> None:
    with Nginx(tmp_path, passing(server, HOST)) as nginx, visit(browser, nginx.url) as seen:
        seen.open()
        fault = seen.page.locator("#fault")
        expect(fault).to_contain_text("WebSocket does not come through", timeout=15_000)
        expect(fault).to_contain_text(f"flask socketio doctor {nginx.url}/")
        expect(seen.page.locator("#transport")).to_have_text("polling")
        see_latency(seen.page)


def test_a_proxy_that_changes_the_host(server: InFolder, browser: Browser, tmp_path: Path) -> None:
    """The origin is none of the server's then: polls of the same page have no Origin, what is posted has."""
    with Nginx(tmp_path, passing(server, UPGRADE)) as nginx, visit(browser, nginx.url) as seen:
        seen.open()
        expect(seen.page.locator("#state")).not_to_have_text("connected", timeout=15_000)
        expect(seen.page.locator("#fault")).to_contain_text("doctor", timeout=15_000)


def test_a_proxy_without_the_client(server: InFolder, browser: Browser, tmp_path: Path) -> None:
    with Nginx(tmp_path, passing(server, HOST, "= /")) as nginx, visit(browser, nginx.url) as seen:
        seen.open()
        expect(seen.page.locator("#fault")).to_contain_text("did not load")
