"""What the constructor and `run()` take and refuse."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest
from flask import Flask

from flask_socketio import SocketIO
from tests.kit.server import STARTED, ServerProcess


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"transports": "pigeon"}, "No valid transports provided"),
        ({"transports": []}, "No valid transports provided"),
        ({"async_mode": "magic"}, "Invalid async_mode specified"),
    ],
    ids=str,
)
def test_refused(app: Flask, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SocketIO(app, **options)


@pytest.mark.ours('a value that makes no sense (ping_timeout="20")')
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ping_interval": "25"}, "ping_interval='25': a number is needed"),
        ({"ping_interval": (25,)}, "a number is needed, or two"),
        ({"ping_interval": (25, "1")}, "ping_interval='1': a number is needed"),
        ({"ping_timeout": None}, "ping_timeout=None: a number is needed"),
        ({"ping_timeout": float("nan")}, "ping_timeout=nan: a number is needed"),
        ({"max_http_buffer_size": -1}, "max_http_buffer_size=-1: a number is needed, 0 or more"),
        ({"max_http_buffer_size": True}, "max_http_buffer_size=True: a number is needed"),
        ({"max_threads": "many"}, "max_threads='many': a number is needed"),
    ],
    ids=str,
)
def test_values_that_make_no_sense(app: Flask, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("(", r"\(")):
        SocketIO(app, **options)


@pytest.mark.ours("emit() before init_app()")
def test_nothing_works_before_init_app() -> None:
    with pytest.raises(RuntimeError, match=r"call init_app\(app\)"):
        SocketIO().emit("x")


def test_later_options_win(app: Flask) -> None:
    socketio = SocketIO(ping_timeout=7, cookie="one")
    socketio.init_app(app, cookie="two")
    assert socketio.server_options["ping_timeout"] == 7
    assert socketio.server_options["cookie"] == "two"
    assert app.extensions["socketio"] is socketio


def test_init_app_twice(app: Flask) -> None:
    socketio = SocketIO(app)
    socketio.init_app(app, ping_timeout=9)
    assert socketio.server_options["ping_timeout"] == 9
    socketio.on("hello")(lambda name: f"hello {name}")
    client = socketio.test_client(app)
    assert client.emit("hello", "Ada", callback=True) == "hello Ada"


APP = """
import os
from flask import Flask
from flask_socketio import SocketIO

app = Flask(__name__)
app.config["SECRET_KEY"] = "secret!"
app.config["SERVER_NAME"] = os.environ.get("SERVER_NAME")
socketio = SocketIO(app)
@app.get("/")
def page(): return {"debug": app.debug}
socketio.run(app, allow_unsafe_werkzeug=True, **eval(os.environ["ARGUMENTS"]))
"""


def running(arguments: dict[str, Any], **env: str) -> ServerProcess:
    return ServerProcess([sys.executable, "-c", APP], {"ARGUMENTS": repr(arguments), **env})


def free_port() -> int:
    with ServerProcess([sys.executable, "-c", APP], {"ARGUMENTS": repr({"port": 0})}) as server:
        return server.address[1]


def test_the_port_of_server_name() -> None:
    port = free_port()
    with running({}, SERVER_NAME=f"127.0.0.1:{port}") as server:
        assert server.address == ("127.0.0.1", port)


def test_host_port_and_debug() -> None:
    port = free_port()
    arguments = {"host": "localhost", "port": port, "debug": True, "use_reloader": False}
    with running(arguments) as server:
        assert server.get_json("/") == {"debug": True}
        assert server.address[1] == port


def test_the_default_port_is_5000() -> None:
    environ = {**os.environ, "ARGUMENTS": "{}", "PYTHONUNBUFFERED": "1"}
    environ.pop("SERVER_NAME", None)
    process = subprocess.Popen(
        [sys.executable, "-c", APP], env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert process.stdout is not None
    with process.stdout as output:
        for line in output:
            text = line.decode()
            # taken by somebody else on this machine: then that is what it says
            if STARTED.search(text) or "5000" in text:
                break
    process.kill()
    process.wait()
    assert "5000" in text
