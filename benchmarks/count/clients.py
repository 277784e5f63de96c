"""Clients that send one thing and wait for its whole answer; the packets are written by hand."""

from __future__ import annotations

import base64
import socket
import struct
from typing import Self

from ..clients import masked_frame

_PATIENCE = 30.0
_KEY = base64.b64encode(bytes(16)).decode()
_TEXT, _CLOSE = 0x81, 0x88
_NORMAL = 1000


class Connection:
    """A TCP connection; a context manager."""

    def __init__(self, port: int) -> None:
        self._host = f"127.0.0.1:{port}"
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = self._socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        self._received.close()
        self._socket.close()

    def request(self, method: str, target: str, body: bytes = b"", **headers: str) -> None:
        """Send a request, with what browsers say in theirs."""
        lines = [
            f"{method} {target} HTTP/1.1",
            f"Host: {self._host}",
            "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "Accept: */*",
            "Accept-Language: en",
            "Accept-Encoding: gzip, deflate",
            f"Origin: http://{self._host}",
            *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
        ]
        if method == "POST":
            lines += ["Content-Type: text/plain;charset=UTF-8", f"Content-Length: {len(body)}"]
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode() + body)

    def reply(self, status: int = 200) -> bytes:
        """The body of the answer, which has to have this status."""
        first, *fields = iter(self._received.readline, b"\r\n")
        assert int(first.split()[1]) == status, first
        names = (field.partition(b":") for field in fields)
        headers = {name.lower(): value.strip() for name, _, value in names}
        return self._received.read(int(headers.get(b"content-length", 0)))


class WebSocket(Connection):
    """A session of Engine.IO over WebSocket."""

    def __init__(self, port: int, sid: str = "") -> None:
        super().__init__(port)
        self.request(
            "GET",
            "/socket.io/?EIO=4&transport=websocket" + (f"&sid={sid}" if sid else ""),
            Connection="Upgrade",
            Upgrade="websocket",
            Sec_WebSocket_Version="13",
            Sec_WebSocket_Key=_KEY,
        )
        self.reply(101)

    @classmethod
    def joined(cls, port: int) -> Self:
        """One that has joined the namespace `/`."""
        client = cls(port)
        assert client.receive().startswith(b"0{")
        assert client.ask(b"40").startswith(b"40{")
        return client

    def send(self, packet: bytes) -> None:
        self._socket.sendall(masked_frame(packet))

    def receive(self, kind: int = _TEXT) -> bytes:
        """The payload of the next frame."""
        first, size = self._received.read(2)
        assert first == kind, first
        if size == 126:
            (size,) = struct.unpack("!H", self._received.read(2))
        return self._received.read(size)

    def ask(self, packet: bytes) -> bytes:
        """Send a packet and return the next one that comes."""
        self.send(packet)
        return self.receive()

    def leave(self) -> None:
        """Close as browsers do, and wait until the server has ended the connection."""
        self._socket.sendall(struct.pack("!BBIH", _CLOSE, 0x82, 0, _NORMAL))
        self.receive(_CLOSE)
        assert not self._received.read(), "something behind the close frame"
        self.close()


class Polling:
    """A session of Engine.IO over long-polling; browsers too have one connection for GET and another for POST."""

    def __init__(self, get: Connection, post: Connection) -> None:
        self._get = get
        self._post = post
        self._target = "/socket.io/?EIO=4&transport=polling"
        opened = self.get()
        assert opened.startswith(b"0{"), opened
        self.sid = opened.split(b'"')[3].decode()
        self._target += f"&sid={self.sid}"

    def start_get(self) -> None:
        self._get.request("GET", self._target)

    def end_get(self) -> bytes:
        return self._get.reply()

    def get(self) -> bytes:
        self.start_get()
        return self.end_get()

    def post(self, packets: bytes) -> None:
        self._post.request("POST", self._target, packets)
        assert self._post.reply() == b"ok"
