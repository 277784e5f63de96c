"""The pages and their code blocks, with what the comments around them say: see README.md in this folder."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[2]
_FOLDERS = ("docs", "deploy", "example", "benchmarks", "fuzz", "src", "tests")
_COMMENT = re.compile(r"<!--\s*([a-z ]+?)(?::\s?(.*?))?\s*-->\s*", re.DOTALL)
#: what is known of a comment: whether it stands before a block
_BEFORE = {"given", "new program", "file", "test", "serves", "shown"}
_AFTER = {"then"}
#: where programs write their tables
_OTHERS = {"figures", "end of figures", "table", "end of table"}
#: a block with one of these is no part of the page's program
ELSEWHERE = ("file", "test", "serves", "shown")


class PageError(Exception):
    """A page is not written as it has to be."""


@dataclass(frozen=True)
class Code:
    """Lines of a page, and the number of the first one."""

    text: str
    line: int


@dataclass
class Block:
    """A fenced block. `marks` are the comments before it, without `given`."""

    page: str
    language: str
    code: Code
    marks: dict[str, str] = field(default_factory=dict[str, str])
    given: list[Code] = field(default_factory=list[Code])
    then: list[Code] = field(default_factory=list[Code])

    @property
    def where(self) -> str:
        return f"{self.page}:{self.code.line}"

    @property
    def text(self) -> str:
        return self.code.text

    @property
    def runs_here(self) -> bool:
        return self.language == "python" and not any(mark in self.marks for mark in ELSEWHERE)


def pages() -> list[str]:
    """Paths of all pages, from the root. Those that are nothing but an include are not counted."""
    found = [*ROOT.glob("*.md"), *(page for name in _FOLDERS for page in _written(ROOT / name))]
    return sorted(str(page.relative_to(ROOT)) for page in found if not _included(page))


def _written(folder: Path) -> Iterator[Path]:
    return (page for page in folder.rglob("*.md") if "node_modules" not in page.parts)


def _included(page: Path) -> bool:
    return page.read_text(encoding="utf-8").startswith("```{include}")


@cache
def blocks(page: str) -> list[Block]:
    """The blocks of a page, in order. Raises PageError for a comment that is not known, or stands nowhere."""
    return _Reader(page).read()


def readable(page: str) -> list[Block]:
    """The same; none of a page that is not written as it has to be, for which there is a test."""
    try:
        return blocks(page)
    except PageError:
        return []


def block(page: str, has: str) -> str:
    """The text of the one block that has this in it, for the test that a `test:` comment names."""
    found = [block.text for block in blocks(page) if has in block.text]
    if len(found) != 1:
        raise PageError(f"{page}: {len(found)} blocks have {has!r}")
    return found[0]


def program(page: str) -> list[list[Code]]:
    """The Python programs of a page, each a list of parts."""
    programs: list[list[Code]] = [[]]
    for block in readable(page):
        if "new program" in block.marks:
            programs.append([])
        if block.runs_here:
            programs[-1] += [*block.given, block.code, *block.then]
    return [parts for parts in programs if parts]


class _Reader:
    def __init__(self, page: str) -> None:
        self._page = page
        self._blocks: list[Block] = []
        self._marks: dict[str, str] = {}
        self._given: list[Code] = []

    def read(self) -> list[Block]:
        text = (ROOT / self._page).read_text(encoding="utf-8")
        tokens = MarkdownIt("commonmark").parse(text)
        for token, following in pairwise([*tokens, Token("end", "", 0)]):
            if token.type == "fence" and not token.info.startswith("{"):
                self._block(token)
            elif token.type == "code_block":
                raise PageError(f"{self._line(token)}: an indented block: put it between fences")
            elif token.type == "html_block":
                self._comment(token)
                self._stands(token, following)
        return self._blocks

    def _line(self, token: Token) -> str:
        return f"{self._page}:{token.map[0] + 1 if token.map else 0}"

    def _block(self, token: Token) -> None:
        assert token.map is not None
        code = Code(token.content, token.map[0] + 2)
        language = token.info.split()[0] if token.info.strip() else ""
        self._blocks.append(Block(self._page, language, code, self._marks, self._given))
        self._marks, self._given = {}, []

    def _comment(self, token: Token) -> None:
        assert token.map is not None
        for found in _COMMENT.finditer(token.content):
            before = token.content[: found.start(2)] if found[2] else ""
            code = Code(textwrap.dedent(found[2] or ""), token.map[0] + 1 + before.count("\n"))
            self._keep(found[1], code, self._line(token))

    def _keep(self, name: str, code: Code, where: str) -> None:
        if name == "then" and self._blocks:
            self._blocks[-1].then.append(code)
        elif name == "given":
            self._given.append(code)
        elif name in _BEFORE:
            self._marks[name] = code.text.strip()
        elif name not in _OTHERS:
            raise PageError(f"{where}: nobody knows the comment {name!r}")

    def _stands(self, token: Token, following: Token) -> None:
        """A comment that belongs to a block stands right before it."""
        pending = self._marks or self._given
        if pending and following.type not in {"fence", "html_block", "code_block"}:
            raise PageError(f"{self._line(token)}: no block follows this comment")
