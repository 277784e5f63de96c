"""An application whose server tells all that it can tell to somebody who writes it down."""

from __future__ import annotations

import os
from contextvars import ContextVar
from typing import Any

from flask import Flask, jsonify

from flask_socketio import SocketIO, emit, join_room
from flask_socketio.cluster.base import Emission, Room
from flask_socketio.engine.session import Session
from flask_socketio.hub.call import Call, Outcome
from flask_socketio.hub.socket import Socket
from flask_socketio.protocol.message import Message
from flask_socketio.protocol.reasons import CloseReason
from flask_socketio.protocol.socketio import Body, Packet
from flask_socketio.watching.watcher import Watcher

told: list[tuple[Any, ...]] = []
begun: ContextVar[str] = ContextVar("begun", default="")


class Everything(Watcher):
    def session_opened(self, session: Session) -> None:
        told.append(("session_opened", session.transport.name))

    def session_upgraded(self, session: Session) -> None:
        told.append(("session_upgraded", session.transport.name))

    def session_closed(self, session: Session, reason: CloseReason) -> None:
        told.append(("session_closed", reason.value))

    def packet_received(self, session: Session, packet: str | bytes) -> None:
        if packet not in ("3", "6"):
            told.append(("packet_received", str(packet)))

    def packet_sent(self, session: Session, message: Message) -> None:
        text = "" if message.text is None else message.text.decode()
        if text[:1] not in "026":
            told.append(("packet_sent", text, str(message.binary)))

    def connected(self, socket: Socket) -> None:
        told.append(("connected", socket.namespace))

    def refused(self, socket: Socket) -> None:
        told.append(("refused", socket.namespace))

    def disconnected(self, socket: Socket, reason: CloseReason) -> None:
        told.append(("disconnected", socket.namespace, list(socket.rooms)))

    def joined(self, socket: Socket, room: Room) -> None:
        told.append(("joined", room))

    def left(self, socket: Socket, room: Room) -> None:
        told.append(("left", room))

    def event_received(self, socket: Socket, packet: Packet) -> None:
        told.append(("event_received", str(packet.data), packet.id))

    def ack_received(self, socket: Socket, packet: Packet) -> None:
        told.append(("ack_received", packet.data, packet.id))

    def ack_sent(self, call: Call, body: Body) -> None:
        told.append(("ack_sent", call.event))

    def handler_begins(self, call: Call) -> None:
        begun.set(str(call.event))
        told.append(("handler_begins", call.event))

    def handler_ended(self, call: Call, outcome: Outcome) -> None:
        assert begun.get() == str(call.event)
        told.append(("handler_ended", call.event, str(call.failure)))

    def emitted(self, emission: Emission) -> None:
        told.append(("emitted", emission.args[0], emission.to is None))


app = Flask(__name__)
socketio = SocketIO(app)
socketio._life.watch(Everything())


@app.get("/told")
def tell() -> Any:
    return jsonify(told)


@socketio.on("connect")
def connect(auth: Any) -> bool:
    return auth is None


@socketio.on("ask")
def ask(data: Any) -> str:
    join_room("a room")
    join_room("a room")
    emit("asked", begun.get(), callback=lambda _: None)
    return "answer"


@socketio.on("later")
async def later() -> None:
    emit("asked", begun.get())


@socketio.on("fail")
def fail() -> None:
    raise RuntimeError("that fails")


if __name__ == "__main__":
    socketio.run(app, port=int(os.environ["PORT"]))
