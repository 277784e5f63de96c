"""The pictures of the documentation, docs/images/: `make screenshots`, or with the names of some.

Each is what Chromium shows of a program that runs here. Text in Chinese takes a font (Debian: fonts-wqy-microhei).
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page

from tests.cli.terminal import FLASK, InFolder
from tests.clients.browser import Visit, chromium, visit
from tests.dashboard.kit import DashboardPage, client, served
from tests.kit.server import ROOT, ServerProcess
from tests.tutorial.reader import choose, enter, follow, log_in_both, run, say

IMAGES = ROOT / "docs/images"
WINDOW = {"width": 800, "height": 560}
#: for pages with tables
WIDE = {"width": 1280, "height": 720}
PATIENCE = 30_000


@contextmanager
def seen(browser: Browser, server: ServerProcess, size: dict[str, int] = WINDOW) -> Iterator[Visit]:
    with visit(browser, server.url) as visitor:
        visitor.page.set_viewport_size({"width": size["width"], "height": size["height"]})
        yield visitor
        assert visitor.hosts <= {visitor.own_host}, visitor.hosts


def shoot(page: Page, path: Path) -> None:
    page.wait_for_timeout(500)  # what moves has come to rest
    page.screenshot(path=path)


def example(browser: Browser, folder: Path) -> None:
    script = ROOT / "example/socketio_example.py"
    with ServerProcess.script(script) as server, seen(browser, server) as visitor:
        visitor.open()
        visitor.page.get_by_text("websocket").wait_for()
        visitor.page.get_by_role("textbox").fill("How are you?")
        visitor.page.get_by_role("button", name="Send").click()
        visitor.page.get_by_text("发送成功").nth(1).wait_for()
        shoot(visitor.page, folder / "example.png")


def thread(browser: Browser, folder: Path) -> None:
    script = ROOT / "example/socketio_thread/app.py"
    with (
        ServerProcess.script(script, {"DISPLAY": "", "WAIT": "2"}) as server,
        seen(browser, server) as visitor,
    ):
        visitor.open()
        visitor.page.get_by_role("button", name="Ask").click()
        visitor.page.get_by_role("button", name="Echo").click()
        visitor.page.wait_for_timeout(2500)
        shoot(visitor.page, folder / "thread.png")


def progress(browser: Browser, folder: Path) -> None:
    script = ROOT / "example/celery_progress/run.py"
    with (
        ServerProcess.script(script, {"STEP": "0.05"}) as server,
        seen(browser, server) as visitor,
    ):
        visitor.open()
        visitor.page.get_by_role("button", name="Start").click()
        visitor.page.get_by_text("Go on?").wait_for(timeout=PATIENCE)
        shoot(visitor.page, folder / "progress.png")


def tutorial(browser: Browser, folder: Path) -> None:
    with (
        tempfile.TemporaryDirectory() as home,
        run(follow(5, Path(home))) as server,
        seen(browser, server) as ada,
        seen(browser, server) as bob,
    ):
        log_in_both(ada, bob)
        enter(ada)
        enter(bob)
        ada.page.get_by_text("bob is here.").wait_for()
        say(bob, "Hello, ada")
        say(ada, "Hello, bob. Here is the picture:")
        choose(ada, "demo.png", (IMAGES / "demo.png").read_bytes())
        ada.page.get_by_text("Sent.", exact=True).wait_for()
        bob.page.get_by_alt_text("Image from ada").wait_for()
        bob.page.set_viewport_size({"width": WINDOW["width"], "height": 720})
        shoot(bob.page, folder / "tutorial.png")


def demo(browser: Browser, folder: Path) -> None:
    with (
        tempfile.TemporaryDirectory() as home,
        InFolder([*FLASK, "socketio", "demo", "--port", "0"], Path(home)) as server,
        seen(browser, server) as visitor,
    ):
        visitor.open()
        visitor.page.locator("#transport").get_by_text("websocket").wait_for()
        visitor.page.fill("#text", "Hello, you")
        visitor.page.press("#text", "Enter")
        visitor.page.locator("#median").get_by_text(" ms").wait_for(timeout=PATIENCE)
        shoot(visitor.page, folder / "demo.png")


def dashboard(browser: Browser, folder: Path) -> None:
    with (
        served() as server,
        client(server.url) as one,
        client(server.url) as other,
        client(server.url, transports=["polling"]),
        seen(browser, server, WIDE) as visitor,
    ):
        page = DashboardPage(visitor)
        page.log_in()
        page.expect_connected()
        for talking, room in ((one, "Lobby"), (other, "Garden")):
            talking.emit("enter", room)
            talking.emit("say", {"text": f"Hello, {room}"})
        page.show("Events")
        page.expect_row("event received", "say")
        shoot(visitor.page, folder / "dashboard-events.png")
        page.show("Dashboard")
        shoot(visitor.page, folder / "dashboard.png")


PICTURES: dict[str, Callable[[Browser, Path], None]] = {
    function.__name__: function
    for function in (example, thread, progress, demo, tutorial, dashboard)
}


def main(names: list[str], folder: Path = IMAGES) -> None:
    with chromium() as browser:
        for name in names or PICTURES:
            print(name)
            PICTURES[name](browser, folder)


if __name__ == "__main__":
    main(sys.argv[1:])
