"""What the guides have for clients, run against the Python program of the same page."""

from __future__ import annotations

import base64
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.clients.browser import Visit, chromium, visit
from tests.docs.pages import block, blocks
from tests.kit.node import node
from tests.kit.server import ROOT, ServerProcess

SERVED = Path(__file__).with_name("served_page.py")
WAIT = 10.0
#: what Chromium says where the client, having been refused, gives up a WebSocket that it has just begun
GIVEN_UP = "WebSocket is closed before the connection is established"
#: the address that pages show
SHOWN = "http://127.0.0.1:5000"
ACKS = ["docs/guides/acks.md", "docs/zh/guides/acks.md"]
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def serve(page: str, program: int = 0) -> ServerProcess:
    return ServerProcess([sys.executable, str(SERVED), page, str(program)])


def scripts(page: str, program: int = 0) -> str:
    """The JavaScript that a page has beside one of its programs, but for what is not for browsers."""
    number, found = 0, list[str]()
    for each in blocks(page):
        number += "new program" in each.marks
        if number == program and each.language == "javascript":
            found.append(each.text)
    return "\n".join(found)


@contextmanager
def opened(browser: Browser, server: ServerProcess, script: str, kind: str = "module") -> Any:
    with visit(browser, server.url) as page:
        page.open("/client")
        page.page.add_script_tag(content=script, type=kind)
        yield page
        assert [line for line in page.errors if GIVEN_UP not in line] == []


def wait_for(page: Visit, *lines: str) -> None:
    """Until the console has these lines, and no others."""
    for _ in range(int(WAIT / 0.05)):
        said = sorted(line for line in page.console if GIVEN_UP not in line)
        if len(said) >= len(lines):
            break
        page.page.wait_for_timeout(50)
    assert said == sorted(lines)


@pytest.mark.parametrize(
    ("page", "greeting"),
    [("docs/guides/events.md", "Hello, Ada!"), ("docs/zh/guides/events.md", "你好，Ada！")],
)
def test_events(browser: Browser, page: str, greeting: str) -> None:
    with serve(page) as server, opened(browser, server, scripts(page)) as visited:
        wait_for(visited, greeting, "hello")
        server.wait_for_log(re.compile("to 3 4"), WAIT)
        server.wait_for_log(re.compile("2 points"), WAIT)


@pytest.mark.parametrize("page", ACKS)
def test_acks(browser: Browser, page: str) -> None:
    with serve(page) as server, opened(browser, server, scripts(page)) as visited:
        wait_for(visited, "5", "5", "deleted")


@pytest.mark.parametrize("page", ACKS)
def test_ack_errors(browser: Browser, page: str) -> None:
    with serve(page, 1) as server, opened(browser, server, scripts(page, 1)) as visited:
        server.allow_traceback("ZeroDivisionError: division by zero")
        wait_for(visited, "the handler of this event failed")


@pytest.mark.parametrize(
    ("page", "refusal"),
    [("docs/guides/connecting.md", "wrong token"), ("docs/zh/guides/connecting.md", "令牌不对")],
)
def test_connecting(browser: Browser, page: str, refusal: str) -> None:
    with serve(page) as server, opened(browser, server, scripts(page)) as visited:
        wait_for(visited, "in", "welcome Ada", f"refused: {refusal}", "in at last")


def test_binary(browser: Browser) -> None:
    page = "docs/guides/binary.md"
    with (
        serve(page) as server,
        opened(browser, server, scripts(page), "text/javascript") as visited,
    ):
        file = "const file = new File([Uint8Array.from(given)], 'dot.png');"
        visited.run(f"{file} await send(file);", list(PNG))
        wait_for(visited, str(len(PNG)))
        visited.page.wait_for_function(
            "document.querySelector('img[alt=\"dot.png\"]').naturalWidth == 1"
        )
        assert visited.run(f"{file} return sendInPieces(file, 10);", list(PNG)) == len(PNG)
        large = "return sendInPieces(new File([new Uint8Array(given)], 'large'));"
        assert visited.run(large, 2_000_000) == 2_000_000


def test_clients(browser: Browser) -> None:
    page = "docs/guides/clients.md"
    with serve(page) as server:
        script = block(page, "socket.io.esm.min.js")
        with opened(browser, server, script) as visited:
            wait_for(visited, "Hello, module!")
            visited.open("/")
            visited.page.get_by_text("Hello, page!").wait_for()


def test_the_npm_package() -> None:
    page = "docs/guides/clients.md"
    with serve(page) as server:
        script = block(page, 'from "socket.io-client"').replace(SHOWN, server.url)
        command = [node(), "--input-type=module"]
        ended = subprocess.run(
            command, input=script, capture_output=True, text=True, timeout=60, cwd=ROOT
        )
    assert (ended.stdout, ended.stderr) == ("Hello, bundle!\n", "")


def test_the_python_client() -> None:
    page = "docs/guides/clients.md"
    with serve(page) as server:
        script = block(page, "SimpleClient").replace(SHOWN, server.url)
        command = [sys.executable, "-c", script]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ended.stdout == "['hello', 'Hello, program!']\n", ended.stderr
