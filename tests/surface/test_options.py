"""What the constructor and `run()` take and refuse."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import warnings
from typing import Any

import pytest
from flask import Flask

from flask_socketio import SocketIO
from tests.kit.engine import EngineWebSocket, RawPolling
from tests.kit.ports import free_port
from tests.kit.server import STARTED, ServerProcess
from tests.kit.sio import SioClient

from .conftest import ORIGINAL

ONLY_OURS = pytest.mark.skipif(ORIGINAL, reason="an option of ours")


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


@ONLY_OURS
def test_no_such_way_with_slow_consumers(app: Flask) -> None:
    with pytest.raises(ValueError, match="slow_consumer='drop': there are "):
        SocketIO(app, slow_consumer="drop")  # pyright: ignore[reportArgumentType]


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
        ({"max_http_buffer_size": "1e6"}, "max_http_buffer_size='1e6': a number is needed"),
        ({"max_threads": "many"}, "max_threads='many': a number is needed"),
    ],
    ids=str,
)
def test_values_that_make_no_sense(app: Flask, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("(", r"\(")):
        SocketIO(app, **options)


WHOLE = [
    "max_http_buffer_size",
    "compression_threshold",
    pytest.param("max_attachments", marks=ONLY_OURS),
    pytest.param("max_threads", marks=ONLY_OURS),
]
SECONDS = [
    "ping_interval",
    "ping_timeout",
    pytest.param("connect_timeout", marks=ONLY_OURS),
    pytest.param("upgrade_timeout", marks=ONLY_OURS),
]


@pytest.mark.parametrize("name", [*WHOLE, *SECONDS])
@pytest.mark.parametrize("value", [1, 1.0, 2e3])
def test_numbers_of_either_kind(app: Flask, name: str, value: float) -> None:
    with warnings.catch_warnings(action="error"):
        assert SocketIO(app, **{name: value}).server_options[name] == value


FLOATS = "a whole number that is written as a float (max_http_buffer_size=1e8)"


@pytest.mark.ours(FLOATS)
@pytest.mark.parametrize("name", [*WHOLE, *SECONDS])
@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan, -1, -0.5], ids=str)
def test_numbers_that_are_none(app: Flask, name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name}={value!r}: a number is needed, 0 or more"):
        SocketIO(app, **{name: value})


@pytest.mark.ours(FLOATS)
@pytest.mark.parametrize("value", [(math.inf, 1), (1, math.nan), [1, -1]], ids=str)
def test_intervals_that_are_none(app: Flask, value: Any) -> None:
    with pytest.raises(ValueError, match=r"ping_interval=(inf|nan|-1): a number is needed"):
        SocketIO(app, ping_interval=value)


@pytest.mark.ours(FLOATS)
@pytest.mark.parametrize("name", WHOLE)
def test_fractions_of_what_is_counted(app: Flask, name: str) -> None:
    with pytest.raises(ValueError, match=rf"{name}=1\.5: a whole number is needed"):
        SocketIO(app, **{name: 1.5})


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


def test_a_message_queue_whose_library_is_not_installed(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tests of an application are run without it."""
    monkeypatch.setitem(sys.modules, "redis", None)
    app.add_url_rule("/", "page", lambda: "a page")
    SocketIO(app, message_queue="redis://")
    assert app.test_client().get("/").text == "a page"


APP = """
import os
from flask import Flask
from flask_socketio import SocketIO

app = Flask(__name__)
app.config["SECRET_KEY"] = "secret!"
app.config["SERVER_NAME"] = os.environ.get("SERVER_NAME")
socketio = SocketIO(app, **eval(os.environ.get("OPTIONS", "{}")))
@app.get("/")
def page(): return {"debug": app.debug}
@socketio.on("size")
def size(text): return len(text)
if "WSGI" in os.environ:
    app.run(port=0, threaded=True)
else:
    socketio.run(app, allow_unsafe_werkzeug=True, **eval(os.environ["ARGUMENTS"]))
"""


def running(arguments: dict[str, Any], **env: str) -> ServerProcess:
    return ServerProcess([sys.executable, "-c", APP], {"ARGUMENTS": repr(arguments), **env})


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


@pytest.mark.parametrize("text", ["{}", " {} "])
def test_a_port_from_the_environment(text: str) -> None:
    port = free_port()
    with running({"port": text.format(port)}) as server:
        assert server.address[1] == port


@pytest.mark.ours('a port that is none (port="http", 65536)')
@pytest.mark.parametrize(
    "port", ["", "http", "80.5", 80.5, -1, 65536, "65536", True, math.nan, [], "1e400"]
)
def test_a_port_that_is_none(app: Flask, port: Any) -> None:
    with pytest.raises(ValueError, match=r"port=.*: a number from 0 to 65535 is needed"):
        SocketIO(app).run(app, port=port)


@pytest.mark.parametrize("env", [{}, {"WSGI": "1"}], ids=["run", "WSGI"])
@pytest.mark.parametrize("transport", [RawPolling, EngineWebSocket])
def test_a_limit_that_is_written_as_a_float(
    env: dict[str, str], transport: type[RawPolling] | type[EngineWebSocket]
) -> None:
    """Below it is taken, above it not."""
    options = {"max_http_buffer_size": 2e6}
    with running({"port": 0}, OPTIONS=repr(options), **env) as server:
        client = SioClient(transport.open(server.address, "/socket.io/"))
        assert client.engine.handshake["maxPayload"] == 2_000_000
        client.connect()
        assert client.call("size", "x" * 1_999_000) == [1_999_000]
        if ORIGINAL:  # what is above it, it answers in ways of its own
            client.engine.leave()
        else:
            client.emit("size", "x" * 2_000_001, id=1)
            client.engine.expect_gone()


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
