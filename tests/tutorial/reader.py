"""Somebody who follows the tutorial: a folder with the files of its pages, and the app that runs there."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.clients.browser import Visit
from tests.kit.server import ServerProcess
from tests.tutorial.pages import copy_from, page_of

#: What stands in app.py; a test takes a free port.
PORT = "port=8000"


def follow(language: str, step: int, folder: Path) -> Path:
    """The folder `chat` after this step."""
    for number in range(1, step + 1):
        copy_from(page_of(language, number), folder)
    return folder


def run(folder: Path) -> ServerProcess:
    """`python app.py`, on a free port."""
    app = folder / "app.py"
    text = app.read_text()
    assert text.count(PORT) == 1
    app.write_text(text.replace(PORT, "port=0"))
    return ServerProcess([sys.executable, "app.py"], cwd=folder)


def log_in(visitor: Visit, name: str, password: str) -> None:
    visitor.open()
    page = visitor.page
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


def log_in_both(ada: Visit, bob: Visit) -> None:
    log_in(ada, "ada", "analytical")
    log_in(bob, "bob", "builder")


def enter(visitor: Visit, room: str = "Lobby") -> None:
    visitor.page.get_by_text("Connected", exact=True).wait_for()
    visitor.page.get_by_label("Room").fill(room)
    visitor.page.get_by_role("button", name="Enter").click()


def say(visitor: Visit, text: str) -> None:
    visitor.page.get_by_label("Message").fill(text)
    visitor.page.get_by_role("button", name="Send", exact=True).click()
