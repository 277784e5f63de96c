"""A server as a client reaches it: requests, each on a connection of its own, and WebSocket handshakes.

Nothing of an answer is trusted: what is read of it has a size, and waiting for it a time.
"""

from __future__ import annotations

import base64
import os
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urljoin, urlsplit

_TIMEOUT = 10.0  # seconds
_LARGEST = 1024 * 1024  # bytes of a body
_LARGEST_HEAD = 65536
_PORTS = {"http": 80, "https": 443}
_TEXT, _CLOSE = 0x1, 0x8

#: What goes wrong on the way.
FAILURES = (OSError, HTTPException, ValueError)


@dataclass(frozen=True, slots=True)
class Answer:
    """To a request. The names of its headers are lower-case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")


class Site:
    """Scheme, host and port of a URL. `verify`: certificates are checked."""

    def __init__(self, url: str, *, verify: bool = True) -> None:
        self.url = urlsplit(url)
        self.host = self.url.hostname or ""
        self.is_tls = self.url.scheme == "https"
        self.port = self.url.port or _PORTS[self.url.scheme]
        self._context = ssl.create_default_context() if self.is_tls else None
        if self._context is not None and not verify:
            self._context.check_hostname = False
            self._context.verify_mode = ssl.CERT_NONE

    @property
    def origin(self) -> str:
        """As a browser sends it for a page of this server."""
        return f"{self.url.scheme}://{self.url.netloc.rpartition('@')[2].lower()}"

    def connect(
        self, protocols: list[str] | None = None, timeout: float = _TIMEOUT
    ) -> socket.socket:
        """A connection; with TLS where the URL has it, and then one of these application protocols."""
        plain = socket.create_connection((self.host, self.port), timeout)
        if self._context is None:
            return plain
        try:
            if protocols:
                self._context.set_alpn_protocols(protocols)
            return self._context.wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise

    def request(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str] | None = None,
        body: str | None = None,
        timeout: float = _TIMEOUT,
    ) -> Answer:
        """Raises FAILURES."""
        connection = (
            HTTPConnection(self.host, self.port, timeout=timeout)
            if self._context is None
            else HTTPSConnection(self.host, self.port, timeout=timeout, context=self._context)
        )
        try:
            connection.request(method, target, body, {"Connection": "close", **(headers or {})})
            reply = connection.getresponse()
            names = {name.lower(): value for name, value in reply.getheaders()}
            return Answer(reply.status, names, reply.read(_LARGEST))
        finally:
            connection.close()

    def get(self, target: str, headers: Mapping[str, str] | None = None) -> Answer:
        """Raises FAILURES."""
        return self.request("GET", target, headers)


class WebSocketRefused(Exception):  # noqa: N818 - an answer
    """The handshake was answered with something else."""

    def __init__(self, status: int, body: str) -> None:
        super().__init__(f"status {status}")
        self.status = status
        self.body = body


class WebSocket:
    """One that has been opened, without an Origin, as programs do; a context manager.

    Raises WebSocketRefused and FAILURES.
    """

    def __init__(self, site: Site, target: str, timeout: float = _TIMEOUT) -> None:
        self._socket = site.connect(["http/1.1"], timeout)
        self._buffer = b""
        try:
            self._open(site, target)
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> WebSocket:
        return self

    def __exit__(self, *exc: object) -> None:
        self._socket.close()

    def _open(self, site: Site, target: str) -> None:
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [
            f"GET {target} HTTP/1.1", f"Host: {site.url.netloc.rpartition('@')[2]}",
            "Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13",
        ]  # fmt: skip
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode())
        while b"\r\n\r\n" not in self._buffer:
            if len(self._buffer) > _LARGEST_HEAD:
                raise ValueError("the answer's head has no end")
            self._more()
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        parts = head.split(None, 2)
        status = int(parts[1]) if len(parts) > 1 and parts[1].isdigit() else 0
        if status != 101:
            raise WebSocketRefused(status, self._buffer[:1000].decode(errors="replace"))

    def _more(self) -> None:
        data = self._socket.recv(65536)
        if not data:
            raise ConnectionError("the connection was closed")
        self._buffer += data

    def send(self, text: str) -> None:
        """A short text."""
        mask = os.urandom(4)
        data = bytes(byte ^ mask[i % 4] for i, byte in enumerate(text.encode()))
        self._socket.sendall(bytes([0x80 | _TEXT, 0x80 | len(data)]) + mask + data)

    def recv(self, timeout: float = _TIMEOUT) -> str:
        """The next text. Raises FAILURES, of which TimeoutError is one."""
        deadline = time.monotonic() + timeout
        while True:
            opcode, data = self._frame(deadline)
            if opcode == _TEXT:
                return data.decode()
            if opcode == _CLOSE:
                raise ConnectionError("the WebSocket was closed")

    def _frame(self, deadline: float) -> tuple[int, bytes]:
        head = self._take(2, deadline)
        size = head[1] & 0x7F
        if size > 125:
            size = int.from_bytes(self._take(2 if size == 126 else 8, deadline))
        if size > _LARGEST:
            raise ValueError(f"a frame of {size} bytes")
        return head[0] & 0x0F, self._take(size, deadline)

    def _take(self, count: int, deadline: float) -> bytes:
        while len(self._buffer) < count:
            self._socket.settimeout(max(deadline - time.monotonic(), 0.001))
            self._more()
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        return taken


def followed(base: str, reference: str) -> str | None:
    """The URL that a page's reference leads to; None where no page can be there."""
    try:
        address = urljoin(base, reference)
        url = urlsplit(address)
        is_web = url.scheme in _PORTS and bool(url.hostname) and url.port != 0
    except ValueError:  # as of a port that is no number
        return None
    return address if is_web else None
