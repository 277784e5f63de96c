"""example/typed: the page's program is checked against the server's types, and works."""

from __future__ import annotations

import shutil
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.clients.browser import chromium, visit
from tests.kit.server import ROOT, ServerProcess
from tests.typed.tsc import tsc

EXAMPLE = ROOT / "example/typed"
FLASK = str(Path(sysconfig.get_path("scripts"), "flask"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(EXAMPLE, tmp_path / "typed"))


def test_the_interfaces_are_those_of_the_server(folder: Path) -> None:
    (folder / "events.ts").unlink()
    subprocess.run(
        [FLASK, "--app", "app", "socketio", "typescript", "-o", "events.ts"], cwd=folder, check=True
    )
    assert (folder / "events.ts").read_text() == (EXAMPLE / "events.ts").read_text()


def test_the_page_has_what_the_compiler_makes(folder: Path) -> None:
    (folder / "static/client.js").unlink()
    assert tsc(folder, "-p", ".") == []
    assert (folder / "static/client.js").read_text() == (EXAMPLE / "static/client.js").read_text()


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('emitWithAck("note"', 'emitWithAck("notes"'),
        ("{ text }", "{ words: text }"),
        ("{ text }", "{ text: 5 }"),
        ("{ text }", '{ text, colour: "red" }'),
        ('socket.on("noted", show)', 'socket.on("noted", (note: string) => {})'),
        ('socket.on("noted"', 'socket.on("written"'),
        ("note.colour", "note.color"),
    ],
)
def test_mistakes_do_not_compile(right: str, wrong: str, folder: Path) -> None:
    program = folder / "client.ts"
    before = program.read_text()
    assert right in before
    program.write_text(before.replace(right, wrong))
    assert tsc(folder, "-p", ".", "--noEmit")


@pytest.fixture
def server() -> Iterator[ServerProcess]:
    with ServerProcess.script(EXAMPLE / "app.py") as server:
        yield server


def test_the_page(server: ServerProcess) -> None:
    with (
        chromium() as browser,
        visit(browser, server.url) as one,
        visit(browser, server.url) as two,
    ):
        one.open()
        two.open()
        said = one.page.locator("output")
        write = one.page.get_by_role("textbox")
        button = one.page.get_by_role("button")
        write.fill("buy milk")
        button.click()
        expect(said).to_have_text("This is note 1.")
        expect(two.page.get_by_text("buy milk")).to_be_visible()
        write.fill("x" * 81)
        button.click()
        expect(said).to_have_text("text: Expected `str` of length <= 80")
        expect(two.page.get_by_role("listitem")).to_have_count(1)
        two.page.reload()
        expect(two.page.get_by_text("buy milk")).to_be_visible()
        assert one.errors == two.errors == []
        assert one.hosts == {one.own_host}
