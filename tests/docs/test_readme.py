"""The READMEs' snippet, pasted into an empty folder, in Chromium without the internet."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.clients.browser import chromium, visit
from tests.docs.pages import block, blocks
from tests.kit.server import ServerProcess


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.mark.parametrize("command", ["app.py", "-m flask run"])
@pytest.mark.parametrize("page", ["README.md", "README.zh.md"])
def test_the_snippet_runs_as_it_is(
    page: str, command: str, tmp_path: Path, browser: Browser
) -> None:
    text = block(page, "SocketIO(app)")
    assert "python app.py" in block(page, "app.py")
    # Only the port is another one.
    text = text.replace("port=8000", "port=0")
    (tmp_path / "app.py").write_text(text, encoding="utf-8")
    words = [str(tmp_path / "app.py")] if command == "app.py" else command.split()
    env = {"FLASK_RUN_PORT": "0", "PYTHONPATH": str(tmp_path)}
    with (
        ServerProcess([sys.executable, *words], env) as server,
        visit(browser, server.url) as one,
        visit(browser, server.url) as other,
    ):
        other.page.set_viewport_size({"width": 360, "height": 640})
        one.open()
        other.open()
        one.page.get_by_role("textbox").fill("你好, <b>you</b>")
        one.page.get_by_role("button").click()
        for visitor in (one, other):
            expect(visitor.page.get_by_role("listitem")).to_have_text(["你好, <b>you</b>"])
            assert visitor.errors == []
            assert visitor.hosts == {visitor.own_host}
        assert other.run("return document.documentElement.scrollWidth") <= 360


def test_both_languages_have_the_same_blocks() -> None:
    languages = [
        [block.language for block in blocks(page)] for page in ("README.md", "README.zh.md")
    ]
    assert languages[0] == languages[1]
    links = [targets(page) for page in ("README.md", "README.zh.md")]
    chinese = {link.replace("docs/zh/", "docs/") for link in links[1]}
    assert links[0] - {"README.zh.md"} == chinese - {"README.md"}


def targets(page: str) -> set[str]:
    text = (Path(__file__).parents[2] / page).read_text(encoding="utf-8")
    return {part.partition(")")[0] for part in text.split("](")[1:]}
