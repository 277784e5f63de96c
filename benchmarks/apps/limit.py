"""How low the machine lets it go: picows on uvloop, the packets of one scenario by hand, no Flask, no threads.

What comes in one read is answered with one write, as ours does.
"""

import asyncio
import struct
import sys

import uvloop
from picows import WSFrame, WSListener, WSTransport, ws_create_server

OPEN = b'0{"sid":"x","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}'


class Connection(WSListener):
    """Knows the open packet, CONNECT, and the echo event with its ack."""

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.loop = asyncio.get_running_loop()
        self.transport = transport
        self.out: list[bytes] = []
        self.send(OPEN)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        payload = frame.get_payload_as_bytes()
        if payload == b"40":
            self.send(b'40{"sid":"x"}')
        elif payload.startswith(b"42"):
            event = payload.index(b"[")
            self.send(b"42" + payload[event:])
            self.send(b"43" + payload[2:event] + b"[]")

    def send(self, payload: bytes) -> None:
        """A short text frame, at the end of this turn of the loop."""
        if not self.out:
            self.loop.call_soon(self.flush)
        self.out.append(struct.pack("!BB", 0x81, len(payload)) + payload)

    def flush(self) -> None:
        self.transport.underlying_transport.write(b"".join(self.out))
        self.out.clear()


async def main() -> None:
    server = await ws_create_server(lambda request: Connection(), "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()


with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
    runner.run(main())
