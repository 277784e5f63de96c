"""The same of python-socketio's, with its RedisManager."""

from __future__ import annotations

import time
from typing import Any

import socketio

from benchmarks.apps.cluster_process import Process, given, serve


class Theirs(Process):
    def __init__(self, spec: dict[str, Any]) -> None:
        super().__init__(spec)
        self._emitted = 0
        self.manager: Any = socketio.RedisManager(spec["url"], channel=spec["channel"])
        server: Any = socketio.Server(async_mode="threading", client_manager=self.manager)
        server._send_eio_packet = self._deliver  # the transport, which is not measured
        for room in spec["rooms"]:
            sid = f"member of {room}"
            self.manager.basic_enter_room(sid, "/", None, sid)
            self.manager.basic_enter_room(sid, "/", room)
        self.manager.initialize()
        time.sleep(1)

    def _deliver(self, eio_sid: str, packet: Any) -> None:
        self.delivered += 1

    def emit(self, room: str | None) -> None:
        self.manager.emit("message", self.data, namespace="/", room=room)
        self._emitted += 1

    def published(self) -> int:
        return self._emitted


if __name__ == "__main__":
    serve(Theirs(given()))
