"""The blocks that need a message queue, with the addresses of those that the tests start."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from flask import Flask
from socketio import Client

from flask_socketio import SocketIO
from tests.docs.pages import block
from tests.kit.broker import redis_server
from tests.kit.daemons import wait_until
from tests.kit.ports import free_port
from tests.kit.server import ROOT, ServerProcess

SERVER = """
import os
from flask import Flask
from flask_socketio import SocketIO
app = Flask(__name__)
socketio = SocketIO(app, message_queue=os.environ["QUEUE"])
socketio.run(app, port=0)
"""


class Visitor:
    def __init__(self, url: str) -> None:
        self.progress = threading.Event()
        self.client = Client()
        self.client.on("progress", lambda value: self.progress.set())
        self.client.on("confirm", lambda question: question == "Go on?")
        self.client.connect(url, wait_timeout=30)

    @property
    def sid(self) -> str:
        wait_until(lambda: self.client.get_sid() is not None)
        return str(self.client.get_sid())


def test_a_script_emits_and_asks(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    (tmp_path / "server.py").write_text(SERVER)
    with (
        redis_server(tmp_path_factory) as url,
        ServerProcess.script(tmp_path / "server.py", {"QUEUE": url}) as server,
    ):
        visitor = Visitor(server.url)
        script = block("docs/cluster.md", "# no app").replace("redis://", url)
        given = f"from flask_socketio import SocketIO\nsid = {visitor.sid!r}\n"
        # In the place of the ellipsis.
        ended = subprocess.run(
            [sys.executable, "-c", given + script.replace("...", 'print("confirmed")')],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert ended.stdout == "confirmed\n", ended.stderr
        assert visitor.progress.wait(10)
        visitor.client.disconnect()


@pytest.mark.parametrize(
    ("page", "has"), [("docs/node.md", "node+redis"), ("docs/serving.md", "flask-duplex[redis]")]
)
def test_the_urls_are_known(page: str, has: str) -> None:
    names: dict[str, object] = {"SocketIO": SocketIO, "app": Flask("app")}
    exec(block(page, has), names)  # noqa: S102
    assert isinstance(names["socketio"], SocketIO)


def test_the_proxy_of_zeromq() -> None:
    sink, source = free_port(), free_port()
    text = block("docs/cluster.md", "zmq.proxy")
    text = text.replace(":5555", f":{sink}").replace(":5556", f":{source}")
    with subprocess.Popen([sys.executable, "-c", text]) as proxy:
        try:
            heard = subprocess.run(
                [sys.executable, "-c", HEARD, str(sink), str(source)], timeout=60, check=True
            )
            assert heard.returncode == 0
        finally:
            proxy.terminate()


HEARD = """
import sys, zmq
context = zmq.Context()
push, sub = context.socket(zmq.PUSH), context.socket(zmq.SUB)
push.connect("tcp://127.0.0.1:" + sys.argv[1])
sub.connect("tcp://127.0.0.1:" + sys.argv[2])
sub.subscribe(b"")
while not sub.poll(50):  # it takes its time to know us
    push.send(b"hello")
assert sub.recv() == b"hello"
context.destroy(linger=0)
"""
