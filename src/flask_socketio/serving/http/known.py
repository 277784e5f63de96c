"""Heads of requests that differ from one before in the target and the body's length alone, as a client's mostly do.

The parser reads the fields of the first one. Of the next ones the request line is looked at; behind it there have to be
the same bytes, of which only the digits of Content-Length may be others, and exactly the body that they announce.
Anything else, bytes that come in pieces among it, is the parser's, which has not seen any of it then.

That it would have said the same, rests on three things. A request line of `_LINE` is one that it takes. What it makes
of the fields depends on their bytes, and on nothing that `_LINE` leaves open: no method is CONNECT, the version is 1.1.
And nothing is kept in which a field but Content-Length says where the body or the connection ends.

Where all of a polling request is known but its body and the time stamp (clients put one into each, for the sake of
caches), what was found about the last one holds for it as well: its `Ticket`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from ...engine.request import Headers
from .polling import Ticket

#: Some of the request lines that the parser takes: what browsers write. Method, path, query; the latter in two parts
#: if there is a time stamp in between. Nothing is read twice, however a line ends (`*+`): anybody may send them.
_LINE = re.compile(
    rb"(GET|POST) (/[\w!$%&'()*+,./:;=@~-]*+)(?:(\?EIO=\w*+&transport=\w*+)&t=[\w.-]*+(?=[& ]))?"
    rb"([\w!$%&'()*+,./:;=?@~-]*+) HTTP/1\.1"
)
_LENGTH = re.compile(rb"(?i:\r\ncontent-length): ([0-9]+)(?=\r\n)")
#: The most digits of a length that are read: it is one that has come.
_DIGITS = 9
#: Fields for which the parser, or what is told by it, does something else.
_SPECIAL = {b"connection", b"expect", b"proxy-connection", b"transfer-encoding", b"upgrade"}
#: But for one, which says nothing new.
_USUAL = (b"connection", b"keep-alive")

#: Heads that are kept for a connection: that of its GETs, and that of its POSTs.
_KEPT = 2
#: New ones in a row after which nothing is compared any more: no two requests of that connection are alike.
_TRIES = 16

Environ = dict[str, Any]
#: A request's line, in the bytes that have come.
Line = re.Match[bytes]
#: The line, which fields follow it, and a body that has come with them.
Request = tuple[Line, "Known", bytes]


def target_of(line: Line) -> bytes:
    """What the request is for, as the client has written it."""
    return line.string[line.start(2) : line.end(4)]


class Known:
    """The fields of a request that the parser has read, each name once."""

    __slots__ = ("_asked", "_at", "_end", "_environ", "_fields", "_ticket", "begin", "has_length")

    def __init__(self, head: bytes, fields: Headers) -> None:
        self._fields = fields
        #: what was asked for last with these fields, and what was found about that
        self._asked: Sequence[bytes] = ()
        self._ticket: Ticket | None = None
        self._environ: Environ | None = None
        length = _LENGTH.search(head)
        self.has_length = length is not None
        #: the bytes up to the digits of Content-Length, and those behind them
        self.begin, self._end = head, b""
        #: which of the fields it is
        self._at = 0
        if length is not None:
            self.begin, self._end = head[: length.start(1)], head[length.end() :]
            self._at = [name for name, _ in fields].index(b"content-length")

    def fields(self, line: Line) -> Headers:
        """Those of the request that begins with this line."""
        if not self.has_length:
            return self._fields
        data, at = line.string, line.end() + len(self.begin)
        fields = self._fields.copy()
        fields[self._at] = (b"content-length", data[at : data.index(b"\r", at)])
        return fields

    def environ(self, make: Callable[[Headers], Environ], fields: Headers) -> Environ:
        """What `make` makes of a request's fields, which are these; it is asked once."""
        if self._environ is None:
            self._environ = make(fields)
        environ = self._environ.copy()
        if self.has_length:
            environ["CONTENT_LENGTH"] = fields[self._at][1].decode()
        return environ

    def ticket(self, line: Line) -> Ticket | None:
        """What was found about the last request, if this one asks for the same."""
        return self._ticket if line.groups() == self._asked else None

    def keep(self, line: Line, ticket: Ticket | None) -> None:
        self._asked, self._ticket = line.groups(), ticket

    def body(self, data: bytes, at: int) -> bytes | None:
        """What follows the fields, which are these up to the digits, if it is as long as they say."""
        digits = data[at : data.find(b"\r", at, at + _DIGITS + 1)]
        at += len(digits)
        if not (digits.isdigit() and data.startswith(self._end, at)):
            return None
        body = data[at + len(self._end) :]
        return body if len(body) == int(digits) else None


class KnownHeads:
    """Those of one connection."""

    __slots__ = ("_kept", "_tries")

    def __init__(self) -> None:
        self._kept: list[Known] = []
        self._tries = _TRIES

    def read(self, data: bytes) -> Request | None:
        """A request that is all of the data, if its fields are known; to be called where the parser is between two."""
        line = _LINE.match(data) if self._kept else None
        if line is None:
            return None
        start = line.end()
        for known in self._kept:
            if data.startswith(known.begin, start):
                at = start + len(known.begin)
                if known.has_length:
                    body = known.body(data, at)
                else:
                    body = b"" if at == len(data) else None
                if body is not None:
                    self._tries = _TRIES
                    return line, known, body
        return None

    def learn(self, data: bytes, fields: Headers) -> bool:
        """Keep the head of a request that is all of the data, with the fields that the parser has found in it.

        Returns whether to look out for others.
        """
        line = _LINE.match(data)
        if line is not None:
            lines, blank, body = data[line.end() :].partition(b"\r\n\r\n")
            if blank and _is_plain(lines, fields, len(body)):
                self._kept = [Known(lines + blank, fields), *self._kept[: _KEPT - 1]]
        self._tries -= 1
        return self._tries > 0


def _is_plain(lines: bytes, fields: Headers, size: int) -> bool:
    """Whether the lines are the fields, one by one, and say nothing of the request but the size of its body."""
    split = [line.partition(b": ") for line in lines.split(b"\r\n")[1:]]
    told = dict(fields)
    return (
        [(name.lower(), value) for name, _, value in split] == fields
        and len(told) == len(fields)
        and b"host" in told
        and _SPECIAL.isdisjoint(field[0] for field in fields if field != _USUAL)
        and told.get(b"content-length", b"0") == b"%d" % size
    )
