"""Servers that take turns: one runs, the others stand still, and what each needs is told apart."""

from __future__ import annotations

import asyncio
import sys
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from statistics import median

import pytest

from benchmarks import turns
from benchmarks.clients import EchoClient, Meter, connect_all, text_event
from benchmarks.pace import PACE
from benchmarks.scenarios import connected, measured
from benchmarks.servers import PEERS_BY_NAME, Server
from benchmarks.turns import Turns, together
from tests.kit.missing import skip_or_fail

PAIRS = 3


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    if sys.platform != "linux":
        skip_or_fail("the benchmarks are for Linux alone")
    monkeypatch.setattr(PACE, "warm_up", 0.1)
    monkeypatch.setattr(PACE, "duration", 0.2)
    monkeypatch.setattr(turns, "WINDOW", 0.05)


def state(server: Server) -> str:
    return Path(f"/proc/{server.pid}/stat").read_text().rpartition(")")[2].split()[0]


async def echoes(
    server: Server, meter: Meter, seen: list[tuple[str, ...]], all_: list[Server]
) -> None:
    """An echo scenario that looks at every answer which of the servers run."""

    class Watching(EchoClient):
        def on_message(self, payload: bytes) -> None:
            super().on_message(payload)
            seen.append(tuple(state(each) for each in all_ if each is not server))

    clients = await connect_all(server.port, partial(Watching, meter, [text_event(0)]), 4)
    async with connected(clients):
        for client in clients:
            client.start()
        await measured(server, meter)


def test_one_runs_while_the_others_stand_still() -> None:
    seen: dict[int, list[tuple[str, ...]]] = {}
    with ExitStack() as stack:
        servers = [
            stack.enter_context(Server(PEERS_BY_NAME["ours"], MIDDLEWARES=middlewares))
            for middlewares in ("0", "700")
        ]
        taken = Turns(len(servers), PAIRS)
        for server in servers:
            server.turns = taken
        meters = [Meter() for _ in servers]
        runs = [
            echoes(server, meter, seen.setdefault(server.pid, []), servers)
            for server, meter in zip(servers, meters, strict=True)
        ]
        asyncio.run(together(runs))
        assert all(state(server) != "T" for server in servers), "they go on afterwards"
        plain, slow = (taken.samples_of(server) for server in servers)
    assert len(plain) == len(slow) == PAIRS
    assert median(slow) > 1.5 * median(plain), (plain, slow)
    for others in seen.values():
        assert ("T",) in others, "answers came while the other one was stopped"


def test_a_server_that_is_stopped_can_be_ended() -> None:
    with Server(PEERS_BY_NAME["ours"]) as server:
        server.stop()
    assert server.cpu() == 0, "nothing of it is left"


def test_one_that_fails_does_not_keep_the_others_waiting() -> None:
    async def fail() -> None:
        raise ConnectionError("no server")

    with Server(PEERS_BY_NAME["ours"]) as server:
        server.turns = Turns(2, PAIRS)
        with pytest.raises(ExceptionGroup) as raised:
            asyncio.run(together([measured(server, Meter()), fail()]))
    assert [str(error) for error in raised.value.exceptions] == ["no server"]
