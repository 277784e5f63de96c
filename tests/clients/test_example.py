"""The user's first example, started as `make example` starts it and opened in Chromium without the internet."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.browser import Visit, chromium, visit
from tests.clients.phone import assert_fits
from tests.kit.server import ROOT, ServerProcess


@pytest.fixture
def server() -> Iterator[ServerProcess]:
    with ServerProcess.script(ROOT / "example" / "socketio_example.py") as server:
        yield server


@pytest.fixture
def page(server: ServerProcess) -> Iterator[Visit]:
    with chromium() as browser, visit(browser, server.url) as page:
        yield page


def test_the_page_connects_sends_and_shows_the_answer(page: Visit, tmp_path: Path) -> None:
    page.open()
    answers = page.page.get_by_text("发送成功")
    answers.first.wait_for(state="visible")
    page.page.screenshot(path=tmp_path / "example.png")
    assert page.console == ["发送成功"]
    assert page.errors == []
    assert page.hosts == {page.own_host}
    assert f"{page.url}/socket.io/socket.io.min.js" in page.requests


def test_what_the_visitor_types_is_answered(page: Visit) -> None:
    page.open()
    page.page.get_by_text("发送成功").first.wait_for(state="visible")
    page.page.get_by_role("textbox").fill("再来一次")
    page.page.get_by_role("button", name="Send").click()
    page.page.get_by_text("发送成功").nth(1).wait_for(state="visible")
    assert page.console == ["发送成功"] * 2
    assert page.errors == []
    assert page.hosts == {page.own_host}


def test_it_fits_a_phone(page: Visit, server: ServerProcess) -> None:
    page.open()
    page.page.get_by_text("connected · websocket").wait_for()
    assert_fits(page.page)
    server.stop()
    page.page.get_by_text("cannot connect").wait_for()
    assert_fits(page.page)


def test_the_client_without_a_browser(server: ServerProcess) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "example" / "python_client.py", server.url],
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert done.stdout.splitlines() == [
        "connected over websocket",
        "response Hello from a program",
        "response and goodbye",
    ], done.stderr
