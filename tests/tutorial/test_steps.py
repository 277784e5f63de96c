"""The tutorial, step by step: the files of its pages in an empty folder, run and looked at in Chromium.

Both languages show the same files (test_pages.py), so the reader here takes English and Chinese pages in turns.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.clients.browser import Visit, chromium, visit
from tests.clients.phone import assert_fits
from tests.kit.server import ServerProcess
from tests.tutorial.pages import blocks_of, page_of
from tests.tutorial.reader import choose, enter, follow, log_in, log_in_both, png, run, say

#: Longer than the report takes on a busy machine.
REPORT = 60_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


class Two:
    """Ada and Bob, each with a browser of their own, at the app after a step."""

    def __init__(self, server: ServerProcess, ada: Visit, bob: Visit) -> None:
        self.server, self.ada, self.bob = server, ada, bob

    def meet(self) -> None:
        log_in_both(self.ada, self.bob)
        enter(self.bob)
        enter(self.ada)
        self.bob.page.get_by_text("ada is here.").wait_for()

    def both(self) -> tuple[Visit, Visit]:
        return self.ada, self.bob


@contextmanager
def two(step: int, folder: Path, browser: Browser) -> Iterator[Two]:
    with (
        run(follow(step, folder)) as server,
        visit(browser, server.url) as ada,
        visit(browser, server.url) as bob,
    ):
        yield Two(server, ada, bob)
        for visitor in (ada, bob):
            assert visitor.errors == []
            assert visitor.hosts == {visitor.own_host}
            assert_fits(visitor.page)


def test_1_a_chat_with_rooms(browser: Browser, tmp_path: Path) -> None:
    with two(1, tmp_path, browser) as people:
        for visitor, name in zip(people.both(), ("Ada", "Bob"), strict=True):
            visitor.open()
            assert_fits(visitor.page)
            visitor.page.get_by_label("Name").fill(name)
            enter(visitor)
        ada, bob = people.both()
        ada.page.get_by_text("Bob is here.").wait_for()
        say(ada, "Hello <b>Bob</b>")
        for visitor in people.both():
            visitor.page.get_by_text("Ada: Hello <b>Bob</b>").wait_for()
        enter(bob, "Garden")
        ada.page.get_by_text("Bob has gone.").wait_for()
        say(bob, "among roses")
        bob.page.get_by_text("Bob: among roses").wait_for()
        say(ada, "alone")
        ada.page.get_by_text("Ada: alone").wait_for()
        assert "roses" not in ada.page.locator("#log").inner_text()
        assert "alone" not in bob.page.locator("#log").inner_text()


def test_1_after_an_interruption_the_page_enters_again(browser: Browser, tmp_path: Path) -> None:
    with two(1, tmp_path, browser) as people:
        for visitor, name in zip(people.both(), ("Ada", "Bob"), strict=True):
            visitor.open()
            visitor.page.get_by_label("Name").fill(name)
            enter(visitor)
        ada, bob = people.both()
        ada.page.get_by_text("Bob is here.").wait_for()
        bob.run("socket.io.engine.close()")
        ada.page.get_by_text("Bob has gone.").wait_for()
        expect(ada.page.get_by_text("Bob is here.")).to_have_count(2)


def test_2_login_by_session(browser: Browser, tmp_path: Path) -> None:
    with two(2, tmp_path, browser) as people:
        ada, bob = people.both()
        log_in(ada, "ada", "guessed")
        ada.page.get_by_text("Wrong name or password.").wait_for()
        assert "status of 401" in ada.errors.pop()
        assert_fits(ada.page)
        people.meet()
        say(bob, "Hello")
        ada.page.get_by_text("bob: Hello").wait_for()

        bob.page.context.clear_cookies()  # as a logout in another tab does
        bob.run("socket.disconnect().connect()")
        bob.page.get_by_text("Not connected: please log in").wait_for()
        ada.page.get_by_text("bob has gone.").wait_for()
        ada.page.get_by_role("button", name="Log out ada").click()
        ada.page.get_by_role("button", name="Log in").wait_for()


def test_2_login_by_token(browser: Browser, tmp_path: Path) -> None:
    with two(2, tmp_path, browser) as people:
        log_in(people.ada, "ada", "analytical")
        enter(people.ada)
        bot = tmp_path / "bot.py"
        bot.write_text(bot.read_text().replace("http://127.0.0.1:8000", people.server.url))
        done = subprocess.run(
            [sys.executable, bot], capture_output=True, text=True, timeout=60, check=False
        )
        assert done.stdout == blocks_of(page_of("en", 2), "text")[0], done.stderr
        people.ada.page.get_by_text("bob: Hello from a program").wait_for()
        people.bob.open()


def test_3_the_progress_bar_reaches_100(browser: Browser, tmp_path: Path) -> None:
    with two(3, tmp_path, browser) as people:
        people.meet()
        ada, bob = people.both()
        ada.page.get_by_role("button", name="Make a report").click()
        expect(ada.page.locator("#report-state")).to_have_text(re.compile(r"\d %"), timeout=REPORT)
        say(bob, "Hello meanwhile")
        ada.page.get_by_text("bob: Hello meanwhile").wait_for()
        again = ada.run("return await socket.emitWithAck('report')")
        assert again == "It is being made already."
        expect(ada.page.locator("#report-state")).to_have_text(
            "The report is ready.", timeout=REPORT
        )
        assert ada.page.locator("#bar").evaluate("bar => bar.value") == 100
        assert bob.page.locator("#bar").evaluate("bar => bar.value") == 0
        expect(ada.page.get_by_role("button", name="Make a report")).to_be_enabled()


def test_4_an_image_arrives_whole(browser: Browser, tmp_path: Path) -> None:
    with two(4, tmp_path, browser) as people:
        people.meet()
        ada, bob = people.both()
        choose(ada, "image.png", png(640, 480))
        ada.page.get_by_text("Sent.", exact=True).wait_for()
        image = bob.page.get_by_alt_text("Image from ada")
        image.wait_for()
        got = image.evaluate(
            "async (image) => [...new Uint8Array(await (await fetch(image.src)).arrayBuffer())]"
        )
        assert bytes(got) == png(640, 480)
        assert image.evaluate("image => image.naturalWidth") == 640
        choose(ada, "text.png", b"only a name")
        ada.page.get_by_text("This is no PNG, JPEG, GIF or WebP image.").wait_for()
        choose(ada, "large.png", bytes(3_000_001))
        ada.page.get_by_text("The image is too large: 3 MB at most.").wait_for()
        assert ada.run("return socket.connected")
        # What the page allows goes through without WebSocket, too.
        ada.run("socket.disconnect(); socket.io.opts.transports = ['polling']; socket.connect()")
        enter(ada)
        choose(ada, "largest.png", png(640, 480).ljust(3_000_000, b"\0"))
        ada.page.get_by_text("Sent.", exact=True).wait_for()


def test_5_the_browser_answers(browser: Browser, tmp_path: Path) -> None:
    with two(5, tmp_path, browser) as people:
        people.meet()
        ada, bob = people.both()
        say(bob, "Something")
        ada.page.get_by_text("bob: Something").wait_for()
        clear(ada, "No")
        ada.page.get_by_text("Nothing was cleared.").wait_for()
        assert "Something" in bob.page.locator("#log").inner_text()
        ada.page.get_by_role("button", name="Clear the room").click()
        ada.page.get_by_text("Clear Lobby for everybody?").wait_for()
        assert_fits(ada.page)
        assert not bob.page.get_by_role("dialog").is_visible()
        ada.page.get_by_role("button", name="Yes").click()
        ada.page.get_by_text("Cleared.", exact=True).wait_for()
        for visitor in people.both():
            expect(visitor.page.locator("#log")).to_have_text("ada has cleared the room.")


def clear(visitor: Visit, answer: str) -> None:
    visitor.page.get_by_role("button", name="Clear the room").click()
    visitor.page.get_by_role("button", name=answer, exact=True).click()


def test_6_its_tests_pass(tmp_path: Path) -> None:
    assert "8 passed" in pytest_of(follow(6, tmp_path))


def test_6_its_tests_notice_when_nobody_is_refused(tmp_path: Path) -> None:
    app = follow(6, tmp_path) / "app.py"
    line = '        raise ConnectionRefusedError("please log in")\n'
    assert line in app.read_text()
    app.write_text(app.read_text().replace(line, "        pass\n"))
    assert "2 failed, 4 passed" in pytest_of(tmp_path, "test_chat.py")


def pytest_of(folder: Path, *files: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *files],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.stdout + done.stderr
