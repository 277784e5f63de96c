"""What pages quote is said by somebody: the package, an example, or the page's own code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

import pytest

from tests.docs.pages import ROOT, pages, readable
from tests.messages.test_troubleshooting import HOLE, literals, messages, plain

#: what other programs say
OTHERS = [
    "cannot import name 'SocketIO' from 'flask_socketio'",  # Python
    "No matching distribution found",  # pip
    "requires a different Python",  # pip
    "running scripts is disabled on this system",  # PowerShell
    "The Werkzeug web server is not designed to run in production",  # Flask-SocketIO
    "ensurepip is not available",  # Debian's Python
]
_HIDDEN = re.compile(r"<!--.*?-->|^(`{3,}).*?^\1", re.DOTALL | re.MULTILINE)
_QUOTED = re.compile(r'(?<![\w=(])"([^"\n]+)"(?!\w)|`([^`\n]+)`')
#: what has one of these is code, or a command line
_CODE = re.compile(
    r"[=(){}\[\]<>/]|\s-|^(?:flask|from|gunicorn|import|make|npm|opentelemetry-instrument|pip|python|sudo|uvicorn) "
)


def quotes(page: str) -> Iterator[str]:
    """Texts of several words between quotation marks, or in backticks without anything of code's."""
    for paragraph in _HIDDEN.sub("", (ROOT / page).read_text(encoding="utf-8")).split("\n\n"):
        for spoken, code in _QUOTED.findall(" ".join(paragraph.split())):
            if len(spoken.split()) > 2 or (len(code.split()) > 3 and not _CODE.search(code)):
                yield spoken or code


QUOTES = [(page, quote) for page in pages() if page.startswith("docs/") for quote in quotes(page)]


def written() -> Iterator[str]:
    """What may be quoted, by file."""
    yield from OTHERS
    yield from (block.text for page in pages() for block in readable(page))
    yield from scripts()


def scripts() -> Iterator[str]:
    """The examples' pages and what runs in them, `${…}` as in Python's f-strings."""
    for path in (ROOT / "example").rglob("*.*"):
        if path.suffix in {".html", ".js"} and "node_modules" not in path.parts:
            yield re.sub(r"\$\{[^}]*\}", "{}", path.read_text(encoding="utf-8"))


def filled() -> list[str]:
    """Texts that something may be put in."""
    templates = [part for script in scripts() for part in re.findall(r"`([^`]*)`", script)]
    return [*literals("src"), *literals("example"), *templates]


@cache
def texts() -> list[str]:
    return [*messages(), *map(plain, [*filled(), *written()])]


@cache
def patterns() -> list[re.Pattern[str]]:
    """Of texts with something put in, of which two words are left at least."""
    return [
        re.compile(re.sub(r"%[-.\d]*[srdg]|\\\{\\\}", ".+", re.escape(sentence.rstrip("."))))
        for text in filled()
        for sentence in re.split(r"(?<=[.]) | (?=\()", text)
        if HOLE.search(sentence) and len(plain(sentence).split()) > 1
    ]


@pytest.mark.parametrize(("page", "quote"), QUOTES)
def test_somebody_says_it(page: str, quote: str) -> None:
    parts = [part.strip(' .,"') for part in quote.split("…") if part.strip()]
    assert all(map(is_said, parts)), quote


def is_said(part: str) -> bool:
    return any(plain(part) in text for text in texts()) or any(
        pattern.fullmatch(part) for pattern in patterns()
    )


def test_there_are_quotes() -> None:
    assert len(QUOTES) > 5
