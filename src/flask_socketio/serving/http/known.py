"""Heads of requests that differ from one before in the target and the body's length alone, as a client's mostly do.

The parser reads the fields of the first one. Of the next ones the request line is looked at; behind it there have to be
the same bytes, of which only the digits of Content-Length may be others, and exactly the body that they announce.
Anything else, bytes that come in pieces among it, is the parser's, which has not seen any of it then.

That it would have said the same, rests on three things. A request line of `_LINE` is one that it takes. What it makes
of the fields depends on their bytes, and on nothing that `_LINE` leaves open: no method is CONNECT, the version is 1.1.
And nothing is kept in which a field but Content-Length says where the body or the connection ends.
"""

from __future__ import annotations

import re

from ...engine.request import Headers

#: Some of the request lines that the parser takes: what browsers write.
_LINE = re.compile(rb"(GET|POST) (/[\w!$%&'()*+,./:;=?@~-]*) HTTP/1\.1")
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

#: Method, target, fields, and a body that has come with them.
Request = tuple[bytes, bytes, Headers, bytes]


class Known:
    """The fields of a request that the parser has read, each name once."""

    __slots__ = ("_at", "_end", "begin", "fields", "has_length")

    def __init__(self, head: bytes, fields: Headers) -> None:
        self.fields = fields
        length = _LENGTH.search(head)
        self.has_length = length is not None
        #: the bytes up to the digits of Content-Length, and those behind them
        self.begin, self._end = head, b""
        #: which of the fields it is
        self._at = 0
        if length is not None:
            self.begin, self._end = head[: length.start(1)], head[length.end() :]
            self._at = [name for name, _ in fields].index(b"content-length")

    def read_on(self, data: bytes, at: int) -> tuple[Headers, bytes] | None:
        """Fields and body of a request that is these up to the digits, if it is to its end."""
        digits = data[at : data.find(b"\r", at, at + _DIGITS + 1)]
        at += len(digits)
        if not (digits.isdigit() and data.startswith(self._end, at)):
            return None
        body = data[at + len(self._end) :]
        if len(body) != int(digits):
            return None
        fields = self.fields.copy()
        fields[self._at] = (b"content-length", digits)
        return fields, body


class KnownHeads:
    """Those of one connection."""

    __slots__ = ("_kept", "_tries")

    def __init__(self) -> None:
        self._kept: list[Known] = []
        self._tries = _TRIES

    def read(self, data: bytes) -> Request | None:
        """A request that is all of the data, if its fields are known; to be called where the parser is between two."""
        line = _LINE.match(data)
        if line is None:
            return None
        start = line.end()
        for known in self._kept:
            if data.startswith(known.begin, start):
                at = start + len(known.begin)
                if known.has_length:
                    found = known.read_on(data, at)
                else:
                    found = (known.fields, b"") if at == len(data) else None
                if found is not None:
                    self._tries = _TRIES
                    fields, body = found
                    return line[1], line[2], fields, body
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
