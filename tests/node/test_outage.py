"""Redis is killed under a cluster of ours and Node's, or ends a connection."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import redis

from tests.kit.broker import Valkey
from tests.node.cluster import URLS, Client, Cluster, Ours, Peer

LOST, BACK = re.compile("cannot .* message queue"), re.compile("message queue .* is back")


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Valkey]:
    server = Valkey(tmp_path)
    server.start()
    yield server
    server.end()


@pytest.fixture(params=URLS)
def cluster(request: pytest.FixtureRequest, valkey: Valkey) -> Iterator[Cluster]:
    found = Cluster(request.param, valkey)
    try:
        found.start()
        yield found
    finally:
        found.ours.stop()
        found.node.stop()


def test_it_goes_on_when_redis_is_back(cluster: Cluster, valkey: Valkey) -> None:
    here, there = cluster.client(cluster.ours), cluster.client(cluster.node)
    cluster.ours.join(here.sid, "room")
    valkey.kill()
    cluster.ours.wait_for_log(LOST, 10)
    for number in range(3):
        cluster.ours.emit("local", number)
    assert [here.next() for _ in range(3)] == [["local", number] for number in range(3)]
    valkey.start()
    cluster.ours.wait_for_log(BACK, 10)
    assert [there.next() for _ in range(3)] == [["local", number] for number in range(3)]
    cluster.wait_for(lambda: cluster.servers("/") == 2)
    cluster.node.emit("from node", 1, to=["room"])
    assert here.next() == ["from node", 1]
    lines = [line for line in cluster.ours.log.splitlines() if "message queue" in line]
    assert len(lines) == 2, lines


def test_a_stream_is_read_on_from_where_it_was_left(valkey: Valkey) -> None:
    path = valkey.url.removeprefix("unix://")
    data = {"packet": {"type": 2}, "opts": {"rooms": [], "except": [], "flags": {}}}

    def add(number: int) -> None:
        text = json.dumps({**data, "packet": {"type": 2, "data": ["number", number]}})
        connection.xadd("socket.io", {"uid": "x", "nsp": "/", "type": "3", "data": text})

    with ExitStack() as stack:
        ours = stack.enter_context(Ours(URLS["streams"].format(path)))
        client = Client(stack.enter_context(Peer("none", path)), "client", ours.url)
        connection = stack.enter_context(redis.Redis.from_url(valkey.url))
        while True:  # until it reads the stream
            add(-1)
            if client.next(0.1) is not None:
                break
        for number in range(30):
            if number % 10 == 5:
                connection.client_kill_filter(_type="normal", skipme=True)
            add(number)
        found: list[int] = []
        while 29 not in found:
            event = client.next()
            assert event is not None, found
            found.append(event[1])
        assert [number for number in found if number >= 0] == list(range(30))
