"""A page whose request and answer are each in one piece, as nearly all are: from the connection to the view and back.

Streams, and what fails before it has answered, go on as uvicorn's.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any
from urllib.parse import unquote_to_bytes

from ...engine.answers import Receive, Send, header_lines
from ..pages import Answer, Page, Pages, are_fields
from .cycle import STATUS, Connection, DirectCycle

#: Bytes of a request's body that are collected before the view is called.
_SMALL = 64 * 1024
#: Headers of an answer that say something about the connection, and one that uvicorn's own give way to.
_CONNECTION = {b"connection", b"date", b"transfer-encoding"}


class DirectPage(DirectCycle):
    """One request and its page."""

    __slots__ = ("_body", "_environ", "_page", "_pages")

    def __init__(
        self, protocol: Connection, pages: Pages, environ: dict[str, Any], *, keep_alive: bool
    ) -> None:
        super().__init__(protocol, keep_alive=keep_alive)
        self._pages = pages
        self._environ = environ
        self._body: list[bytes] = []
        self._page: Page | None = None

    def body_arrived(self, data: bytes) -> None:
        self._body.append(data)

    def body_complete(self) -> None:
        self._environ["wsgi.input"] = BytesIO(b"".join(self._body))
        self._page = self._pages.begin(self._environ, self._news)
        if not self.keep_alive:  # perhaps because the server stops, which waits for tasks alone
            self.hand_over()

    def lost(self) -> None:
        if self._page is not None:
            self._page.cut()

    def _news(self) -> None:
        page = self._page
        if page is not None and (answer := page.answer) is not None:
            lines = header_lines(answer.headers)
            if _is_plain(answer, lines):
                self._page = page.on_news = None  # no circle of references
                self.respond(answer.status, lines, answer.body)
                return
        self.hand_over()

    def hand_over(self) -> None:
        """Let uvicorn's own cycle go on with it, on a task."""
        if self._page is None or self.response_complete:
            return
        page, pages = self._page, self._pages
        self._page = page.on_news = None

        async def finish(scope: Any, receive: Receive, send: Send) -> None:
            await pages.finish(page, receive, send)

        self.protocol.go_on(self, self._environ["REQUEST_METHOD"], finish)


def _is_plain(answer: Answer, lines: bytes) -> bool:
    """Whether its headers are what they seem, and say nothing about the connection; else uvicorn looks at them."""
    names = [name for name, _ in answer.headers]
    return (
        answer.status in STATUS
        and _CONNECTION.isdisjoint(names)
        and names.count(b"content-length") == 1
        and are_fields(lines, len(names))
    )


def environ_of(environ: dict[str, Any], method: bytes, url: bytes) -> dict[str, Any] | None:
    """The WSGI environ of a request without its body; None for one that is not as simple as nearly all are.

    It has to be there already, but for what the request's line makes of it.
    """
    if url[:1] != b"/" or b"#" in url or not url.isascii():
        return None
    path, _, query = url.partition(b"?")
    environ["REQUEST_METHOD"] = method.decode()
    environ["PATH_INFO"] = (unquote_to_bytes(path) if b"%" in path else path).decode("latin-1")
    environ["QUERY_STRING"] = query.decode()
    environ["REQUEST_URI"] = url.decode()
    size = environ.get("CONTENT_LENGTH", "0")
    if "HTTP_TRANSFER_ENCODING" in environ or not size.isdigit() or int(size) > _SMALL:
        return None
    return environ
