"""What others write into the channels and streams of Node's adapters: it is counted and told once, and nothing ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import msgpack
import pytest
import redis

from tests.kit.broker import Valkey
from tests.node.cluster import URLS, Client, Ours, Peer

MALFORMED = {
    "classic": [
        *[
            ("PUBLISH", "socket.io#/#", data)
            for data in (
                b"", b"\xc1", b"\x93", b"\xdd\xff\xff\xff\xff", b"\x91\xdd\xff\xff\xff\xff" * 200, b"\x90", b"{}",
                b"\x93\xa1x\x80\x80", b"\x93\xa1x\x81\xa4type\x02\x80", b"\x93\x01\x02\x03", b"\x93\xa1x\xc0\xc0",
            )
        ],
        *[
            ("PUBLISH", "socket.io-request#/#", data)
            for data in (
                b"{", b"\xc1", b"[]", b"\x90", b'{"type":7}', b'{"type":5,"requestId":1}',
                b'{"type":2,"opts":{"rooms":[[]]}}', b'{"type":"2"}', b'{"type":6,"data":1}',
            )
        ],
        *[
            ("PUBLISH", "socket.io-response#/#", data)
            for data in (
                b"{", b"\xc1", b"[]", b"\x90", b'{"type":9}', b'{"type":8,"requestId":"x"}',
            )
        ],
    ],
    "streams": [
        ("XADD", "socket.io", "*", "x", "y"),
        ("XADD", "socket.io", "*", "uid", "x", "nsp", "/", "type", "x", "data", "{}"),
        ("XADD", "socket.io", "*", "uid", "x", "nsp", "/", "type", "3", "data", "{"),
        ("XADD", "socket.io", "*", "uid", "x", "nsp", b"\xff", "type", "3", "data", "{}"),
        ("XADD", "socket.io", "*", "uid", "x", "nsp", "/", "type", "4", "data", "!"),
        ("PUBLISH", "socket.io#/#", b"\xc1"),
    ],
    "sharded": [
        ("SPUBLISH", "socket.io#/#", data)
        for data in (b"{", b"\xc1", b"[]", b'{"type":3,"uid":"x","nsp":"/"}', b'{"type":7,"uid":"x","nsp":1,"data":{}}')
    ],
}  # fmt: skip


#: What one of Node's servers says: the event `all`, to all.
PACKET = {"type": 2, "data": ["all"], "nsp": "/"}
OPTS: dict[str, Any] = {"rooms": [], "except": [], "flags": {}}
TEXT = '{"packet":{"type":2,"data":["all"]},"opts":{"rooms":[],"except":[],"flags":{}}}'
VALID = {
    "classic": ("PUBLISH", "socket.io#/#", msgpack.packb(["abcdef", PACKET, OPTS])),
    "streams": ("XADD", "socket.io", "*", "uid", "x", "nsp", "/", "type", "3", "data", TEXT),
    "sharded": ("SPUBLISH", "socket.io#/#", f'{{"uid":"x","nsp":"/","type":3,"data":{TEXT}}}'),
}


class Alone:
    """A server of ours that has no neighbours: Node's would end. A client of it is in a server of another cluster."""

    def __init__(self, adapter: str, valkey: Valkey, stack: ExitStack) -> None:
        path = valkey.url.removeprefix("unix://")
        self.adapter = adapter
        self.ours = stack.enter_context(Ours(URLS[adapter].format(path)))
        self.client = Client(stack.enter_context(Peer("none", path)), "client", self.ours.url)
        self._redis = stack.enter_context(redis.Redis.from_url(valkey.url))
        self.wait_until_it_listens()

    def wait_until_it_listens(self) -> None:
        for _ in range(100):
            self.execute(VALID[self.adapter])
            if self.client.next(0.1) is not None:
                break
        while self.client.next(0.3) is not None:
            pass

    def execute(self, command: Any) -> None:
        self._redis.execute_command(*command)

    def malformed(self) -> int:
        found: int = self.ours.counters()["queue_ignored"].get("malformed", 0)
        return found


@pytest.fixture(scope="module", params=["classic", "streams", "sharded"])
def alone(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Alone]:
    valkey = Valkey(tmp_path_factory.mktemp("valkey"))
    valkey.start()
    with ExitStack() as stack:
        stack.callback(valkey.end)
        yield Alone(request.param, valkey, stack)


def wait_until(condition: Callable[[], bool]) -> None:
    """A stream and channels are read on threads of their own."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_what_is_malformed_is_counted(alone: Alone) -> None:
    before, lines = alone.malformed(), alone.ours.log.count("ignored: ")
    for command in MALFORMED[alone.adapter]:
        alone.execute(command)
    alone.execute(VALID[alone.adapter])
    assert alone.client.next() == ["all"]
    wait_until(lambda: alone.malformed() - before == len(MALFORMED[alone.adapter]))
    assert alone.ours.log.count("ignored: ") - lines <= 1


@pytest.mark.parametrize("alone", ["streams", "sharded"], indirect=True)
def test_heartbeats_and_unknown_types_are_nothing(alone: Alone) -> None:
    before = alone.malformed()
    for type_ in ("1", "2", "13", "99"):
        fields = ("uid", "x", "nsp", "/", "type", type_, "data", "{}")
        if alone.adapter == "streams":
            alone.execute(("XADD", "socket.io", "*", *fields))
        else:
            text = f'{{"type":{type_},"uid":"x","nsp":"/"}}'
            alone.execute(("SPUBLISH", "socket.io#/#", text))
    alone.execute(VALID[alone.adapter])
    assert alone.client.next() == ["all"]
    assert alone.malformed() == before
