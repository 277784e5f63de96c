"""Whatever one client sends, the others are served meanwhile, and memory stays where it was."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.kit.server import ServerProcess
from tests.reliability import bounds, rows
from tests.reliability.attacks import ATTACKS, BODIES, PACKETS, SILENCE
from tests.reliability.servers import STANDARD, serve

pytestmark = pytest.mark.timing

#: These take seconds each; `make reliability` has them.
LONG = {
    "5,000 pipelined pages",
    "5,000 pipelined handshakes",
    "20,000 pipelined bad handshakes",
    "20,000 pongs in one POST, 20 times",
    "100,000 CONNECTs to unknown namespaces",
    "100,000 acks that nobody awaits",
    "12,000 rooms",
    "3,000 events that take a millisecond",  # tests/unit/test_threads.py
    "JSON 1,000 levels deep, 400 times",
    "an attachment among 300,000 lists",
    "a deflate bomb",
}


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with serve() as server:
        yield server


@pytest.fixture(scope="module")
def standard_server() -> Iterator[ServerProcess]:
    with serve(STANDARD) as server:
        yield server


def hold(server: ServerProcess, name: str) -> None:
    fate, *figures = rows.attack_beside(server, ATTACKS[name], calm=0.05)
    print(name, fate, *figures)
    assert fate.value != SILENCE
    assert not [str(figure) for figure in figures if figure.is_over(bounds.GUARD)]


@pytest.mark.parametrize("name", [name for name in ATTACKS if name not in LONG])
def test_an_attack(server: ServerProcess, name: str) -> None:
    hold(server, name)


@pytest.mark.soak
@pytest.mark.parametrize("name", [*BODIES, *PACKETS])
def test_an_attack_in_the_standard_lane(standard_server: ServerProcess, name: str) -> None:
    """HTTP and frames are the ASGI server's there, which hands over what one read has brought without a pause."""
    fate, _, memory = rows.attack_beside(standard_server, ATTACKS[name], calm=0.05)
    print(name, fate, memory)
    assert fate.value != SILENCE
    assert not memory.is_over(bounds.GUARD)
