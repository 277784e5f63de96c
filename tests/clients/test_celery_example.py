"""A task of Celery's shows its progress in a page and asks there: as `make celery_progress` starts it, in Chromium."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.clients.browser import Visit, chromium, visit
from tests.clients.phone import assert_fits
from tests.kit.server import ROOT, ServerProcess

SCRIPT = ROOT / "example" / "celery_progress" / "run.py"
SECONDS = 30_000


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with ServerProcess.script(SCRIPT, {"STEP": "0.05"}) as server:
        yield server


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def start(page: Visit) -> None:
    page.open()
    expect(page.page.locator("#state")).to_have_text("connected")
    page.page.get_by_role("button", name="Start").click()


def test_the_task_asks_the_page_that_has_started_it(
    server: ServerProcess, browser: Browser, tmp_path: Path
) -> None:
    with visit(browser, server.url) as page, visit(browser, server.url) as other:
        other.open()
        start(page)
        question = page.page.get_by_text("10 pictures are sorted. Go on?")
        expect(question).to_be_visible(timeout=SECONDS)
        page.page.screenshot(path=tmp_path / "question.png")
        assert_fits(page.page)
        expect(page.page.locator("#state")).to_have_text("10 of 20")
        page.page.get_by_role("button", name="Go on").click()
        expect(page.page.locator("#state")).to_have_text("all 20 sorted", timeout=SECONDS)
        assert page.page.locator("#bar").get_attribute("value") == "20"
        expect(other.page.locator("#state")).to_have_text("connected")
        assert page.errors == other.errors == []
        assert page.hosts == {page.own_host}


def test_the_visitor_stops_it(server: ServerProcess, browser: Browser) -> None:
    with visit(browser, server.url) as page:
        start(page)
        page.page.get_by_role("button", name="Stop").click(timeout=SECONDS)
        expect(page.page.locator("#state")).to_have_text("stopped after 10 of 20")


def test_a_page_that_has_been_closed_is_not_waited_for(
    server: ServerProcess, browser: Browser
) -> None:
    with visit(browser, server.url) as page:
        start(page)
        expect(page.page.locator("#state")).to_have_text(re.compile("[1-5] of 20"), timeout=SECONDS)
    server.wait_for_log(re.compile("the page has been closed"), 20)
