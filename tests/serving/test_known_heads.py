"""Heads that have come before are not parsed again (serving/http/known.py): nobody notices but the clock."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flask_socketio.engine.admission import Admission
from flask_socketio.engine.answers import Receive, Send, respond
from flask_socketio.engine.origin import OriginPolicy
from flask_socketio.engine.request import EngineRequest
from flask_socketio.serving.http import protocol as protocol_module
from flask_socketio.serving.http.known import KnownHeads
from flask_socketio.serving.pages import Answer, Page, Pages
from fuzz import connection, requests
from tests.kit.raw import WAIT
from tests.kit.server import ServerProcess

APP = Path(__file__).with_name("pages_app.py")
POLLING = b"/engine.io/?EIO=4&transport=polling"


# -- in memory, beside a server that parses everything -----------------------------------------------


class Mirror(Pages):
    """Answers with what it was asked."""

    def __init__(self) -> None:
        """Without an application, and threads."""

    def begin(self, environ: dict[str, Any], on_news: Callable[[], None] | None = None) -> Page:
        body = environ.pop("wsgi.input").read()
        del environ["wsgi.errors"]
        said = repr((sorted(environ.items()), body)).encode()
        page: Any = Said()
        page.answer = Answer(200, [(b"content-length", b"%d" % len(said))], said)
        assert on_news is not None
        asyncio.get_running_loop().call_soon(lambda: page.on_news and page.on_news())
        page.on_news = on_news
        return page

    async def finish(self, page: Page, receive: Receive | None, send: Send) -> None:
        answer = page.answer
        assert answer is not None
        await respond(send, (answer.status, b"text/plain", answer.body))


class Said:
    """A page that has been answered."""

    def cut(self) -> None:
        """Nobody waits for it."""


class MirrorServer(connection.Server):
    pages = Mirror()


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[MirrorServer, MirrorServer]]:
    """One as it is, and one that parses every head."""
    loggers = [logging.getLogger(name) for name in ("flask_socketio", "uvicorn")]
    before = [(logger, logger.handlers[:], logger.propagate) for logger in loggers]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            protocol_module, "PIECE", protocol_module.PIECE
        )  # what the servers change, is put back
        # To which pytest adds its own, and what is logged goes by ASGI.
        patch.setattr(logging.getLogger("uvicorn.access"), "hasHandlers", lambda: False)
        servers = (
            MirrorServer(usual=connection.WHOLE),
            MirrorServer(connection.Parsing, connection.WHOLE),
        )
        yield servers
        for server in servers:
            server.loop.close()
        connection.NO_SOCKET.close()
    for logger, handlers, propagate in before:
        logger.handlers[:], logger.propagate = handlers, propagate


def request(line: bytes, fields: list[bytes], body: bytes = b"", length: bytes = b"") -> bytes:
    fields = [*fields, b"Content-Length: " + length] if length else fields
    return b"\r\n".join([line, *fields, b"", body])


LINES = [
    b"GET /",
    b"GET /a?b=%20c",
    b"GET //a",
    b"POST /a",
    b"GET " + POLLING,
    *[
        method + POLLING + more
        for method in (b"GET ", b"POST ")
        for more in (b"&sid=s0", b"&t=abc.1&sid=s0", b"&sid=none", b"&sid=s0&sid=s1")
    ],
]
#: In a request's line, and among its fields.
ODD_LINES = [
    *[
        b"%b %b" % (method, target)
        for _, method in requests.METHODS
        for _, target in requests.TARGETS
    ],
]
lines = st.one_of(st.sampled_from(LINES), st.sampled_from(ODD_LINES)).map(lambda line: line + b" ")
versions = st.one_of(st.just(b"HTTP/1.1"), st.sampled_from([data for _, data in requests.VERSIONS]))
odd_fields = st.sampled_from([data for _, data in [*requests.FIELDS, *requests.HOSTS] if data])
plain_fields = st.sampled_from(
    [b"Host: x", b"Accept: */*", b"Connection: keep-alive", b"Cookie: a=b; c", b"Origin: http://x"]
)
heads = st.builds(
    lambda fields, odd: [b"Host: x", *fields, *odd],
    st.lists(plain_fields.filter(lambda field: field != b"Host: x"), max_size=3, unique=True),
    st.one_of(st.just([]), st.lists(odd_fields, max_size=1)),
)
bodies = st.sampled_from(
    [b"", b"4a", b"4abc", b"2probe", b"4" + b"x" * 90, b"1", b"GET / HTTP/1.1\r\n\r\n"]
)


@st.composite
def connections(draw: st.DrawFn) -> list[bytes]:
    """What comes over a connection, in pieces: mostly requests with the same few heads."""
    few = draw(st.lists(heads, min_size=1, max_size=3))
    pieces = [b"GET " + POLLING + b" HTTP/1.1\r\nHost: x\r\n\r\n"]
    for _ in range(draw(st.integers(2, 9))):
        line = draw(lines) + draw(versions)
        fields, body = draw(st.sampled_from(few)), draw(bodies)
        if draw(st.integers(0, 9)) == 0:
            hidden = request(b"GET /hidden HTTP/1.1", fields)
            length = b"%d" % len(hidden)
            asked = draw(st.sampled_from([b"POST /a", b"POST " + POLLING + b"&sid=none"]))
            pieces += [request(asked + b" HTTP/1.1", fields, length=length), hidden]
        size = b"%d" % len(body)
        lengths = [size] * 6 + [
            b"0" + size,
            b"1",
            b"200",
            b"+1",
            b"4 ",
            b"",
            b"9999999999",
            size + b"\r\n x",
        ]
        data = request(line, fields, body, draw(st.sampled_from(lengths)) if body else b"")
        pieces += changed(draw, data)
    return pieces


def changed(draw: st.DrawFn, data: bytes) -> list[bytes]:
    """A request as it is, mostly; else cut, joined with the next one, or with a byte of it changed."""
    how = draw(st.sampled_from(["whole"] * 6 + ["cut", "twice", "byte", "tail", "chunks"]))
    at = draw(st.integers(1, max(1, len(data) - 1)))
    match how:
        case "cut":
            return [data[:at], data[at:]]
        case "twice":
            return [data + data]
        case "byte":
            byte = draw(st.sampled_from([b"\r", b"\n", b" ", b"\0", b"1", b":", b"\xe9", b"\t"]))
            return [data[:at] + byte + data[at + 1 :]]
        case "tail":
            return [data + draw(st.sampled_from([b"\r\n", b"\n", b"G", b"x"]))]
        case "chunks":
            head, _, body = data.partition(b"\r\n\r\n")
            coding = b"\r\nTransfer-Encoding: chunked\r\n\r\n"
            return [head + coding + b"%x\r\n%b\r\n0\r\n" % (len(body) or 1, body or b"4"), b"\r\n"]
        case _:
            return [data]


@given(connections())
@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
def test_all_is_as_if_every_head_were_parsed(
    pair: tuple[MirrorServer, MirrorServer], pieces: list[bytes]
) -> None:
    known, parsing = pair
    assert connection.run(known, *pieces) == connection.run(parsing, *pieces)
    assert known.ended == parsing.ended


def is_known(server: MirrorServer, *pieces: bytes) -> list[bool]:
    """Of which of the pieces the head was known."""
    found: list[bool] = []
    read = KnownHeads.read

    def watched(heads: KnownHeads, data: bytes) -> Any:
        result = read(heads, data)
        found.append(result is not None)
        return result

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(KnownHeads, "read", watched)
        connection.run(server, *pieces)
    return found


GET = b"GET /a HTTP/1.1\r\nHost: x\r\nAccept: */*\r\n\r\n"
POST = b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\nAccept: */*\r\n\r\n%b"


def test_what_is_known(pair: tuple[MirrorServer, MirrorServer]) -> None:
    posts = [POST % (len(body), body) for body in (b"a", b"abc", b"a" * 100, b"")]
    pieces = [GET, GET.replace(b"/a", b"/b?c=%20"), *posts, GET]
    assert is_known(pair[0], *pieces) == [False, True, False, True, True, True, True]


def test_a_browsers_polls_are_known(pair: tuple[MirrorServer, MirrorServer]) -> None:
    fields = b"\r\n".join(
        [
            b" HTTP/1.1", b"Host: x", b"Connection: keep-alive", b'sec-ch-ua-platform: "Linux"',
            b"User-Agent: Mozilla/5.0 (X11; Linux x86_64)", b"Accept: */*", b"Sec-Fetch-Mode: cors",
            b"Referer: http://x/", b"Accept-Encoding: gzip, deflate", b"Cookie: a=b; c=d", b"", b"",
        ]
    )  # fmt: skip
    pieces = [b"GET " + POLLING + fields] + [
        b"GET %b&t=x%d&sid=none%b" % (POLLING, number, fields) for number in range(4)
    ]
    assert is_known(pair[0], *pieces) == [False, False, True, True, True]


@pytest.mark.parametrize(
    "field",
    [
        b"Connection: close", b"Connection: x", b"Upgrade: h2c", b"Expect: 100-continue", b"Expect: x",
        b"Transfer-Encoding: chunked", b"Proxy-Connection: close", b"X-A: 1\r\nX-A: 2", b"X-A: a\r\n b", b"Host: y",
    ],
)  # fmt: skip
def test_what_is_never_known(pair: tuple[MirrorServer, MirrorServer], field: bytes) -> None:
    head = GET.replace(b"Accept: */*", field)
    assert not any(is_known(pair[0], head, head, head))


@pytest.mark.parametrize(
    "piece",
    [
        POST % (4, b"abc"), POST % (2, b"abc"), POST % (3, b"abc") + GET, GET + GET, GET[:-1], GET + b"x",
        GET.replace(b"HTTP/1.1", b"HTTP/1.0"), GET.replace(b"GET", b"PUT"), GET.replace(b"GET", b"GET "),
        GET.replace(b"/a", b"/a#b"), GET.replace(b"/a", b"http://x/a"), GET.replace(b"*/*", b"*/*,"), b"\r\n" + GET,
        (POST % (3, b"abc")).replace(b": 3", b": +3"), (POST % (3, b"abc")).replace(b": 3", b":  3"),
        (POST % (3, b"abc")).replace(b": 3", b": 0000000003"), (POST % (3, b"abc")).replace(b": 3", b": 3 "),
    ],
)  # fmt: skip
def test_what_is_not_the_same(pair: tuple[MirrorServer, MirrorServer], piece: bytes) -> None:
    assert not is_known(pair[0], GET, POST % (1, b"a"), piece)[2]


@pytest.mark.parametrize(
    "refused", [b"CONNECT x HTTP/1.1\r\nHost: x\r\n\r\n", b"\0\r\n\r\n", b"GET /a HTTP/1.1\r\n\r\n"]
)
def test_a_connection_that_was_given_up_takes_nothing_more(
    pair: tuple[MirrorServer, MirrorServer], refused: bytes
) -> None:
    """It is read away for a moment, so that the client gets the answer."""
    known, parsing = pair
    pieces = [GET, POST % (1, b"a"), refused, GET, POST % (1, b"a")]
    assert not any(is_known(known, *pieces)[3:])
    assert connection.run(known, *pieces) == connection.run(parsing, *pieces)


def test_where_no_two_heads_are_alike_none_is_looked_for(
    pair: tuple[MirrorServer, MirrorServer],
) -> None:
    pieces = [GET.replace(b"*/*", b"%d" % number) for number in range(30)]
    assert len(is_known(pair[0], *pieces)) < 20


# -- tickets -----------------------------------------------------------------------------------------

FIELDS = b" HTTP/1.1\r\nHost: x\r\nOrigin: http://x\r\n"
OPEN = b"GET " + POLLING + FIELDS + b"\r\n"


def poll(session: bytes = b"s0", more: bytes = b"&t=a.%d", begin: bytes = POLLING) -> bytes:
    """Its `%d` is another one each time."""
    return b"GET " + begin + more + b"&sid=" + session + FIELDS + b"\r\n"


def post(body: bytes = b"4a", session: bytes = b"s0", more: bytes = b"&t=a.%d") -> bytes:
    """The session sends back what it is sent, and what it has been told waits for the next GET."""
    head = b"POST " + POLLING + more + b"&sid=" + session + FIELDS
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


def numbered(*pieces: bytes) -> list[bytes]:
    return [piece.replace(b"%d", b"%d" % number) for number, piece in enumerate(pieces)]


def asked(server: MirrorServer, *pieces: bytes) -> int:
    """For how many of the pieces it was found out who answers them."""
    count = 0
    admit = Admission.admit_at_once

    def counted(admission: Admission, request: EngineRequest) -> Any:
        nonlocal count
        count += request.query.sid is not None
        return admit(admission, request)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Admission, "admit_at_once", counted)
        connection.run(server, *numbered(*pieces))
    return count


#: Of each kind the first is parsed, the second is known and asks, the others need not.
USUAL = [OPEN, *[post(), poll()] * 4]


def test_who_was_let_in_is_let_in_again(pair: tuple[MirrorServer, MirrorServer]) -> None:
    assert asked(pair[0], *USUAL) == 2 * 2
    assert asked(pair[1], *USUAL) == len(USUAL) - 1


@pytest.mark.parametrize(
    "piece",
    [
        poll(b"s1"), poll(b"none"), poll(begin=POLLING.replace(b"4", b"3")), poll(more=b"&t=a%%20&sid=none"),
        poll(more=b"&u=1"), poll(begin=POLLING.replace(b"?", b"&t=1?")), poll(more=b"&sid=s1&t=1"),
        poll(begin=POLLING.replace(b"polling", b"websocket")), poll().replace(b"//x", b"//y"), post(b"4a", b"s1"),
        poll().replace(b"GET", b"POST"), post().replace(b"POST", b"GET"), poll(more=b"&t=1&t=2"),
    ],
)  # fmt: skip
def test_who_says_something_else_is_not(
    pair: tuple[MirrorServer, MirrorServer], piece: bytes
) -> None:
    known, parsing = pair
    pieces = numbered(OPEN, OPEN, *USUAL[1:], piece, *USUAL[1:])
    assert connection.run(known, *pieces) == connection.run(parsing, *pieces)


@pytest.mark.parametrize(
    "piece",
    [post(b"1"), post(b"4a\x1e1"), post(b"b"), post(b"\x1e"), post(b"4" * 1500), post(b"x")],
    ids=["closed", "closed behind others", "base64", "empty", "more than usual", "unknown"],
)
def test_it_ends_with_the_session(pair: tuple[MirrorServer, MirrorServer], piece: bytes) -> None:
    known, parsing = pair
    pieces = numbered(*USUAL, piece, *USUAL[1:])
    assert connection.run(known, *pieces) == connection.run(parsing, *pieces)


def test_a_callable_is_asked_about_each_origin(pair: tuple[MirrorServer, MirrorServer]) -> None:
    """It may change its mind."""
    origins: list[str] = []

    def allows(origin: str) -> bool:
        origins.append(origin)
        return len(origins) < len(USUAL)

    server = pair[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(server.engine.admission, "origins", OriginPolicy(allows, False))
        answers = connection.run(server, *numbered(*USUAL))
    assert len(origins) == len(USUAL)
    assert answers.count(b" 200 OK") == len(USUAL) - 1


def test_a_list_of_origins_may_change(pair: tuple[MirrorServer, MirrorServer]) -> None:
    """As `cors_allowed_origins` of an application that adds to it, or takes away."""
    allowed = Fading("http://x", times=len(USUAL) - 1)
    server = pair[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(server.engine.admission, "origins", OriginPolicy(allowed, False))
        answers = connection.run(server, *numbered(*USUAL))
    assert answers.count(b" 200 OK") == len(USUAL) - 1


class Fading(list[str]):
    """What is in it is so often, and then no longer."""

    def __init__(self, *origins: str, times: int) -> None:
        super().__init__(origins)
        self.left = times

    def __contains__(self, origin: object) -> bool:
        self.left -= origin != "*"
        return self.left >= 0 and super().__contains__(origin)


# -- over sockets ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with ServerProcess.script(APP) as server:
        yield server


def test_bodies_of_many_sizes(server: ServerProcess) -> None:
    """Each is its own request's, whether it comes with the head or behind it."""
    with (
        socket.create_connection(server.address, timeout=WAIT) as conn,
        conn.makefile("rb") as file,
    ):
        for size in (1, 5, 100, 0, 3000, 7):
            for pieces in (1, 2):
                body = bytes(range(65, 91)) * (size // 26) + b"x" * (size % 26)
                head = b"POST /digest HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % size
                for piece in [head + body] if pieces == 1 else [head + body[:-1], body[-1:]]:
                    conn.sendall(piece)
                assert read_answer(file) == sha256(body).hexdigest().encode()


def read_answer(file: Any) -> bytes:
    head = b""
    while line := file.readline().strip():
        head += line.lower() + b"\n"
    return file.read(int(head.partition(b"content-length: ")[2].split()[0]))


def test_nothing_is_smuggled(server: ServerProcess) -> None:
    """A head that is known up to its length announces another body than the one that follows."""
    hidden = b"GET /environ HTTP/1.1\r\nHost: x\r\n\r\n"
    head = b"POST /digest HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
    with (
        socket.create_connection(server.address, timeout=WAIT) as conn,
        conn.makefile("rb") as file,
    ):
        for body in (b"a", b"abc", hidden):
            conn.sendall(head % len(body) + body)
            assert read_answer(file) == sha256(body).hexdigest().encode()
        conn.sendall(
            head.replace(b"%d", b"%d\r\nTransfer-Encoding: chunked") % 5 + b"0\r\n\r\n" + hidden
        )
        with suppress(ConnectionError):
            assert file.readline().startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    "target", [b"/a", b"/?a", b"/&", b"/?EIO=4&transport=polling&t=a", b"/?EIO=a"]
)
def test_a_line_is_read_once_however_it_ends(target: bytes) -> None:
    """What would be read again from each of its bytes on would take minutes."""
    long = target + target[-1:] * 200_000
    for end in (b'" HTTP/1.1\r\n\r\n', b" HTTP/1.0\r\n\r\n", b""):
        assert KnownHeads().read(b"GET " + long + end) is None
