"""What one event or request has set is there for no other, and for nothing that the server does of its own accord."""

from __future__ import annotations

import re
import sys

import pytest

from tests.kit.engine import EngineWebSocket, RawPolling
from tests.kit.server import ServerProcess
from tests.kit.sio import SioClient

LOGS = """
import logging, os
from contextvars import ContextVar
from flask import Flask, has_app_context, has_request_context, request
from flask_socketio import SocketIO, emit

note = ContextVar("note", default="nothing")

class WithRequest(logging.Formatter):
    '''As in Flask's documentation.'''

    def format(self, record):
        whose = request.event["message"] if has_request_context() else "nobody's"
        return f"<{whose} {has_app_context()} {note.get()}> {super().format(record)}"

handler = logging.StreamHandler()
handler.setFormatter(WithRequest())
logger = logging.getLogger("flask_socketio.server")
logger.addHandler(handler)
logger.setLevel(logging.INFO)

app = Flask(__name__)
socketio = SocketIO(app, ack_ttl=0.1)

def ask():
    note.set("set by a handler")
    logger.info("asking")
    emit("question", callback=print)

@socketio.on("ask")
def ask_on_thread():
    ask()

@socketio.on("ask on the loop")
async def ask_on_loop():
    ask()

socketio.run(app, port=int(os.environ["PORT"]))
"""


OVERDUE = re.compile(r"<(.*)> .* has not acknowledged")


@pytest.mark.parametrize("event", ["ask", "ask on the loop"])
def test_what_a_handler_has_begun_is_logged_without_its_request(event: str) -> None:
    with ServerProcess([sys.executable, "-c", LOGS]) as server:
        client = SioClient(EngineWebSocket.open(server.address, "/socket.io/"))
        client.connect()
        client.emit(event)
        overdue = server.wait_for_log(OVERDUE, 10)
        assert overdue[1] == "nobody's False nothing"
        assert f"<{event} True set by a handler> asking" in server.log


MOUNTED = """
import os
from contextvars import ContextVar
import uvicorn
from flask import Flask
from flask_socketio import SocketIO

note = ContextVar("note", default="nothing")
app = Flask(__name__)
socketio = SocketIO(app)
asgi = socketio.asgi_app(app)

@socketio.on("look")
async def look():
    return note.get()

async def main(scope, receive, send):
    '''As a framework that has it mounted, and does not tell it of the beginning.'''
    note.set(scope["query_string"].decode())
    await asgi(scope, receive, send)

uvicorn.run(main, port=int(os.environ["PORT"]), lifespan="off")
"""


def test_a_handler_on_the_loop_does_not_see_what_the_first_request_has_set() -> None:
    with ServerProcess([sys.executable, "-c", MOUNTED]) as server:
        client = SioClient(RawPolling.open(server.address, "/socket.io/"))
        client.connect()
        assert client.call("look") == ["nothing"]
