"""The pages show the files of example/tutorial/, all of them, the same in both languages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.kit.server import ROOT
from tests.tutorial.pages import (
    FILES,
    LANGUAGES,
    STEPS,
    all_pages,
    filled,
    page_of,
    printed_in,
    shown_in,
    typed_in,
)
from tests.tutorial.reader import follow


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pages_show_the_files_as_they_are(language: str) -> None:
    for page in all_pages(language):
        assert page.read_text() == filled(page), "run python -m tests.tutorial.pages"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_file_is_shown(language: str) -> None:
    shown = [path for page in all_pages(language) for path in shown_in(page)]
    there = [path for path in (ROOT / FILES).rglob("*") if path.is_file()]
    assert sorted(shown) == sorted(
        path.relative_to(ROOT).as_posix()
        for path in there
        if path.name != "README.md" and "__pycache__" not in path.parts
    )


def test_both_languages_say_the_same_but_for_the_words() -> None:
    for english, chinese in zip(all_pages("en"), all_pages("zh"), strict=True):
        assert english.name == chinese.name
        assert shown_in(english) == shown_in(chinese)
        assert typed_in(english) == typed_in(chinese)
        assert printed_in(english) == printed_in(chinese)
        assert _outline(english) == _outline(chinese)
        assert _code_in_prose(english) == _code_in_prose(chinese)


def _prose(page: Path) -> str:
    return re.sub(r"(?ms)^```.*?^```$", "", page.read_text())


def _outline(page: Path) -> list[str]:
    """Headings, items and rows of tables."""
    return re.findall(r"(?m)^(?:#+|-|\||\d\.)(?= )", _prose(page))


def _code_in_prose(page: Path) -> set[str]:
    return set(re.findall(r"`([^`]+)`", _prose(page).replace("\n", " ").replace("  ", " ")))


def test_files_have_the_names_under_which_the_page_speaks_of_them() -> None:
    for step in STEPS:
        page = page_of("en", step)
        for path in shown_in(page):
            name = path.split("/", 3)[3]
            assert f"`{name}`" in _prose(page), f"{page.name}: {name}"


def test_step_7_is_deploys_configuration_for_this_app(tmp_path: Path) -> None:
    configuration = (follow("en", 7, tmp_path) / "chat.conf").read_text()
    changed = (ROOT / "deploy" / "nginx.conf").read_text()
    for old, new in {
        "server 127.0.0.1:5000": "server 127.0.0.1:8000",
        "upstream app": "upstream chat",
        "http://app;": "http://chat;",
        "app.example": "chat.example",
        "/etc/ssl/app.": "/etc/ssl/chat.",
        "    listen 80;\n": "",
        "client_max_body_size 1m;": "client_max_body_size 5m;",
    }.items():
        assert old in changed
        changed = changed.replace(old, new)
    ours = configuration.splitlines()
    assert [line for line in changed.splitlines() if not line.startswith("#")] == [
        line for line in ours if not line.startswith("#") and line not in _REDIRECT
    ] + []


_REDIRECT: set[str] = set()
