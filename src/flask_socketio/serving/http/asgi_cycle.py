"""uvicorn's way of answering by ASGI, with what it leaves to the application done for it."""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle


class AsgiCycle(RequestResponseCycle):
    """One request whose answer comes from an ASGI application."""

    #: the answer ends with the connection: an HTTP/1.0 client knows no chunks
    _ends_with_connection = False

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self._begin({name.lower() for name, _ in message.get("headers", ())})
        elif self._ends_with_connection:
            self.expected_content_length = len(message.get("body", b""))
        await super().send(message)

    def _begin(self, names: set[bytes]) -> None:
        if b"date" in names:
            self.default_headers = [
                header for header in self.default_headers if header[0] != b"date"
            ]
        if self.scope.get("http_version") == "1.0" and b"content-length" not in names:
            self.chunked_encoding = False
            self._ends_with_connection = True
