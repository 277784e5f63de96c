"""HTTP long-polling (Engine.IO v4, "HTTP long-polling"): GET takes packets to the client, POST brings them.

A polling session is served by whatever brings HTTP requests, so this file speaks ASGI's receive and send.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from ..protocol import engineio as eio
from ..protocol.errors import BAD_REQUEST, EngineProtocolError, HandshakeRefused
from ..protocol.message import SEPARATOR, Message
from ..protocol.states import SessionState
from .reasons import CloseReason

if TYPE_CHECKING:
    from .engine import Engine
    from .request import EngineRequest
    from .session import Session

Receive = Callable[[], Awaitable[Any]]
Answer = tuple[int, bytes, bytes]  # status, content type, body

TEXT = b"text/plain; charset=UTF-8"
HTML = b"text/html"

#: What a GET is told that arrives while the client is switching to WebSocket, after at most this many seconds.
_NOOP_AFTER = 0.1

#: Nothing that still waits is worth sending.
_DISCARDING = {CloseReason.PARSE_ERROR, CloseReason.SLOW_CONSUMER}
#: No close packet: the client has said goodbye itself; or it shall find out and reconnect, which python-socketio's
#: client does not do after a close packet.
_UNSAID = {CloseReason.TRANSPORT_CLOSE, CloseReason.SERVER_SHUTDOWN}
#: No GET will come that could fetch the rest.
_NOBODY_COMES = _UNSAID | {CloseReason.PING_TIMEOUT}


class ClientGone(Exception):  # noqa: N818 - not an error, nobody is left to tell
    """The client hung up before it was answered."""


class PayloadTooLarge(Exception):  # noqa: N818 - named after the HTTP status
    """A request's body exceeds max_http_buffer_size."""


async def _hung_up(receive: Receive) -> None:
    """Return when the client has closed its connection."""
    while (await receive())["type"] != "http.disconnect":
        pass  # the request's own body, which a GET has no use for


class PollingTransport:
    """Keeps packets until a GET fetches them."""

    name = "polling"
    lane = "Polling"

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._loop = engine.loop
        self._queue: list[Message] = []
        self._queued = 0
        self._poll: asyncio.Future[None] | None = None
        self._wake_scheduled = False
        self._post: asyncio.Task[Any] | None = None
        self._readable: asyncio.Future[None] | None = None
        self.session: Session

    # -- the session's side --------------------------------------------------------------------

    def send(self, message: Message) -> None:
        self._queue.append(message)
        self._queued += message.size
        if self._queued > self._engine.config.limits.max_queued and len(self._queue) > 1:
            self._loop.call_soon(self.session.close, CloseReason.SLOW_CONSUMER)
        if self._poll is not None and not self._wake_scheduled:
            # At the end of the turn, so that all of its packets share one answer.
            self._wake_scheduled = True
            self._loop.call_soon(self._wake)

    def close(self, reason: CloseReason) -> None:
        if reason in _DISCARDING:
            self._queue.clear()
        self._queue.append(eio.NOOP_PACKET if reason in _UNSAID else eio.CLOSE_PACKET)
        if self._poll is not None:
            self._wake()
        elif len(self._queue) > 1 and reason not in _NOBODY_COMES:
            self._engine.linger(self.session)
        if self._post is not None and self._post is not asyncio.current_task():
            self._post.cancel()

    def pause_reading(self) -> None:
        if self._readable is None:
            self._readable = self._loop.create_future()

    def resume_reading(self) -> None:
        if self._readable is not None:
            self._readable.set_result(None)
            self._readable = None

    def retire(self) -> list[Message]:
        """Stop polling after an upgrade; return what was not fetched."""
        self.resume_reading()
        queue = [message for message in self._queue if message is not eio.NOOP_PACKET]
        self._queue.clear()
        if self._poll is not None:
            self._queue.append(eio.NOOP_PACKET)
            self._wake()
        return queue

    def probe_answered(self) -> None:
        self._release_poll()

    def _release_poll(self) -> None:
        """Answer a waiting GET, so that the client can stop polling and upgrade."""
        if self._poll is not None and not self._poll.done() and not self._queue:
            self.send(eio.NOOP_PACKET)

    def _wake(self) -> None:
        self._wake_scheduled = False
        if self._poll is not None and not self._poll.done():
            self._poll.set_result(None)

    # -- the requests' side --------------------------------------------------------------------

    async def get(self, receive: Receive) -> Answer:
        """Wait until there is something for the client, and return it.

        Raises HandshakeRefused where a GET is waiting already, ClientGone.
        """
        if self._poll is not None:
            self.session.fail(EngineProtocolError("two polling requests at the same time"))
            raise HandshakeRefused(BAD_REQUEST, "overlapping GET")
        if not self._queue:
            await self._wait(receive)
        queue, self._queue, self._queued = self._queue, [], 0
        return 200, TEXT, SEPARATOR.join([message.polling for message in queue])

    async def _wait(self, receive: Receive) -> None:
        poll = self._poll = self._loop.create_future()
        if self.session.probe is not None:
            self._loop.call_later(_NOOP_AFTER, self._release_poll)
        watcher = self._loop.create_task(_hung_up(receive))
        watcher.add_done_callback(lambda _: poll.done() or poll.cancel())
        try:
            await poll
        except asyncio.CancelledError:
            self.session.close(CloseReason.TRANSPORT_ERROR)
            if (
                not watcher.done()
            ):  # it is this request's own task that is being cancelled, the server is stopping
                raise
            raise ClientGone from None
        finally:
            self._poll = None
            watcher.cancel()

    async def post(self, request: EngineRequest, receive: Receive) -> Answer:
        """Take a payload.

        Raises HandshakeRefused where one is on its way already or this one is malformed, PayloadTooLarge, ClientGone.
        """
        session = self.session
        if self._post is not None:
            session.fail(EngineProtocolError("two POST requests at the same time"))
            raise HandshakeRefused(BAD_REQUEST, "overlapping POST")
        self._post = asyncio.current_task()
        try:
            packets = await self._read_packets(request, receive)
            if session.transport is not self:
                raise HandshakeRefused(BAD_REQUEST, "the session has been upgraded")
            self._deliver(packets)
            if self._readable is not None:
                # Back-pressure: the client sends nothing more before it has this answer.
                await self._readable
        except asyncio.CancelledError:
            if session.state is SessionState.OPEN:
                raise
            raise HandshakeRefused(BAD_REQUEST, "the session was closed meanwhile") from None
        finally:
            self._post = None
        return 200, HTML, b"ok"

    def _deliver(self, packets: list[str | bytes]) -> None:
        session = self.session
        for packet in packets:
            if isinstance(packet, str):
                session.receive_text(packet)
            else:
                session.receive_binary(packet)
            if session.state is not SessionState.OPEN:
                if packet == eio.CLOSE:
                    return
                raise HandshakeRefused(BAD_REQUEST, "the session was closed")

    async def _read_packets(self, request: EngineRequest, receive: Receive) -> list[str | bytes]:
        if request.headers.get("content-type", "").startswith("application/octet-stream"):
            self.session.fail(EngineProtocolError("POST of application/octet-stream"))
            raise HandshakeRefused(BAD_REQUEST, "application/octet-stream is not for revision 4")
        try:
            body = await self._read_body(request, receive)
            return eio.decode_payload(body)
        except ClientGone:
            self.session.close(CloseReason.TRANSPORT_ERROR)
            raise
        except PayloadTooLarge:
            limit = self._engine.config.limits.max_payload
            self.session.fail(
                EngineProtocolError(f"POST larger than max_http_buffer_size ({limit} bytes)")
            )
            raise
        except EngineProtocolError as error:
            self.session.fail(error)
            raise HandshakeRefused(BAD_REQUEST, str(error)) from None

    async def _read_body(self, request: EngineRequest, receive: Receive) -> bytes:
        limit = self._engine.config.limits.max_payload
        length = request.headers.get("content-length", "0")
        if length.isascii() and length.isdigit() and int(length[:12]) > limit:
            raise PayloadTooLarge
        chunks: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            chunks.append(message.get("body", b""))
            size += len(chunks[-1])
            if size > limit:
                raise PayloadTooLarge
            if not message.get("more_body", False):
                return b"".join(chunks)
