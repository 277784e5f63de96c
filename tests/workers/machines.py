"""Machines for tests: servers that share nothing but a key and a message queue."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import trustme

from tests.kit.balancer import Balancer
from tests.kit.broker import Valkey
from tests.kit.server import ServerProcess
from tests.kit.sockets import sockets
from tests.workers.test_workers import (
    app_process,
)

KEY = "of two machines, and of nobody else"


def files(authority: trustme.CA, folder: Path) -> list[str]:
    """Certificate, key and authority of a machine."""
    of_machine = authority.issue_cert("machine.example")
    names = [folder / name for name in ("certificate.pem", "key.pem", "authority.pem")]
    of_machine.cert_chain_pems[0].write_to_path(names[0])
    of_machine.private_key_pem.write_to_path(names[1])
    authority.cert_pem.write_to_path(names[2])
    return [str(name) for name in names]


def machine(
    queue: Valkey, workers: int = 1, address: str = "127.0.0.1:0", **options: Any
) -> ServerProcess:
    """One of them, with a folder of its own where it has several workers."""
    given = {"message_queue": queue.url, "cluster_address": address, **options}
    return app_process(workers, OPTIONS=json.dumps(given))


@contextmanager
def machines(
    queue: Valkey, count: int = 2, workers: int = 1, **options: Any
) -> Iterator[list[ServerProcess]]:
    with ExitStack() as stack:
        yield [stack.enter_context(machine(queue, workers, **options)) for _ in range(count)]


@contextmanager
def balanced(servers: list[ServerProcess]) -> Iterator[ServerProcess]:
    """What has the balancer's address."""
    with Balancer(*(server.address for server in servers)) as balancer:
        found = ServerProcess([])
        found.address = balancer.address
        yield found


def no_more(servers: list[ServerProcess], before: list[int]) -> bool:
    """Whether none of them has more sockets than it had."""
    return all(sockets(server.pid) <= had for server, had in zip(servers, before, strict=True))
