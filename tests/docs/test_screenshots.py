"""docs/screenshots.py makes every picture, and pages show them."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.clients.browser import chromium
from tests.docs.pages import ROOT, pages

IMAGES = ROOT / "docs/images"
PNG = b"\x89PNG\r\n\x1a\n"


def load() -> Any:
    """The script, which is in no package."""
    spec = importlib.util.spec_from_file_location("screenshots", ROOT / "docs/screenshots.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SCRIPT = load()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.mark.parametrize("name", SCRIPT.PICTURES)
def test_the_script_makes_it(name: str, browser: Browser, tmp_path: Path) -> None:
    SCRIPT.PICTURES[name](browser, tmp_path)
    made = list(tmp_path.iterdir())
    assert made
    for picture in made:
        assert picture.read_bytes().startswith(PNG)
        assert (IMAGES / picture.name).exists(), f"make screenshots ARGUMENTS={name}"


@pytest.mark.parametrize("picture", [path.name for path in IMAGES.iterdir()])
def test_a_page_shows_it(picture: str) -> None:
    shown = [page for page in pages() if f"images/{picture})" in (ROOT / page).read_text("utf-8")]
    assert shown
