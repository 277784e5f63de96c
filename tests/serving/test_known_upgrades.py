"""WebSocket handshakes like one before are not parsed again (serving/http/upgrades.py); nobody notices."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flask_socketio.engine.engine import Engine
from flask_socketio.engine.session import Session
from flask_socketio.protocol.engineio import text_message
from flask_socketio.serving.http import protocol as protocol_module
from flask_socketio.serving.http import upgrades
from flask_socketio.serving.http.upgrades import KnownUpgrades
from fuzz import connection, requests

KEYS = [b"AAAAAAAAAAAAAAAAAAAAAA==", b"dGhlIHNhbXBsZSBub25jZQ=="]
HEAD = (
    b"GET /engine.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Origin: http://x\r\nSec-WebSocket-Version: 13\r\nCookie: %b\r\nSec-WebSocket-Key: %b\r\n\r\n"
)
#: Answered at once: there is no such session.
IN_FRONT = b"GET /engine.io/?EIO=4&transport=polling&sid=x HTTP/1.1\r\nHost: x\r\n\r\n"
ONE, OTHER = HEAD % (b"a=b", KEYS[0]), HEAD % (b"c=d; e=f", KEYS[1])


class Telling(connection.Echo):
    """Begins with what the session's environ says, and answers with it."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        said = sorted(item for item in session.environ.items() if not item[0].startswith("wsgi."))
        session.send(text_message(repr(said)))


class TellingApp(connection.EchoApp):
    async def make_engine(self) -> Engine:
        return Engine(asyncio.get_running_loop(), connection.CONFIG, Telling)


@pytest.fixture
def pair() -> Iterator[tuple[connection.Server, connection.Server]]:
    """One as it is, and one that parses every head."""
    loggers = [logging.getLogger(name) for name in ("flask_socketio", "uvicorn")]
    before = [(logger, logger.handlers[:], logger.propagate) for logger in loggers]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(protocol_module, "PIECE", protocol_module.PIECE)  # which the servers change
        patch.setattr(connection, "EchoApp", TellingApp)
        patch.setattr(logging.getLogger("uvicorn.access"), "hasHandlers", lambda: False)
        servers = (
            connection.Server(usual=connection.WHOLE),
            connection.Server(connection.Parsing, connection.WHOLE),
        )
        yield servers
        for server in servers:
            server.loop.close()
    for logger, handlers, propagate in before:
        logger.handlers[:], logger.propagate = handlers, propagate


def is_known(server: connection.Server, *heads: bytes) -> list[bool]:
    """Which of the heads, of a connection each, were known."""
    found: list[bool] = []
    read = KnownUpgrades.read

    def watched(upgrades: KnownUpgrades, data: bytes) -> Any:
        result = read(upgrades, data)
        found.append(result is not None)
        return result

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(KnownUpgrades, "read", watched)
        for head in heads:
            connection.run(server, head)
    return found


Pair = tuple[connection.Server, connection.Server]


def test_what_is_known(pair: Pair) -> None:
    plain = [head.replace(b"Cookie: a=b\r\n", b"") for head in (ONE, HEAD % (b"a=b", KEYS[1]))]
    assert is_known(pair[0], ONE, OTHER, *plain, ONE) == [False, True, False, True, True]


def test_who_is_known_is_answered_alike(pair: Pair) -> None:
    for head in (ONE, OTHER, ONE):
        known, parsed = (connection.run(server, head) for server in pair)
        assert known == parsed
        assert known.startswith(b"HTTP/1.1 101 ")
        assert b"\r\naccess-control-allow-origin: http://x\r\n" in known
    for said in (
        b"'c=d; e=f'",
        KEYS[1],
        b"('REMOTE_ADDR', '127.0.0.1')",
        b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
    ):
        assert said in connection.run(pair[0], OTHER)


@pytest.mark.parametrize(
    "head",
    [
        HEAD % (b"a=b", b"short"),
        HEAD % (b"a=b", KEYS[0] + b"="),
        HEAD % (b" a=b", KEYS[0]),
        HEAD % (b"a\tb", KEYS[0]),
        HEAD % (b"\xe4", KEYS[0]),
        HEAD % (b"a=b\r\n c", KEYS[0]),
        HEAD % (b"a=b\r\nCookie: c=d", KEYS[0]),
        HEAD % (b"a=b", KEYS[0] + b"\r\nSec-WebSocket-Key: " + KEYS[1]),
        ONE.replace(b"Origin: http://x", b"Origin: http://y"),
        ONE.replace(b"EIO=4", b"EIO=3"),
        ONE.replace(b"websocket HTTP", b"websocket&sid=s0 HTTP"),
        ONE.replace(b"Sec-WebSocket-Key", b"sec-websocket-key"),
        ONE.replace(b"HTTP/1.1", b"HTTP/1.0"),
        ONE.replace(b"Host: x\r\n", b""),
        ONE.replace(b"Version: 13", b"Version: 8"),
        ONE[:-1],
    ],
)
def test_what_is_not_known(pair: Pair, head: bytes) -> None:
    """Neither as one like what is known, nor when it has come before."""
    assert is_known(pair[0], ONE, head, head) == [False, False, False]
    assert connection.run(pair[0], head) == connection.run(pair[1], head)


def test_frames_behind_a_known_head_are_not_lost(pair: Pair) -> None:
    text = b"\x81\x82\0\0\0\x004x"
    assert is_known(pair[0], ONE, ONE + text, ONE + text) == [False, False, False]
    known, parsed = (connection.run(server, ONE + text) for server in pair)
    assert known == parsed
    assert known.endswith(b"\x81\x024x")


def test_a_server_that_stops_refuses_whom_it_knows(pair: Pair) -> None:
    connection.run(pair[0], ONE)
    pair[0].engine.admission.draining = True
    assert connection.run(pair[0], ONE).startswith(b"HTTP/1.1 400 ")


def test_where_the_answer_may_be_another_nobody_is_known(pair: Pair) -> None:
    """A list of origins may change, and a function may say anything."""
    pair[0].engine.admission.origins.are_fixed = False
    assert is_known(pair[0], ONE, ONE) == [False, False]


def test_a_request_in_front_is_not_learned_with_it(pair: Pair) -> None:
    """It would be neither carried out nor answered when it comes again."""
    own, parsing = pair
    for key in KEYS:
        data = IN_FRONT + HEAD % (b"a=b", key)
        assert connection.run(own, data) == connection.run(parsing, data)
    assert not own.protocol.http.upgrades._kept


def test_what_an_environ_has_need_not_be_hashable(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `wsgi.errors` is not, where the application has put something of its own in the place of `sys.stderr`."""

    @dataclass
    class Tee:
        stream: Any

        def write(self, text: str) -> int:
            return self.stream.write(text)

        def flush(self) -> None:
            self.stream.flush()

    monkeypatch.setattr(sys, "stderr", Tee(sys.stderr))
    assert is_known(pair[0], ONE, OTHER) == [False, True]


def test_none_is_kept_that_is_long(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upgrades, "_LONGEST", len(ONE) - len(KEYS[0]))
    long = ONE.replace(b"Host: x", b"Host: xxxx")
    assert is_known(pair[0], long, long, ONE, OTHER) == [False, False, False, True]


def test_few_are_kept(pair: Pair) -> None:
    others = [ONE.replace(b"Host: x", b"Host: x\r\nX-Number: %d" % number) for number in range(32)]
    connection.run(pair[0], ONE)
    for head in others:
        connection.run(pair[0], head)
    assert is_known(pair[0], others[0], ONE) == [True, False]


fields = st.lists(st.sampled_from([data for _, data in requests.FIELDS if data]), max_size=3)
values = st.one_of(
    st.sampled_from([b"a=b", b"", b" ", b"a ", b"\x7f", b"\0", b"a\rb"]), st.binary(max_size=5)
)


@given(fields, st.lists(st.tuples(values, st.sampled_from(KEYS)), min_size=2, max_size=3))
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
def test_all_is_as_if_every_head_were_parsed(
    pair: Pair, more: list[bytes], each: list[tuple[bytes, bytes]]
) -> None:
    for cookies, key in each:
        head = (HEAD % (cookies, key)).replace(b"\r\nOrigin", b"\r\n".join([b"", *more, b"Origin"]))
        known, parsed = (connection.run(server, head) for server in pair)
        assert known == parsed
        assert pair[0].ended == pair[1].ended
