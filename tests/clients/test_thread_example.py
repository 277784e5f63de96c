"""The user's second example: a dialog blocks its handler, and nobody else."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.clients.browser import Visit, chromium, visit
from tests.clients.phone import assert_fits
from tests.kit.missing import skip_or_fail
from tests.kit.server import ROOT, ServerProcess

SCRIPT = ROOT / "example" / "socketio_thread" / "app.py"
TITLE = "Question from the web"


@pytest.fixture
def display() -> Iterator[str]:
    """An X server without a screen."""
    for program in ("Xvfb", "xdotool"):
        if shutil.which(program) is None:
            skip_or_fail(
                f"{program} is not installed: the dialog cannot be shown, or not be answered"
            )
    if find_spec("tkinter") is None or find_spec("_tkinter") is None:
        print("skipped: this Python has no tkinter")
        pytest.skip("this Python has no tkinter")
    reader, writer = os.pipe()
    arguments = ["-displayfd", str(writer), "-screen", "0", "1024x700x24", "-nolisten", "tcp"]
    with subprocess.Popen(
        ["Xvfb", *arguments], pass_fds=[writer], stderr=subprocess.DEVNULL
    ) as server:
        os.close(writer)
        with os.fdopen(reader) as pipe:
            number = pipe.readline().strip()
        yield f":{number}"
        server.terminate()


def xdotool(display: str, *arguments: str) -> str:
    """What it prints; nothing where no such window is found."""
    env = {**os.environ, "DISPLAY": display}
    done = subprocess.run(
        ["xdotool", *arguments], env=env, capture_output=True, text=True, timeout=10
    )
    return done.stdout.strip()


def answer_dialog(display: str) -> None:
    """Press the button that has the focus, "Yes", as a person at the server would."""
    xdotool(display, "search", "--sync", "--onlyvisible", "--name", TITLE, "windowfocus", "--sync")
    xdotool(display, "key", "Return")


def dialog_is_open(display: str) -> bool:
    return bool(xdotool(display, "search", "--onlyvisible", "--name", TITLE))


def ask(page: Visit) -> None:
    expect(page.page.locator("#state")).to_have_text("connected")
    page.page.get_by_role("button", name="Ask").click()


def assert_served(page: Visit, times: int) -> None:
    """Echoes come at once, and the seconds go on."""
    before = int(page.page.locator("#seconds").inner_text())
    for number in range(times):
        page.page.get_by_label("Text").fill(f"echo {number}")
        page.page.get_by_role("button", name="Echo").click()
        first = page.page.locator("#answers li").first
        expect(first).to_contain_text(f"ECHO {number}", timeout=1000)
        expect(first).to_contain_text("while the handler is blocked")
    deadline = time.monotonic() + 5
    while int(page.page.locator("#seconds").inner_text()) < before + 2:
        assert time.monotonic() < deadline, "the background thread's seconds do not go on"
        time.sleep(0.1)


def test_a_dialog_blocks_nobody_else(display: str, tmp_path: Path) -> None:
    with (
        ServerProcess.script(SCRIPT, {"DISPLAY": display}) as server,
        chromium() as browser,
        visit(browser, server.url) as asker,
        visit(browser, server.url) as other,
    ):
        asker.open()
        other.open()
        for _ in range(2):  # also that a second one works
            ask(asker)
            for page in (asker, other):
                expect(page.page.locator("#dialog")).to_contain_text("a dialog is open")
                assert_served(page, 3)
            assert dialog_is_open(display)
            asker.page.screenshot(path=tmp_path / "dialog.png")
            answer_dialog(display)
            for page in (asker, other):
                expect(page.page.locator("#dialog")).to_have_text("The answer was: yes")
        assert asker.errors == other.errors == []
        assert asker.hosts == {asker.own_host}


def test_without_a_display_the_wait_blocks_nobody_else(tmp_path: Path) -> None:
    with (
        ServerProcess.script(SCRIPT, {"DISPLAY": "", "WAIT": "6"}) as server,
        chromium() as browser,
        visit(browser, server.url) as asker,
        visit(browser, server.url) as other,
    ):
        asker.open()
        other.open()
        ask(asker)
        expect(asker.page.locator("#note")).to_contain_text("blocks for 6 seconds")
        assert_served(other, 2)
        assert_served(asker, 2)
        asker.page.screenshot(path=tmp_path / "wait.png")
        assert_fits(other.page)
        expect(other.page.locator("#dialog")).to_have_text(
            re.compile("The answer was: yes, I suppose"), timeout=10_000
        )
        assert asker.errors == other.errors == []
