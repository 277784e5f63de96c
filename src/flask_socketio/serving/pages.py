"""Flask's pages over ASGI: each view on a thread, its answer passed on as it is produced (PEP 3333)."""

from __future__ import annotations

import asyncio
import io
import threading
from asyncio import AbstractEventLoop
from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, cast

from ..engine.http import Send
from ..engine.polling import Receive
from ..engine.request import build_environ, join_headers

if TYPE_CHECKING:
    from .threads import DaemonThreads

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
Event = dict[str, Any]

#: Pieces of an answer that may be on their way to the loop before the view's thread waits.
_AHEAD = 16


class Pages:
    """A WSGI application as an ASGI one."""

    def __init__(self, app: WsgiApp, threads: DaemonThreads) -> None:
        self._app = app
        self._threads = threads

    async def __call__(self, scope: Event, receive: Receive, send: Send) -> None:
        first = await receive()
        if first["type"] == "http.disconnect":
            return
        loop = asyncio.get_running_loop()
        body = io.BytesIO(first.get("body", b""))
        if complete := not first.get("more_body", False):
            environ = build_environ(scope, join_headers(scope["headers"]), body)
        else:
            rest = io.BufferedReader(_Body(loop, receive, body))
            environ = build_environ(scope, join_headers(scope["headers"]), rest)
        page = _Page(loop, self._app, environ)
        work = loop.run_in_executor(self._threads, page.work)
        try:
            await page.pass_on(send, receive if complete else None)
        finally:
            page.cut()
        await work


class _Page:
    """One answer: `work` makes it on a thread, `pass_on` sends it on the loop."""

    def __init__(self, loop: AbstractEventLoop, app: WsgiApp, environ: Event) -> None:
        self._loop = loop
        self._app = app
        self._environ = environ
        self._events: deque[Event | None] = deque()
        self._news = asyncio.Event()
        self._room = threading.Semaphore(_AHEAD)
        self._head: Event | None = None
        self._head_sent = False
        self._cut = False

    # -- on the view's thread ------------------------------------------------------------------

    def work(self) -> None:
        """Call the application and hand over what it answers; raises what it raises."""
        try:
            chunks = self._app(self._environ, self._start_response)
            try:
                for chunk in chunks:
                    if chunk:
                        self._write(chunk)
                self._post_head()
            finally:
                if close := getattr(chunks, "close", None):
                    close()
            self._post({"type": "http.response.body", "body": b""})
        except _ClientGone:
            pass
        finally:
            self._post(None)

    def _start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: Any = None
    ) -> Callable[[bytes], None]:
        if exc_info is not None and self._head_sent:
            raise exc_info[1].with_traceback(exc_info[2])
        self._head = {
            "type": "http.response.start",
            "status": int(status.split(" ", 1)[0]),
            "headers": [
                (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers
            ],
        }
        return self._write

    def _write(self, chunk: bytes) -> None:
        self._post_head()
        self._room.acquire()
        if self._cut:
            raise _ClientGone
        self._post({"type": "http.response.body", "body": chunk, "more_body": True})

    def _post_head(self) -> None:
        if not self._head_sent:
            if self._head is None:
                raise RuntimeError("the WSGI application did not call start_response")
            self._head_sent = True
            self._post(self._head)

    def _post(self, event: Event | None) -> None:
        self._events.append(event)
        if len(self._events) == 1:  # else the loop has been woken and not come yet
            try:
                self._loop.call_soon_threadsafe(self._news.set)
            except RuntimeError:  # the server has ended meanwhile
                self._cut = True

    # -- on the loop ---------------------------------------------------------------------------

    async def pass_on(self, send: Send, receive: Receive | None) -> None:
        """Send what the thread produces until it has finished or, where `receive` can tell, the client is gone."""
        watcher: asyncio.Task[None] | None = None
        try:
            while True:
                await self._news.wait()
                self._news.clear()
                while self._events:
                    event = self._events[0]
                    if event is None:
                        return
                    await send(event)
                    self._events.popleft()
                    if event.get("more_body"):
                        self._room.release()
                if (
                    watcher is None and receive is not None
                ):  # a stream: somebody has to notice its end
                    watcher = self._loop.create_task(self._watch(receive))
        finally:
            if watcher is not None:
                watcher.cancel()

    async def _watch(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self.cut()

    def cut(self) -> None:
        """Nobody wants the rest: the next piece that the view produces ends it."""
        self._cut = True
        self._room.release(_AHEAD)


class _ClientGone(ConnectionError):  # noqa: N818 - nobody is left to tell
    """Ends the view's iteration; its `close` is called."""


class _Body(io.RawIOBase):
    """A request's body that is still coming; read on the view's thread."""

    def __init__(self, loop: AbstractEventLoop, receive: Receive, first: io.BytesIO) -> None:
        self._loop = loop
        self._receive = receive
        self._chunk = first
        self._more = True

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        size = self._chunk.readinto(buffer)
        while not size and self._more:
            message: Event = asyncio.run_coroutine_threadsafe(
                cast(Any, self._receive()), self._loop
            ).result()
            if message["type"] == "http.disconnect":
                raise ConnectionResetError("the client hung up before it had sent the whole body")
            self._more = message.get("more_body", False)
            self._chunk = io.BytesIO(message.get("body", b""))
            size = self._chunk.readinto(buffer)
        return size
