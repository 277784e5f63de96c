"""The quickstart and the tutorial as a reader has them: the files that they show, and the commands to type.

`python -m tests.tutorial.pages` writes what is in example/tutorial/ into the pages.
"""

from __future__ import annotations

import re
from pathlib import Path

from tests.kit.server import ROOT

FILES = "example/tutorial"
LANGUAGES = {"en": ROOT / "docs", "zh": ROOT / "docs" / "zh"}
#: What the reader calls "step N".
STEPS = range(1, 8)

_SHOWN = re.compile(
    r"(?m)^<!-- file: (?P<path>\S+) -->\n```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.DOTALL
)
_TYPED = re.compile(r"(?m)^```bash\n(?P<text>.*?)^```$", re.DOTALL)
_PRINTED = re.compile(r"(?m)^```text\n(?P<text>.*?)^```$", re.DOTALL)


def quickstart(language: str) -> Path:
    return LANGUAGES[language] / "quickstart.md"


def page_of(language: str, step: int) -> Path:
    (page,) = (LANGUAGES[language] / "tutorial").glob(f"{step}-*.md")
    return page


def all_pages(language: str) -> list[Path]:
    return [quickstart(language), *(page_of(language, step) for step in STEPS)]


def shown_in(page: Path) -> dict[str, str]:
    """The files that a page shows, by their paths in this repository."""
    return {found["path"]: found["text"] for found in _SHOWN.finditer(page.read_text())}


def typed_in(page: Path) -> list[str]:
    """The command lines for Linux and macOS, each block's after the other."""
    return [found["text"] for found in _TYPED.finditer(page.read_text())]


def printed_in(page: Path) -> list[str]:
    """What the page says that a terminal shows."""
    return [found["text"] for found in _PRINTED.finditer(page.read_text())]


def copy_from(page: Path, folder: Path) -> None:
    """Do what the page says with its files: each one goes into the folder under the name that it has there."""
    for path, text in shown_in(page).items():
        name = Path(path).relative_to(FILES).relative_to(Path(path).relative_to(FILES).parts[0])
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def filled(page: Path) -> str:
    """The page, with the files as they are in this repository."""

    def block(found: re.Match[str]) -> str:
        text = (ROOT / found["path"]).read_text()
        return f"<!-- file: {found['path']} -->\n```{found['kind']}\n{text}```"

    return _SHOWN.sub(block, page.read_text())


if __name__ == "__main__":
    for language in LANGUAGES:
        for page in all_pages(language):
            page.write_text(filled(page))
