"""Flask's pages over ASGI: each view on a thread, its answer passed on as it is produced (PEP 3333)."""

from __future__ import annotations

import asyncio
import io
import logging
import re
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, NamedTuple, cast

from werkzeug.exceptions import ClientDisconnected

from ..base.green import new_waiter
from ..base.real import Signal
from ..dispatch.inbox import Inbox
from ..dispatch.views import ViewJob, ViewThreads
from ..engine.answers import Receive, Send, header_lines, respond
from ..engine.request import Headers, build_environ

logger = logging.getLogger("flask_socketio.server")

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
Event = dict[str, Any]

_STOPPING = (503, b"text/plain", b"The server is shutting down")

#: Header fields, each after a line's end, whose names and values uvicorn takes as well.
_FIELDS = re.compile(rb"(?:\r\n[^\0-\x20\x7f()<>@,;:\[\]={}\\\"]+: [^\0-\x08\n-\x1f\x7f]*)*")
#: What answers with such a status is its head alone (RFC 9110, 6.4.1).
_NO_BODY = {*range(100, 200), 204, 304}

#: Pieces of an answer that may be on their way to the loop before the view's thread waits.
_AHEAD = 16


class Pages:
    """A WSGI application as an ASGI one."""

    def __init__(self, app: WsgiApp, threads: ViewThreads) -> None:
        self._app = app
        self._threads = threads

    async def __call__(self, scope: Event, receive: Receive, send: Send) -> None:
        first = await receive()
        if first["type"] == "http.disconnect":
            return
        body: Any = io.BytesIO(first.get("body", b""))
        complete = not first.get("more_body", False)
        if not complete:
            body = io.BufferedReader(_Body(self._threads.inbox, receive, body))
        page = self.begin(build_environ(scope, body))
        await self.finish(page, receive if complete else None, send)

    def begin(self, environ: Event, on_news: Callable[[], None] | None = None) -> Page:
        """Have the application answer a request; `on_news` is called on the loop when there is something of it."""
        page = Page(self._threads, self._app, environ, on_news)
        self._threads.start(page)
        return page

    async def finish(self, page: Page, receive: Receive | None, send: Send) -> None:
        """Send a page's answer until it ends or, where `receive` can tell, the client is gone."""
        try:
            await page.pass_on(send, receive)
        except asyncio.CancelledError:
            # The server is stopping, and has waited for this view long enough.
            logger.warning("%s was still being answered as the server stopped", page.path)
            if page.begun:
                return
            with suppress(asyncio.CancelledError):  # the client does not read
                await respond(send, _STOPPING, [(b"connection", b"close")])
        finally:
            page.cut()


class Answer(NamedTuple):
    """All of a page's answer."""

    status: int
    headers: Headers
    body: bytes


class Page(ViewJob):
    """One answer: `work` makes it on a thread; the loop takes all of it at once, or has `pass_on` send it."""

    # How it begins; most of it is of a stream's.
    _news: asyncio.Future[None] | None = None
    _ended = _begun = False
    _error: BaseException | None = None
    #: for the pieces of a stream: released when so many more of them have been sent
    _room: Signal | None = None
    _written = _sent = 0
    _head: Event | None = None
    _head_sent = False
    #: bytes in the answer, where its head tells; whether its first piece was all of it
    _size: int | None = None
    _whole = _cut = False
    #: there is no body, whatever the application produces
    _is_bare = False

    def __init__(
        self,
        threads: ViewThreads,
        app: WsgiApp,
        environ: Event,
        on_news: Callable[[], None] | None,
    ) -> None:
        self._loop = threads.loop
        self._post = threads.inbox.post
        self._app = app
        self._environ = environ
        self._events: deque[Event] = deque()
        #: called on the loop when there is something, in place of waking `pass_on`
        self.on_news = on_news

    # -- on the view's thread ------------------------------------------------------------------

    def work(self) -> None:
        """Call the application and hand over what it answers, and what it raises."""
        error: BaseException | None = None
        try:
            self._answer()
        except ClientGone:
            pass
        except BaseException as failure:
            error = failure
            if self._whole:
                logger.exception("%s failed after its answer", self.path)
        if not self._whole:
            self._post(self._end, error)

    def _answer(self) -> None:
        chunks = self._app(self._environ, self._start_response)
        try:
            for chunk in chunks:
                if chunk and not self._whole:
                    self._write(chunk)
            if not self._whole:
                self._hand_over({"type": "http.response.body", "body": b""})
        finally:
            if close := getattr(chunks, "close", None):
                close()

    def _start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: Any = None
    ) -> Callable[[bytes], None]:
        if exc_info is not None and self._head_sent:
            raise exc_info[1].with_traceback(exc_info[2])
        encoded: list[tuple[bytes, bytes]] = []
        for name, value in headers:
            lower = name.lower()
            encoded.append((lower.encode("latin-1"), value.encode("latin-1")))
            if lower == "content-length":
                self._size = int(value)
        status_code = int(status.split(" ", 1)[0])
        if status_code in _NO_BODY:
            encoded = [field for field in encoded if field[0] != b"content-length"]
            self._is_bare = True
        self._head = {"type": "http.response.start", "status": status_code, "headers": encoded}
        return self._write

    def _write(self, chunk: bytes) -> None:
        if self._is_bare:
            return
        if len(chunk) == self._size and not self._head_sent:
            self._whole = True
            self._hand_over({"type": "http.response.body", "body": chunk})
            return
        if self._room is None:
            self._room = new_waiter()
        elif self._written % _AHEAD == 0:
            self._room.acquire()
        if self._cut:
            raise ClientGone
        self._written += 1
        self._hand_over({"type": "http.response.body", "body": chunk, "more_body": True})

    def _hand_over(self, event: Event) -> None:
        if self._head_sent:
            self._post(self._arrived, (event,))
        elif self._head is None:
            raise RuntimeError("the WSGI application did not call start_response")
        else:
            self._head_sent = True
            self._post(self._arrived, (self._head, event))

    # -- on the loop ---------------------------------------------------------------------------

    def _arrived(self, events: tuple[Event, ...]) -> None:
        self._events += events
        if self._whole:
            self._ended = True
        self._wake()

    def _end(self, error: BaseException | None) -> None:
        self._error = error
        self._ended = True
        self._wake()

    def _wake(self) -> None:
        if self.on_news is not None:
            self.on_news()
        elif self._news is not None and not self._news.done():
            self._news.set_result(None)

    @property
    def begun(self) -> bool:
        """Whether something of the answer has been sent."""
        return self._begun

    @property
    def path(self) -> str:
        return self._environ["PATH_INFO"]

    @property
    def answer(self) -> Answer | None:
        """The answer, if all of it is there."""
        if not self._whole:
            return None
        head, body = self._events
        return Answer(head["status"], head["headers"], body["body"])

    async def pass_on(self, send: Send, receive: Receive | None) -> None:
        """Send what the thread produces until it has finished or, where `receive` can tell, the client is gone.

        Raises what the application has raised.
        """
        watcher: asyncio.Task[None] | None = None
        try:
            while self._events or not self._ended:
                if not self._events:
                    if watcher is None and receive is not None and self._begun:
                        # A stream: somebody has to notice its end.
                        watcher = self._loop.create_task(self._watch(receive))
                    self._news = self._loop.create_future()
                    await self._news
                    continue
                event = self._events.popleft()
                if not self._begun:
                    self._begin(event["headers"])
                await send(event)
                if event.get("more_body"):
                    self._piece_sent()
        finally:
            if watcher is not None:
                watcher.cancel()
        if self._error is not None:
            raise self._error

    def _begin(self, headers: Headers) -> None:
        if not are_fields(header_lines(headers), len(headers)):
            raise ValueError(f"{self.path}: a header is not one: {headers}")
        self._begun = True

    def _piece_sent(self) -> None:
        self._sent += 1
        if self._sent % _AHEAD == 0 and not self._cut:
            self._let_go_on()

    def _let_go_on(self) -> None:
        assert self._room is not None
        with suppress(RuntimeError):  # it does not wait
            self._room.release()

    async def _watch(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self.cut()

    def cut(self) -> None:
        """Nobody wants the rest: the next piece that the view produces ends it."""
        self._cut = True
        if self._room is not None:
            self._let_go_on()


def are_fields(lines: bytes, number: int) -> bool:
    """Whether header lines are as many fields as they seem: nothing in a name or a value ends it, or begins another."""
    return lines.count(b"\n") == number and _FIELDS.fullmatch(lines) is not None


class ClientGone(ClientDisconnected, ConnectionResetError):  # noqa: N818 - nobody is left to tell
    """Ends the view's iteration, whose `close` is called, or its reading of the request.

    Flask takes it for an answer of the view's: it is not the view that has failed.
    """


class _Body(io.RawIOBase):
    """A request's body that is still coming; read on the view's thread."""

    def __init__(self, inbox: Inbox, receive: Receive, first: io.BytesIO) -> None:
        self._inbox = inbox
        self._receive = receive
        self._chunk = first
        self._more = True

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        size = self._chunk.readinto(buffer)
        while not size and self._more:
            message: Event = self._inbox.run(cast(Any, self._receive()))
            if message["type"] == "http.disconnect":
                raise ClientGone("the client hung up before it had sent the whole body")
            self._more = message.get("more_body", False)
            self._chunk = io.BytesIO(message.get("body", b""))
            size = self._chunk.readinto(buffer)
        return size
