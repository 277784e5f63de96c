"""`make docs`, and its site in Chromium without the internet."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, expect

from tests.clients.browser import Visit, chromium, visit
from tests.docs.pages import pages

PHONE = {"width": 360, "height": 640}


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Nothing is printed."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    handler = functools.partial(Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def url(site: Path) -> Iterator[str]:
    with served(site) as url:
        yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def reader(browser: Browser, url: str) -> Iterator[Visit]:
    """Who has a phone."""
    with visit(browser, url) as reader:
        reader.page.set_viewport_size(PHONE)
        yield reader
        assert reader.hosts == {reader.own_host}
        assert reader.errors == []


def test_each_page_is_on_the_site(site: Path) -> None:
    missing = [
        page
        for page in pages()
        if page.startswith("docs/")
        and not (site / page.removeprefix("docs/")).with_suffix(".html").exists()
    ]
    assert missing == []


@pytest.mark.parametrize(
    ("words", "page"),
    [
        ("max_connections", "options"),
        ("sticky sessions", "machines"),
        ("长轮询", "zh/index"),
        ("双向收发消息", "zh/index"),
        ("Socket.IO 服务器", "zh/index"),
    ],
)
def test_a_page_is_found(reader: Visit, words: str, page: str) -> None:
    reader.open(f"/search.html?q={quote(words)}")
    expect(reader.page.locator(f'ul.search a[href^="{page}.html"]').first).to_be_visible()


def test_what_is_nowhere_is_not_found(reader: Visit) -> None:
    reader.open(f"/search.html?q={quote('没有的词语')}")
    expect(reader.page.locator("#search-results")).to_contain_text("did not match")


@pytest.mark.parametrize("page", ["index", "options", "serving", "zh/index"])
def test_a_phone_shows_the_whole_page(reader: Visit, page: str) -> None:
    reader.open(f"/{page}.html")
    assert reader.run("return document.documentElement.scrollWidth") <= PHONE["width"]


def test_chinese_pages_lead_to_chinese_pages(reader: Visit) -> None:
    reader.open("/zh/quickstart.html")
    links = reader.page.locator(".sidebar-tree a.reference")
    assert links.count() > 10
    titles = links.all_text_contents()
    assert "快速开始" in titles
    assert not [title for title in titles if title in {"Quickstart", "Options", "Changes"}]
    links.filter(has_text="房间").first.evaluate("link => link.click()")
    expect(reader.page.locator("h1")).to_contain_text("房间")


def test_from_one_language_to_the_other(reader: Visit) -> None:
    reader.page.set_viewport_size({"width": 1200, "height": 800})
    reader.open("/options.html")
    reader.page.locator(".sidebar-language").get_by_role("link", name="中文").click()
    expect(reader.page.locator("html")).to_have_attribute("lang", "zh-CN")
    reader.page.locator(".sidebar-language").get_by_role("link", name="English").click()
    expect(reader.page.locator("html")).to_have_attribute("lang", "en")
