"""Somebody who follows the tutorial: a folder with the files of its pages, and the app that runs there."""

from __future__ import annotations

import struct
import sys
import zlib
from pathlib import Path

from tests.clients.browser import Visit
from tests.kit.server import ServerProcess
from tests.tutorial.pages import LANGUAGES, copy_from, page_of

PORT = "port=8000"


def follow(step: int, folder: Path) -> Path:
    """The folder `chat` after this step, from English and Chinese pages in turns."""
    languages = list(LANGUAGES)
    for number in range(1, step + 1):
        copy_from(page_of(languages[number % len(languages)], number), folder)
    return folder


def on_a_free_port(folder: Path) -> None:
    """Have app.py take any port, where a reader has 8000 to himself."""
    app = folder / "app.py"
    text = app.read_text(encoding="utf-8")
    assert text.count(PORT) == 1
    app.write_text(text.replace(PORT, "port=0"), encoding="utf-8")


def run(folder: Path) -> ServerProcess:
    """`python app.py`"""
    on_a_free_port(folder)
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


def choose(visitor: Visit, name: str, content: bytes) -> None:
    visitor.page.get_by_label("Image").set_input_files(
        {"name": name, "mimeType": "image/png", "buffer": content}
    )
    visitor.page.get_by_role("button", name="Send the image").click()


def png(width: int, height: int) -> bytes:
    """A PNG file: a black picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checked = kind + data
        return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\0" + bytes(width)) * height)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
