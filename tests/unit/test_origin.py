"""Which pages may connect, and what they are told."""

from __future__ import annotations

from typing import Any

import pytest

from flask_socketio.app.values import hosts
from flask_socketio.engine.config import AllowedOrigins
from flask_socketio.engine.origin import OriginPolicy, is_allowed_host


def environ(**changes: str) -> dict[str, Any]:
    return {"wsgi.url_scheme": "http", "HTTP_HOST": "chat.example:5000", **changes}


PROXY = {"HTTP_X_FORWARDED_PROTO": "https", "HTTP_X_FORWARDED_HOST": "chat.example"}


@pytest.mark.parametrize(
    ("origin", "changes", "allowed"),
    [
        (None, {}, True),
        ("http://chat.example:5000", {}, True),
        ("https://chat.example:5000", {}, False),
        ("http://chat.example", {}, False),
        ("http://chat.example:50000", {}, False),
        ("http://chat.example:5000.evil.example", {}, False),
        ("http://chat.example:5000/", {}, False),
        ("http://evil.example", {}, False),
        ("null", {}, False),
        ("", {}, False),
        ("*", {}, False),
        ("https://chat.example:5000", {"wsgi.url_scheme": "https"}, True),
        ("https://chat.example", PROXY, True),
        ("http://chat.example:5000", PROXY, True),
        ("http://chat.example", PROXY, False),
        ("https://chat.example:5000", {"HTTP_X_FORWARDED_PROTO": "https"}, True),
        ("http://front.example", {"HTTP_X_FORWARDED_HOST": "front.example"}, True),
        ("https://a.example", {**PROXY, "HTTP_X_FORWARDED_HOST": "a.example, b.example"}, True),
        ("https://b.example", {**PROXY, "HTTP_X_FORWARDED_HOST": "a.example, b.example"}, False),
        ("https://chat.example", {**PROXY, "HTTP_X_FORWARDED_PROTO": "https,http"}, True),
    ],
)
def test_same_origin(origin: str | None, changes: dict[str, str], allowed: bool) -> None:
    policy = OriginPolicy(None, True)
    assert policy.allows(environ(**changes), origin) is allowed


LISTED: list[tuple[AllowedOrigins, str | None, bool]] = [
    ("*", "http://anything.example", True),
    ("*", "null", True),
    (["*"], "http://anything.example", True),
    (["http://a.example", "*"], "http://anything.example", True),
    ([], "http://anything.example", True),
    ("http://a.example", "http://a.example", True),
    ("http://a.example", "http://b.example", False),
    ("http://a.example", "http://a.exampl", False),
    ("http://a.example", "a", False),
    ("http://a.example", "", False),
    ("http://a.example", None, True),
    (["http://a.example", "http://b.example"], "http://b.example", True),
    (("http://a.example", "http://b.example"), "http://b.example", True),
    (["http://a.example", "http://b.example"], "http://c.example", False),
    # the server's own origin has to be listed like any other
    (["http://a.example"], "http://chat.example:5000", False),
]


@pytest.mark.parametrize(("allowed", "origin", "expected"), LISTED)
def test_listed(allowed: AllowedOrigins, origin: str | None, expected: bool) -> None:
    assert OriginPolicy(allowed, True).allows(environ(), origin) is expected


def test_callable_is_asked() -> None:
    policy = OriginPolicy(lambda origin: origin.endswith(".example"), True)
    assert policy.allows(environ(), "http://a.example") is True
    assert policy.allows(environ(), "http://a.test") is False
    assert policy.allows(environ(), None) is True


def test_callable_may_take_the_environ() -> None:
    seen: list[Any] = []

    def decide(origin: str, request: Any) -> Any:
        seen.append(request)
        return request["HTTP_HOST"] if origin == "http://a.example" else None

    policy = OriginPolicy(decide, True)
    request = environ()
    assert policy.allows(request, "http://a.example") is True
    assert policy.allows(request, "http://b.example") is False
    assert seen == [request, request]


class Rules:
    def __call__(self, origin: str) -> bool:
        return origin == "http://a.example"

    def with_environ(self, origin: str, request: Any) -> bool:
        return self(origin) and "HTTP_HOST" in request

    def with_default(self, origin: str, request: Any = None) -> bool:
        return self(origin) and request is not None


@pytest.mark.parametrize("rule", [Rules(), Rules().with_environ, Rules().with_default])
def test_objects_and_methods_are_callables(rule: Any) -> None:
    policy = OriginPolicy(rule, True)
    assert policy.allows(environ(), "http://a.example") is True
    assert policy.allows(environ(), "http://b.example") is False


@pytest.mark.parametrize("allowed", [None, "*", ["http://a.example"], lambda _: True])
@pytest.mark.parametrize("credentials", [True, False])
def test_headers_name_the_origin(allowed: AllowedOrigins, credentials: bool) -> None:
    """The origin itself, never `*`: a browser refuses that together with credentials."""
    headers = dict(OriginPolicy(allowed, credentials).response_headers("http://a.example"))
    assert headers.pop(b"access-control-allow-origin") == b"http://a.example"
    assert headers.pop(b"vary") == b"Origin"
    expected = {b"access-control-allow-credentials": b"true"} if credentials else {}
    assert headers == expected


def test_no_headers_where_nobody_asks_for_them() -> None:
    assert OriginPolicy("*", True).response_headers(None) == []
    assert OriginPolicy([], True).response_headers("http://a.example") == []


@pytest.mark.parametrize("allowed", [None, "http://a.example", ["http://a.example"], Rules()])
def test_log_line_says_what_would_have_been_allowed(allowed: AllowedOrigins) -> None:
    text = OriginPolicy(allowed, True).expected(environ())
    named = {type(None): "chat.example:5000", Rules: "Rules"}.get(type(allowed), "http://a.example")
    assert named in text


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("a.example", True),
        ("A.Example:5000", True),
        ("b.example", True),
        ("x.y.b.example:1", True),
        ("x.a.example", False),
        ("xb.example", False),
        ("xn--bcher-kva.example", True),
        ("bücher.example", False),
        ("[::1]", True),
        ("[::1]:5000", True),
        ("[::1]x", False),
        ("[::1]x5", False),
        ("[::1]:", False),
        ("[::1]:5]", False),
        ("[::1]:x]", False),
        ("[::1]:5000/", False),
        ("[::1", False),
        ("[::2]", False),
        ("::1", False),
        ("192.0.2.1:80", True),
        ("192.0.2.10", False),
        ("a.example@evil.example", False),
        ("evil.example, a.example", False),
        ("", False),
        (None, False),
    ],
)
def test_hosts(host: str | None, allowed: bool) -> None:
    names = hosts(["a.example", ".B.example:443", "bücher.example", "[::1]:80", "192.0.2.1"])
    assert names is not None
    assert is_allowed_host(host, names) is allowed


@pytest.mark.parametrize(
    "value",
    [[], "", [""], ".", "*", "*.example", "http://a.example", ["a.example", None], 5, "a..b", "a/b", "[x", "a" * 64],
    ids=str,
)  # fmt: skip
def test_what_is_no_host(value: Any) -> None:
    with pytest.raises(ValueError, match="allowed_hosts="):
        hosts(value)


def test_none_listed_is_not_any() -> None:
    assert not is_allowed_host("a.example", ())
    assert not is_allowed_host("[::1]", ())


def test_one_host_or_none() -> None:
    assert hosts("A.example") == ("a.example",)
    assert hosts(None) is None


def test_where_hosts_are_checked_a_proxys_word_is_not_taken() -> None:
    policy = OriginPolicy(None, True, any_host=False)
    given = environ(**PROXY, HTTP_HOST="chat.example:5000")
    assert policy.allows(given, "https://chat.example:5000")
    assert not policy.allows(given, "https://chat.example")
    assert not policy.allows({**given, "HTTP_X_FORWARDED_HOST": ""}, "http://evil.example")
