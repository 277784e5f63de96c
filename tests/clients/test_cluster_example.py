"""The example of several machines, as `make cluster` starts it, in Chromium: pages of all workers see each other."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.clients.browser import Visit, chromium, visit
from tests.clients.phone import assert_fits
from tests.kit.ports import free_port
from tests.kit.raw import Address
from tests.kit.server import ROOT, START_DEADLINE, ServerProcess
from tests.proxies.fronts import program_of

SCRIPT = ROOT / "example" / "cluster" / "run.py"
PAGES = 6


class Cluster(ServerProcess):
    def __init__(self, front: str) -> None:
        program_of(front)
        self._port = free_port()  # and the next two, most likely
        arguments = ["--front", front, "--port", str(self._port)]
        super().__init__([sys.executable, str(SCRIPT), *arguments])

    def wait_until_it_listens(self) -> Address:
        self.wait_for_log(re.compile(" Open http"), START_DEADLINE)
        return "127.0.0.1", self._port


@pytest.fixture(params=["nginx", "haproxy"])
def cluster(request: pytest.FixtureRequest) -> Iterator[ServerProcess]:
    with Cluster(request.param) as server:
        yield server


def test_pages_of_all_workers_see_each_other(cluster: ServerProcess) -> None:
    with chromium() as browser, ExitStack() as stack:
        pages = list[Visit]()
        while len(pages) < PAGES or {machine(page) for page in pages} != {"A", "B"}:
            pages.append(stack.enter_context(visit(browser, cluster.url)))
            pages[-1].open()
            pages[-1].page.get_by_text("served by").wait_for()
            assert len(pages) < 3 * PAGES
        for page in pages:
            page.page.get_by_text(f"{len(pages)} pages in all").wait_for()
        first, second, *others = pages
        assert len({frozenset(sections(page)) for page in pages}) == 1
        for page in (first, second):
            page.page.get_by_label("I am in").select_option("red")
        first.page.get_by_text("room red").nth(1).wait_for()
        say(others[0], "to the room", "red")
        say(others[0], "to all", "")
        for page in pages:
            page.page.get_by_text("to all").first.wait_for()
            heard = page.page.locator("#said").inner_text()
            assert ("to the room" in heard) == (page in (first, second))
            assert page.errors == []
            assert page.hosts == {page.own_host}
        second.page.close()
        first.page.get_by_text(f"{len(pages) - 1} pages in all").wait_for()
        assert_fits(first.page)


def sections(page: Visit) -> list[str]:
    return page.page.locator("h2", has_text="Machine").all_inner_texts()


def machine(page: Visit) -> str:
    return page.page.locator("#state").inner_text().partition("served by machine ")[2][:1]


def say(page: Visit, text: str, room: str) -> None:
    page.page.get_by_label("To").select_option(room)
    page.page.get_by_role("textbox").fill(text)
    page.page.get_by_role("button", name="Send").click()
