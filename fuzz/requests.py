"""Requests as they should not be, part by part. Each part has a tag that says what is odd about it, if anything is."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

Part = tuple[str, bytes]

METHODS: list[Part] = [
    ("", b"GET"),
    ("", b"POST"),
    ("", b"HEAD"),
    ("", b"PUT"),
    ("", b"OPTIONS"),
    ("", b"DELETE"),
    ("method in lower case", b"get"),
    ("unknown method", b"SING"),
    ("method with @", b"G@T"),
    ("no method", b""),
    ("CONNECT", b"CONNECT"),
    ("TRACE", b"TRACE"),
]
TARGETS: list[Part] = [
    ("", b"/"),
    ("", b"/a"),
    ("", b"/a?b=c&d=%20"),
    ("", b"/%41%2f"),
    ("", b"/a/../b"),
    ("", b"/./a;b"),
    ("", b"/?"),
    ("", b"/a+b?c+d"),
    ("", b"/%c3%a9"),
    ("escape that is none", b"/%zz%"),
    ("escaped NUL", b"/%00"),
    ("escaped half a character", b"/%ff"),
    ("raw UTF-8", b"/\xc3\xa9"),
    ("raw Latin-1", b"/\xe9?\xe9"),
    ("two slashes", b"//a"),
    ("two slashes", b"//a/b?c"),
    ("absolute form", b"http://x/a?b"),
    ("absolute form without a path", b"http://x"),
    ("asterisk", b"*"),
    ("fragment", b"/a#b"),
    ("fragment", b"/a?b#c"),
    ("no slash", b"a"),
    ("no slash", b"?a"),
    ("authority", b"x:80"),
    ("space in the target", b"/a b"),
    ("NUL in the target", b"/\0"),
    ("tab in the target", b"/a\tb"),
    ("no target", b""),
    ("quotes in the target", b'/"<>\\^`{|}'),
]
VERSIONS: list[Part] = [
    *[("", b"HTTP/1.1")] * 6,
    ("HTTP/1.0", b"HTTP/1.0"),
    ("HTTP/0.9", b"HTTP/0.9"),
    ("HTTP/2", b"HTTP/2.0"),
    ("HTTP/1.2", b"HTTP/1.2"),
    ("version in lower case", b"http/1.1"),
    ("version of one digit", b"HTTP/1"),
    ("version of three digits", b"HTTP/1.10"),
    ("no version", b""),
    ("another protocol", b"ICE/1.1"),
]
SPACES: list[Part] = [
    *[("", b" ")] * 8,
    ("two spaces", b"  "),
    ("tab for a space", b"\t"),
    ("no space", b""),
]
ENDS: list[Part] = [
    *[("", b"\r\n")] * 12,
    ("bare LF", b"\n"),
    ("bare CR", b"\r"),
    ("CR CR LF", b"\r\r\n"),
]
HOSTS: list[Part] = [
    *[("", b"Host: x")] * 8,
    ("", b"host:x"),
    ("no Host", b""),
    ("two Hosts", b"Host: x\r\nHost: x"),
    ("two Hosts", b"Host: x\r\nHost: y"),
    ("empty Host", b"Host:"),
    ("Host with a path", b"Host: x/y"),
    ("Host with a user", b"Host: a@x"),
    ("Host with spaces", b"Host: x y"),
    ("two Hosts in one", b"Host: x, y"),
]
FIELDS: list[Part] = [
    ("", b"X-A: 1"),
    ("", b"x-a:1"),
    ("", b"X-A:\t 1"),
    ("space behind a value", b"X-A: 1 \t"),
    ("", b"X-A:"),
    ("", b"X-A: 1\r\nX-A: 2"),
    ("", b"X-1!#$&'*+.^`|~: 1"),
    ("", b'X-A: a:b "c"'),
    ("underscore in a name", b"X_A: 1"),
    ("space before the colon", b"X-A : 1"),
    ("space in a name", b"X A: 1"),
    ("space before a name", b" X-A: 1"),
    ("empty name", b": 1"),
    ("no colon", b"X-A"),
    ("NUL in a name", b"X\0A: 1"),
    ("raw Latin-1 in a name", b"X\xe9: 1"),
    ("brackets in a name", b"X(a): 1"),
    ("NUL in a value", b"X-A: a\0b"),
    ("control character in a value", b"X-A: a\x01\x7fb"),
    ("raw Latin-1 in a value", b"X-A: \xe9"),
    ("folded", b"X-A: a\r\n b"),
    ("folded", b"X-A:\r\n\tb"),
    ("bare LF in a value", b"X-A: a\nX-B: c"),
    ("bare CR in a value", b"X-A: a\rb"),
    ("Expect", b"Expect: 100-continue"),
    ("Expect another", b"Expect: banana"),
    ("", b"Connection: keep-alive"),
    ("close", b"Connection: close"),
    ("close in a list", b"Connection: x, Close"),
    ("Connection: upgrade", b"Connection: upgrade"),
    ("h2c", b"Connection: Upgrade\r\nUpgrade: h2c"),
    ("", b"Upgrade: h2c"),
    ("Proxy-Connection", b"Proxy-Connection: close"),
]
#: How long the body is, and the body.
BODIES: list[Part] = [
    *[("", b"\r\n")] * 6,
    ("", b"Content-Length: 0\r\n\r\n"),
    ("", b"Content-Length: 3\r\n\r\nabc"),
    ("", b"Content-Length:\t3 \r\n\r\nabc"),
    ("leading zero in a length", b"Content-Length: 03\r\n\r\nabc"),
    ("sign in a length", b"Content-Length: +3\r\n\r\nabc"),
    ("negative length", b"Content-Length: -3\r\n\r\nabc"),
    ("hexadecimal length", b"Content-Length: 0x3\r\n\r\nabc"),
    ("empty length", b"Content-Length:\r\n\r\n"),
    ("underscore in a length", b"Content-Length: 1_0\r\n\r\nabcdefghij"),
    ("Arabic digits in a length", b"Content-Length: \xd9\xa3\r\n\r\nabc"),
    ("list of lengths", b"Content-Length: 3, 3\r\n\r\nabc"),
    ("list of lengths", b"Content-Length: 3,\r\n\r\nabc"),
    ("two lengths that agree", b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc"),
    ("two lengths", b"Content-Length: 3\r\nContent-Length: 0\r\n\r\nabc"),
    ("two lengths", b"Content-Length: 0\r\nContent-Length: 3\r\n\r\nabc"),
    ("huge length", b"Content-Length: 99999999999999999999999\r\n\r\nabc"),
    ("length and chunks", b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("length and chunks", b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"),
    (
        "length and chunks",
        b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    ),
    ("length and a coding", b"Content-Length: 3\r\nTransfer-Encoding: identity\r\n\r\nabc"),
    ("length with a space before the colon", b"Content-Length : 3\r\n\r\nabc"),
    ("length with a space before the name", b"X-A: 1\r\n Content-Length: 3\r\n\r\n"),
    ("length with an underscore", b"Content_Length: 3\r\n\r\n"),
    *[
        (tag, b"Transfer-Encoding: chunked\r\n\r\n" + body)
        for tag, body in [
            ("", b"0\r\n\r\n"),
            ("", b"3\r\nabc\r\n0\r\n\r\n"),
            ("", b"3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n"),
            ("", b"0003\r\nabc\r\n0\r\n\r\n"),
            ("", b"a\r\n0123456789\r\n0\r\n\r\n"),
            ("", b"A\r\n0123456789\r\n00\r\n\r\n"),
            ("chunk extension", b"3;a=b\r\nabc\r\n0;c\r\n\r\n"),
            ("chunk extension", b'3;a="b;c"\r\nabc\r\n0\r\n\r\n'),
            ("odd chunk extension", b"3 ;a\r\nabc\r\n0\r\n\r\n"),
            ("odd chunk extension", b"3;\r\nabc\r\n0\r\n\r\n"),
            ("LF in a chunk extension", b"3;a\nb\r\nabc\r\n0\r\n\r\n"),
            ("CR in a chunk extension", b"3;a\rb\r\nabc\r\n0\r\n\r\n"),
            ("NUL in a chunk extension", b"3;\0\r\nabc\r\n0\r\n\r\n"),
            ("trailer", b"0\r\nX-T: 1\r\n\r\n"),
            ("trailer with a length", b"3\r\nabc\r\n0\r\nContent-Length: 5\r\n\r\n"),
            ("bad trailer", b"0\r\nno colon\r\n\r\n"),
            ("bad trailer", b"0\r\nX : 1\r\n\r\n"),
            ("prefix in a chunk size", b"0x3\r\nabc\r\n0\r\n\r\n"),
            ("sign in a chunk size", b"+3\r\nabc\r\n0\r\n\r\n"),
            ("negative chunk size", b"-3\r\nabc\r\n0\r\n\r\n"),
            ("space before a chunk size", b" 3\r\nabc\r\n0\r\n\r\n"),
            ("space behind a chunk size", b"3 \r\nabc\r\n0\r\n\r\n"),
            ("underscore in a chunk size", b"0_3\r\nabc\r\n0\r\n\r\n"),
            ("empty chunk size", b"\r\nabc\r\n0\r\n\r\n"),
            ("chunk size that is none", b"g\r\nabc\r\n0\r\n\r\n"),
            ("huge chunk size", b"10000000000000003\r\nabc\r\n0\r\n\r\n"),
            ("huge chunk size", b"fffffffffffffffffff\r\nabc"),
            ("chunk longer than its size", b"2\r\nabc\r\n0\r\n\r\n"),
            ("chunk shorter than its size", b"4\r\nabc\r\n0\r\n\r\n"),
            ("no CRLF behind a chunk", b"3\r\nabc0\r\n\r\n"),
            ("other bytes behind a chunk", b"3\r\nabcXX0\r\n\r\n"),
            ("bare LF in chunks", b"3\nabc\n0\n\n"),
            ("bare LF in chunks", b"3\r\nabc\n0\r\n\r\n"),
            ("bare CR in chunks", b"3\rabc\r0\r\r"),
            ("bare LF behind the last chunk", b"3\r\nabc\r\n0\n\n"),
            ("bare LF behind the last chunk", b"0\r\n\n"),
        ]
    ],
    *[
        (tag, b"Transfer-Encoding:" + coding + b"\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
        for tag, coding in [
            ("", b" Chunked"),
            ("", b"chunked "),
            ("chunked twice", b" chunked, chunked"),
            ("coding before chunked", b" gzip, chunked"),
            ("chunked is not last", b" chunked, gzip"),
            ("identity", b" identity"),
            ("unknown coding", b" xchunked"),
            ("unknown coding", b" chunkedx"),
            ("chunked with a parameter", b" chunked;a=b"),
            ("vertical tab before chunked", b" \x0bchunked"),
            ("NUL behind chunked", b" chunked\0"),
            ("empty coding", b""),
            ("list with nothing in it", b" , chunked"),
            ("two codings", b" chunked\r\nTransfer-Encoding: identity"),
            ("two codings", b" identity\r\nTransfer-Encoding: chunked"),
            ("chunked in two fields", b" chunked\r\nTransfer-Encoding: chunked"),
            ("folded coding", b"\r\n chunked"),
            ("quoted coding", b' "chunked"'),
            ("quoted coding", b" 'chunked'"),
        ]
    ],
    ("coding with a space before the colon", b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
    ("coding with an underscore", b"Transfer_Encoding: chunked\r\n\r\n"),
]
BEFORE: list[Part] = [
    *[("", b"")] * 12,
    ("empty lines before a request", b"\r\n"),
    ("empty lines before a request", b"\r\n\r\n"),
    ("bare LF before a request", b"\n"),
    ("space before a request", b" "),
    ("NUL before a request", b"\0"),
]


@dataclass(frozen=True)
class Case:
    """What goes over a connection, and what is odd about it."""

    tags: frozenset[str]
    data: bytes


#: Ends a connection, so that one need not wait whether something else comes.
LAST = b"GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def case(*parts: Part) -> Case:
    return Case(
        frozenset(tag for tag, _ in parts if tag), b"".join(data for _, data in parts) + LAST
    )


def in_order(
    before: Part,
    method: Part,
    space: Part,
    target: Part,
    version: Part,
    end: Part,
    host: Part,
    fields: list[Part],
    body: Part,
) -> list[Part]:
    """A request's parts. The body has the empty line before it."""
    if version[1] == b"HTTP/1.0" and b"Transfer-Encoding" in body[1]:
        version = "chunks in HTTP/1.0", version[1]
    lines = [part for field in [host, *fields] if field[1] for part in (field, end)]
    lines = lines if host[1] else [host, *lines]
    return [before, method, space, target, ("", b" "), version, end, *lines, body]


requests = st.builds(
    in_order,
    st.sampled_from(BEFORE),
    st.sampled_from(METHODS),
    st.sampled_from(SPACES),
    st.sampled_from(TARGETS),
    st.sampled_from(VERSIONS),
    st.sampled_from(ENDS),
    st.sampled_from(HOSTS),
    st.lists(st.sampled_from(FIELDS), max_size=2),
    st.sampled_from(BODIES),
)
cases = st.lists(requests, min_size=1, max_size=3).map(
    lambda found: case(*(part for parts in found for part in parts))
)


def one_by_one() -> list[Case]:
    """Requests of which one part at a time is odd."""
    plain = [parts[0] for parts in (BEFORE, METHODS, SPACES, TARGETS, VERSIONS, ENDS, HOSTS)]
    found: list[Case] = []
    for place, parts in enumerate((BEFORE, METHODS, SPACES, TARGETS, VERSIONS, ENDS, HOSTS)):
        for part in parts:
            chosen = [*plain[:place], part, *plain[place + 1 :]]
            found.append(case(*in_order(*chosen, [], BODIES[0])))  # pyright: ignore[reportArgumentType]
    found += [case(*in_order(*plain, [part], BODIES[0])) for part in FIELDS]  # pyright: ignore[reportArgumentType]
    plain[1] = ("", b"POST")
    found += [case(*in_order(*plain, [], part)) for part in BODIES]  # pyright: ignore[reportArgumentType]
    return list(dict.fromkeys(found))
