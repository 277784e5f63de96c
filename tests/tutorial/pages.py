"""The quickstart and the tutorial as a reader has them: the files that they show, and the commands to type.

`python -m tests.tutorial.pages` writes what is in example/tutorial/ into the pages.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from tests.docs.pages import ROOT, blocks

FILES = "example/tutorial"
#: Where each language's pages are.
LANGUAGES = {
    "en": ("docs/quickstart.md", "docs/tutorial"),
    "zh": ("docs/zh/quickstart.md", "docs/zh/tutorial"),
}
STEPS = range(1, 8)

_SHOWN = re.compile(r"(?ms)^<!-- file: (\S+) -->\n```(\w+)\n.*?^```$")


def quickstart(language: str) -> str:
    return LANGUAGES[language][0]


def page_of(language: str, step: int) -> str:
    folder = LANGUAGES[language][1]
    (page,) = (ROOT / folder).glob(f"{step}-*.md")
    return f"{folder}/{page.name}"


def all_pages(language: str) -> list[str]:
    return [quickstart(language), *(page_of(language, step) for step in STEPS)]


def shown_in(page: str) -> dict[str, str]:
    """The files that a page shows, by their paths in this repository."""
    return {block.marks["file"]: block.text for block in blocks(page) if "file" in block.marks}


def blocks_of(page: str, language: str) -> list[str]:
    """Its blocks in a language: `sh` is to be typed on Linux and macOS, `bat` on Windows, `text` is what appears."""
    return [block.text for block in blocks(page) if block.language == language]


def name_of(path: str) -> PurePosixPath:
    """What the reader calls a file, who has one folder for all steps."""
    _step, *name = PurePosixPath(path).relative_to(FILES).parts
    return PurePosixPath(*name)


def copy_from(page: str, folder: Path) -> None:
    """Do what the page says with its files."""
    for path, text in shown_in(page).items():
        file = folder / name_of(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


def filled(page: str) -> str:
    """The page, with the files as they are in this repository."""

    def block(found: re.Match[str]) -> str:
        text = (ROOT / found[1]).read_text(encoding="utf-8")
        return f"<!-- file: {found[1]} -->\n```{found[2]}\n{text}```"

    return _SHOWN.sub(block, (ROOT / page).read_text(encoding="utf-8"))


if __name__ == "__main__":
    for language in LANGUAGES:
        for page in all_pages(language):
            (ROOT / page).write_text(filled(page), encoding="utf-8")
