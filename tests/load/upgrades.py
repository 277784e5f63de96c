"""Upgrades from polling to WebSocket, many at a time, with numbered messages in flight both ways.

A tenth of the probes is abandoned, each in one of three ways; those sessions go on over polling.
"""

from __future__ import annotations

import asyncio
from typing import Any

from websockets.asyncio.client import ClientConnection

from tests.kit.sequence import Sequence, check
from tests.load.wire import Client, Frame, encode

AT_A_TIME = 50
BURST = 6

SILENT, LOST_AFTER_PONG, LOST_AFTER_PING = "never sends 5", "lost after 3probe", "lost after 2probe"
ABANDONED = {3: SILENT, 13: LOST_AFTER_PONG, 23: LOST_AFTER_PING}


class Session:
    """One client on its way from polling to WebSocket: what it sent, and what it got from each source."""

    def __init__(self, port: int, fate: str) -> None:
        self.client = Client(port)
        self.client.on_event = self.take
        self.fate = fate
        self.sent: list[list[Any]] = []
        self.got: dict[str, list[list[Any]]] = {"down": [], "tick": []}
        self.ticking = asyncio.Event()
        self.pausing = False

    def take(self, event: list[Any]) -> None:
        name, *args = event
        self.got[name].append(args)
        if name == "tick":
            self.ticking.set()

    async def send_burst(self, size: int = BURST) -> None:
        """Numbered messages, text and bytes in turn, in one go."""
        frames: list[Frame] = []
        for _ in range(size):
            number = len(self.sent)
            payload = f"сообщение {number}" if number % 2 else number.to_bytes(2, "big") * 50
            self.sent.append([number, payload])
            frames += encode(["up", number, payload], "2", "5", None)
        await self.client.send(frames)

    async def poll(self) -> None:
        """Read by GETs until the switch."""
        while not self.pausing:
            await self.client.read()

    async def run(self) -> dict[str, Any]:
        """The whole life of the session; the result is what the server says at the end."""
        await self.client.open_polling()
        try:
            async with asyncio.TaskGroup() as tasks:
                polling = tasks.create_task(self.poll())
                await self.client.emit("begin")
                await self.ticking.wait()
                await self.send_burst()
                sending = tasks.create_task(self.send_burst())
                probe = await self.probe()
                if not self.fate:
                    await self.switch(probe, polling, sending)
                    polling = tasks.create_task(self.client.run())
                await sending
                for _ in range(3):
                    await self.send_burst()
                    await asyncio.sleep(0.02)
                (told,) = await self.client.call("finish")
                polling.cancel()
        finally:
            self.client.close()
        probe.transport.abort()
        return told

    async def probe(self) -> ClientConnection:
        websocket = await self.client.dial()
        await websocket.send("2probe")
        if self.fate == LOST_AFTER_PING:
            websocket.transport.abort()
            return websocket
        assert await websocket.recv() == "3probe"
        if self.fate == LOST_AFTER_PONG:
            websocket.transport.abort()
        return websocket

    async def switch(
        self, websocket: ClientConnection, polling: asyncio.Task[None], sending: asyncio.Task[None]
    ) -> None:
        """As the official client does it: let the running GET and POST end, then announce the upgrade."""
        self.pausing = True
        await asyncio.gather(polling, sending)
        await websocket.send("5")
        self.client.websocket = websocket

    def sequences(self, told: dict[str, Any]) -> list[Sequence]:
        """What became of what was sent up, of what came back, and of what the ticker sent."""
        lists = [told["arrived"], self.got["down"], self.got["tick"]]
        counts = [len(self.sent), len(self.sent), told["ticks"]]
        numbers = ([number for number, _ in messages] for messages in lists)
        return list(map(check, numbers, counts))

    def check(self, told: dict[str, Any]) -> None:
        hexed = [[number, p.hex() if isinstance(p, bytes) else p] for number, p in self.sent]
        assert told["arrived"] == hexed
        assert self.got["down"] == self.sent
        assert self.got["tick"] == [
            [number, f"tick {number}" if number % 2 else b"tick %d" % number]
            for number in range(told["ticks"])
        ]
        assert told["lane"] == ("Polling" if self.fate else "FastWebSocket")


async def run_one(session: Session, gate: asyncio.Semaphore) -> dict[str, Any]:
    async with gate, asyncio.timeout(30):
        return await session.run()


def sessions(port: int, count: int) -> list[Session]:
    """A tenth of them is not upgraded."""
    return [Session(port, ABANDONED.get(number % 30, "")) for number in range(count)]


async def run_all(sessions: list[Session]) -> list[dict[str, Any] | BaseException]:
    gate = asyncio.Semaphore(AT_A_TIME)
    runs = (run_one(session, gate) for session in sessions)
    return await asyncio.gather(*runs, return_exceptions=True)
