"""How low the machine lets it go: picows on uvloop, the packets of one scenario by hand, no Flask, no threads.

One write for each message that comes.
"""

import asyncio
import sys

import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_create_server

OPEN = b'0{"sid":"x","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}'


class Connection(WSListener):
    """Knows the open packet, CONNECT, and the echo event with its ack."""

    def on_ws_connected(self, transport: WSTransport) -> None:
        transport.send(WSMsgType.TEXT, OPEN)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        payload = frame.get_payload_as_bytes()
        if payload == b"40":
            transport.send(WSMsgType.TEXT, b'40{"sid":"x"}')
        elif payload.startswith(b"42"):
            event = payload.index(b"[")
            transport.send(WSMsgType.TEXT, b"42" + payload[event:])
            transport.send(WSMsgType.TEXT, b"43" + payload[2:event] + b"[]")


async def main() -> None:
    server = await ws_create_server(lambda request: Connection(), "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()


with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
    runner.run(main())
