"""The quickstart, word by word: its commands in an empty folder, the built wheel, and two tabs of Chromium."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.browser import chromium, visit
from tests.clients.phone import assert_fits
from tests.docs.pages import ROOT
from tests.kit.missing import skip_or_fail
from tests.kit.server import ServerProcess
from tests.packaging.test_wheel import build
from tests.tutorial.pages import LANGUAGES, blocks_of, copy_from, page_of, quickstart
from tests.tutorial.reader import PORT, on_a_free_port

INSTALL = "pip install flask-duplex"
#: From the first command to the message.
SECONDS = 120


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", ROOT, tmp_path_factory.mktemp("wheel"))


def type_in(folder: Path, commands: str, wheel: Path) -> None:
    """What a reader types into a terminal, but for the name of the wheel, which is on no index yet."""
    assert INSTALL in commands
    typed = "set -e\n" + commands.replace(INSTALL, f"pip install --quiet {wheel}")
    done = subprocess.run(
        ["bash", "-c", typed], cwd=folder, capture_output=True, text=True, timeout=150, check=False
    )
    if "No matching distribution found" in done.stderr:
        skip_or_fail(f"what the wheel needs could not be installed: {done.stderr[-200:]}")
    assert done.returncode == 0, done.stderr


@pytest.fixture(params=LANGUAGES)
def server(
    request: pytest.FixtureRequest, tmp_path: Path, wheel: Path
) -> Iterator[tuple[ServerProcess, float]]:
    page = quickstart(request.param)
    begun = time.monotonic()
    install, start = blocks_of(page, "sh")
    type_in(tmp_path, install, wheel)
    folder = tmp_path / "quickstart"
    copy_from(page, folder)
    on_a_free_port(folder)
    commands = f". .venv/bin/activate\nexec {start}"
    with ServerProcess(["bash", "-c", commands], {"PYTHONUNBUFFERED": ""}, cwd=folder) as server:
        (printed,) = blocks_of(page, "text")
        assert server.log == printed.replace("http://127.0.0.1:8000", server.url)
        yield server, begun


@pytest.mark.timing
@pytest.mark.timeout(240)
def test_two_tabs_talk(server: tuple[ServerProcess, float]) -> None:
    process, begun = server
    with chromium() as browser, visit(browser, process.url) as here:
        there = here.page.context.new_page()
        tabs = [here.page, there]
        for tab in tabs:
            tab.goto(process.url)
            tab.get_by_text("Connected", exact=True).wait_for()
        here.page.get_by_label("Message").fill("Hello <b>you</b>")
        here.page.get_by_role("button", name="Send").click()
        for tab in tabs:
            tab.get_by_text("Hello <b>you</b>").wait_for()
            assert_fits(tab)
        assert time.monotonic() - begun < SECONDS
        assert here.errors == []
        assert here.hosts == {here.own_host}
        process.stop()
        for tab in tabs:
            tab.get_by_text("Not connected").wait_for()


def test_the_tutorial_begins_like_the_quickstart() -> None:
    """So what it says to type works as well."""
    for language in LANGUAGES:
        for kind in ("sh", "bat"):
            tutorial = blocks_of(page_of(language, 1), kind)[0]
            begins = blocks_of(quickstart(language), kind)[0].replace("quickstart", "chat")
            assert tutorial == f"{begins}mkdir templates\nmkdir static\n"


# -- if something is different -----------------------------------------------------------------------


@pytest.mark.parametrize(("name", "missing"), [("flask_socketio", "SocketIO"), ("flask", "Flask")])
def test_a_file_with_the_name_of_a_library(name: str, missing: str, tmp_path: Path) -> None:
    copy_from(quickstart("en"), tmp_path)
    (tmp_path / "app.py").rename(tmp_path / f"{name}.py")
    assert f"cannot import name '{missing}'" in failure_of(tmp_path / f"{name}.py")
    assert_is_in_the_table(f"`{name}.py`")


def test_the_app_runs_already(tmp_path: Path) -> None:
    copy_from(quickstart("en"), tmp_path)
    app = tmp_path / "app.py"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        app.write_text(app.read_text().replace(PORT, f"port={port}"))
        assert f"Port {port} is in use by another program" in failure_of(app)
    assert_is_in_the_table("`Port 8000 is in use by another program`")


def failure_of(script: Path) -> str:
    command = [sys.executable, script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    return done.stdout + done.stderr


def assert_is_in_the_table(text: str) -> None:
    for language in LANGUAGES:
        rows = (ROOT / quickstart(language)).read_text(encoding="utf-8").splitlines()
        assert any(text in row for row in rows if row.startswith("|"))
