"""The pages show the files of example/tutorial/, all of them, the same in both languages."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.docs.pages import ROOT
from tests.tutorial.pages import (
    FILES,
    LANGUAGES,
    STEPS,
    all_pages,
    blocks_of,
    copy_from,
    filled,
    name_of,
    page_of,
    shown_in,
)
from tests.tutorial.reader import follow

#: What Windows calls what the others type.
WINDOWS = {"python3 -m venv": "py -m venv", ". .venv/bin/activate": r".venv\Scripts\activate"}
#: What step 7 has in place of deploy/nginx.conf's lines.
ADAPTED = {
    "server 127.0.0.1:5000": "server 127.0.0.1:8000",
    "upstream app": "upstream chat",
    "http://app;": "http://chat;",
    "app.example": "chat.example",
    "/etc/ssl/app.": "/etc/ssl/chat.",
    "client_max_body_size 1m;": "client_max_body_size 5m;",
    "server {\n    listen 80;\n": (
        "server {\n    listen 80;\n    server_name chat.example;\n"
        "    return 301 https://$host$request_uri;\n}\n\nserver {\n"
    ),
}


def prose(page: str) -> str:
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.sub(r"(?ms)^```.*?^```$|<!--.*?-->", "", text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pages_show_the_files_as_they_are(language: str) -> None:
    for page in all_pages(language):
        text = (ROOT / page).read_text(encoding="utf-8")
        assert text == filled(page), "run python -m tests.tutorial.pages"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_file_is_shown(language: str) -> None:
    shown = [path for page in all_pages(language) for path in shown_in(page)]
    there = [path.relative_to(ROOT) for path in (ROOT / FILES).rglob("*.*") if path.is_file()]
    passed_by = {"README.md", "__pycache__"}
    assert sorted(shown) == sorted(
        path.as_posix() for path in there if not passed_by.intersection(path.parts)
    )


def test_both_languages_are_one_tutorial() -> None:
    for english, chinese in zip(all_pages("en"), all_pages("zh"), strict=True):
        assert Path(english).name == Path(chinese).name
        assert shown_in(english) == shown_in(chinese)
        for kind in ("sh", "bat", "text"):
            assert blocks_of(english, kind) == blocks_of(chinese, kind)
        assert outline(english) == outline(chinese)
        assert code_in_prose(english) == code_in_prose(chinese)


def outline(page: str) -> list[str]:
    """Its headings, items and rows."""
    return re.findall(r"(?m)^(?:#+|-|\||\d\.)(?= )", prose(page))


def code_in_prose(page: str) -> set[str]:
    return set(re.findall(r"`([^`]+)`", re.sub(r"\s+", " ", prose(page))))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_file_has_its_name_before_it(language: str) -> None:
    for page in all_pages(language):
        for path in shown_in(page):
            before = (ROOT / page).read_text(encoding="utf-8").partition(f"<!-- file: {path}")[0]
            last_lines = " ".join(before.splitlines()[-4:])
            assert f"`{name_of(path)}`" in last_lines, f"{page}: {path}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_windows_has_the_same_commands(language: str) -> None:
    for page in all_pages(language):
        typed = list[str]()
        for text in blocks_of(page, "sh"):
            for ours, theirs in WINDOWS.items():
                text = text.replace(ours, theirs)
            typed.append(text)
        for block in blocks_of(page, "bat"):
            assert block in typed


@pytest.mark.parametrize("language", LANGUAGES)
def test_step_1_has_the_files_it_lists(language: str, tmp_path: Path) -> None:
    page = page_of(language, 1)
    copy_from(page, tmp_path / "chat")
    listed = blocks_of(page, "text")[0].splitlines()
    assert listed[0] == "chat/"
    there = [path.relative_to(tmp_path / "chat") for path in tmp_path.rglob("*.*")]
    assert sorted(path.as_posix() for path in there) == sorted(map(str.strip, listed[1:]))


def test_step_7_has_the_configuration_of_deploy() -> None:
    wanted = (ROOT / "deploy" / "nginx.conf").read_text(encoding="utf-8")
    for old, new in ADAPTED.items():
        assert old in wanted
        wanted = wanted.replace(old, new)
    shown = shown_in(page_of("en", STEPS[-1]))[f"{FILES}/step7/chat.conf"]
    assert without_head(shown) == without_head(wanted)


def without_head(configuration: str) -> str:
    return configuration[configuration.index("upstream") :]


def test_the_folders_are_laid_over_one_another(tmp_path: Path) -> None:
    (commands,) = blocks_of("example/tutorial/README.md", "sh")
    typed = commands.replace("/tmp/chat", str(tmp_path / "chat"))  # noqa: S108 - as on the page
    subprocess.run(["bash", "-ec", typed], cwd=ROOT, check=True)
    assert files_in(tmp_path / "chat") == files_in(follow(5, tmp_path / "reader"))


def files_in(folder: Path) -> dict[str, bytes]:
    found = [path for path in folder.rglob("*.*") if path.is_file() and path.suffix != ".pyc"]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}
