"""A guide in Chinese has what the one in English has: sections, rows of tables, points of lists, programs."""

from __future__ import annotations

import io
import tokenize
from collections.abc import Iterator

import pytest
from markdown_it import MarkdownIt

from tests.docs.pages import ROOT, blocks

PAGES = sorted(path.name for path in (ROOT / "docs/zh/guides").glob("*.md"))
_SHAPE = {"heading_open", "tr_open", "list_item_open", "fence"}


def shape(page: str) -> list[str]:
    text = (ROOT / page).read_text(encoding="utf-8")
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    return [f"{token.tag} {token.info}" for token in tokens if token.type in _SHAPE]


def names(page: str) -> Iterator[list[str]]:
    """The names, numbers and signs of each Python block, without comments and texts."""
    kinds = (tokenize.NAME, tokenize.OP, tokenize.NUMBER)
    for block in blocks(page):
        if block.language == "python":
            tokens = tokenize.generate_tokens(io.StringIO(block.text).readline)
            yield [token.string for token in tokens if token.type in kinds]


@pytest.mark.parametrize("name", PAGES)
def test_it_has_the_same_parts(name: str) -> None:
    assert shape(f"docs/zh/guides/{name}") == shape(f"docs/guides/{name}")


@pytest.mark.parametrize("name", PAGES)
def test_it_has_the_same_programs(name: str) -> None:
    assert list(names(f"docs/zh/guides/{name}")) == list(names(f"docs/guides/{name}"))
