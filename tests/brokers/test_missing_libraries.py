"""`message_queue=` where the broker's library is not installed: it is missed when it is used, and not before."""

from __future__ import annotations

import sys

import pytest

from tests.kit import warm

BEGIN = """
import sys
sys.modules[{module!r}] = None  # as if it were not installed
import asyncio
from flask import Flask
from flask_socketio import SocketIO
app = Flask(__name__)
app.add_url_rule("/", "page", lambda: "a page")
socketio = SocketIO(app, message_queue={url!r})
print(app.test_client().get("/").text)
"""
URLS = [
    ("redis", "redis://"),
    ("redis", "unix:///run/redis"),
    ("redis", "valkey+sentinel://a,b/0/name"),
    ("kombu", "amqp://"),
    ("nats", "nats://"),
    ("kafka", "kafka://"),
    ("zmq", "zmq+tcp://host:1+2"),
    ("postgres", "postgresql://"),
    ("kombu", "memory://"),
]
#: Where a library is not named as the extra that brings it.
MODULES = {"postgres": "psycopg", "kafka": "aiokafka"}
RUN = "socketio.run(app, port=0)"
UVICORN = """
import uvicorn
uvicorn.run(socketio.asgi_app(app), port=0)
"""
EMIT = """
try:
    socketio.emit("x")
except ImportError as error:
    sys.exit(str(error))
"""
EMITTER = """
emitter = SocketIO(message_queue={url!r})
emitter.server.enter_room("sid", "room")
"""


@pytest.mark.parametrize(("library", "url"), URLS)
@pytest.mark.parametrize("use", [RUN, UVICORN, EMIT], ids=["run", "uvicorn", "emit"])
def test_the_first_use_says_what_to_install(library: str, url: str, use: str) -> None:
    program = (BEGIN + use).format(module=MODULES.get(library, library), url=url)
    ended = warm.run([sys.executable, "-c", program])
    assert ended.returncode != 0
    assert ended.stdout.startswith("a page\n")
    scheme = url.partition("://")[0]
    message = f"message_queue {scheme}:// needs a library: pip install 'flask-duplex[{library}]'"
    assert ended.stderr.count(message) == 1
    assert "Traceback" not in ended.stderr


def test_an_emitter_that_does_something_else_than_emit() -> None:
    program = (BEGIN + EMITTER).format(module="redis", url="redis://")
    ended = warm.run([sys.executable, "-c", program])
    assert ended.stdout == "a page\n"
    assert ended.stderr.rstrip().endswith("pip install 'flask-duplex[redis]'")


@pytest.mark.parametrize("library", ["redis", "msgpack"])
def test_what_a_cluster_of_nodes_takes(library: str) -> None:
    program = (BEGIN + RUN).format(module=library, url="node+redis://")
    ended = warm.run([sys.executable, "-c", program])
    assert ended.returncode != 0
    assert "needs libraries: pip install 'flask-duplex[redis,msgpack]'\n" in ended.stderr
