"""Where our server and the others do not answer the same, and why that is so.

httptools is uvicorn's parser and ours; h11 is the other one of uvicorn's. Whatever is not here is a finding.
"""

from __future__ import annotations

from dataclasses import dataclass

HTTPTOOLS, H11, GUNICORN = "httptools", "h11", "gunicorn"


@dataclass(frozen=True)
class Difference:
    """What ours does otherwise with requests of these tags."""

    why: str
    tags: tuple[str, ...]
    #: the others that serve what ours refuses, that refuse what ours serves, and that serve something else
    stricter: tuple[str, ...] = ()
    laxer: tuple[str, ...] = ()
    other: tuple[str, ...] = ()


DIFFERENCES = [
    Difference(
        "an HTTP/1.1 request has one Host (RFC 9112, 3.2)",
        ("no Host", "two Hosts"),
        stricter=(HTTPTOOLS, H11, GUNICORN),
    ),
    Difference(
        "there is no proxy here that could connect",
        ("CONNECT",),
        stricter=(HTTPTOOLS, H11, GUNICORN),
    ),
    Difference(
        "no HTTP that is spoken here (RFC 9110, 15.6.6)",
        ("HTTP/0.9", "HTTP/2", "HTTP/1.2"),
        stricter=(HTTPTOOLS, H11, GUNICORN),
    ),
    Difference(
        "HTTP/1.0 has no chunks: who is before us may not know them (RFC 9112, 6.1)",
        ("chunks in HTTP/1.0",),
        stricter=(HTTPTOOLS, H11),
    ),
    Difference(
        "httptools knows the methods that are registered; who has others serves by another lane",
        ("unknown method", "method in lower case", "method with @"),
        stricter=(H11, GUNICORN),
    ),
    Difference(
        "httptools takes origin form, absolute form with a path, and *",
        ("no slash", "authority", "absolute form without a path"),
        stricter=(H11, GUNICORN),
    ),
    Difference(
        "h11 and uvicorn leave a target as it is; of the absolute form ours takes path and query (RFC 9112, 3.2.2)",
        ("absolute form", "fragment"),
        other=(H11,),
    ),
    Difference("gunicorn takes * with OPTIONS alone", ("asterisk",), laxer=(GUNICORN,)),
    Difference(
        "httptools skips empty lines before a request, as RFC 9112, 2.2, says; the others one, or none",
        ("empty lines before a request", "bare LF before a request"),
        laxer=(H11, GUNICORN),
    ),
    Difference(
        "httptools takes several spaces before a target, which say nothing else",
        ("two spaces",),
        laxer=(H11, GUNICORN),
    ),
    Difference(
        "lines end with CR LF, a field is one line, without control characters (RFC 9112, 2.2, 5.2; RFC 9110, 5.5)",
        (
            "bare LF",
            "bare LF in a value",
            "folded",
            "folded coding",
            "space before a name",
            "length with a space before the name",
            "control character in a value",
        ),
        stricter=(H11,),
    ),
    Difference(
        "httptools leaves spaces at the end of a value",
        ("space behind a value",),
        other=(H11, GUNICORN),
    ),
    Difference("an expectation that nobody knows is none", ("Expect another",), laxer=(GUNICORN,)),
    Difference(
        "Connection is a list; gunicorn compares all of it",
        ("close in a list",),
        laxer=(GUNICORN,),
        other=(GUNICORN,),
    ),
    Difference(
        "httptools takes Proxy-Connection for Connection, as old clients mean it",
        ("Proxy-Connection",),
        laxer=(H11, GUNICORN),
        other=(H11, GUNICORN),
    ),
    Difference(
        "a request for an upgrade that nobody knows is one like any other, also for what follows it",
        ("h2c",),
        stricter=(HTTPTOOLS,),
        other=(HTTPTOOLS,),
    ),
    Difference(
        "a length is given once, and not beside chunks: who is before us may have taken the other one",
        (
            "list of lengths",
            "two lengths that agree",
            "length and chunks",
            "trailer with a length",
        ),
        stricter=(H11,),
    ),
    Difference(
        "a length beyond 64 bits is none",
        ("huge length", "huge chunk size"),
        stricter=(H11, GUNICORN),
    ),
    Difference(
        "chunks are as RFC 9112, 7.1, has them, to the byte",
        (
            "odd chunk extension",
            "CR in a chunk extension",
            "NUL in a chunk extension",
            "space behind a chunk size",
            "bare LF behind the last chunk",
        ),
        stricter=(H11, GUNICORN),
    ),
    Difference(
        "what matters is that chunked is the last coding, so that all agree where the body ends; what is below it, "
        "applications get as it came. gunicorn closes after it",
        ("coding before chunked", "list with nothing in it", "two codings"),
        stricter=(GUNICORN,),
        laxer=(H11, GUNICORN),
        other=(GUNICORN,),
    ),
    Difference("trailers are nobody's headers (RFC 9110, 6.5.1)", ("trailer",), other=(HTTPTOOLS,)),
]

#: kind, peer and tag of a case
EXCUSED = {
    (kind, peer, tag)
    for row in DIFFERENCES
    for kind in ("stricter", "laxer", "other")
    for peer in getattr(row, kind)
    for tag in row.tags
}
