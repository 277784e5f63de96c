"""Debug mode: the debugger's page, and a changed file that is served."""

import os
import re
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.engine import EngineWebSocket, RawPolling
from tests.kit.raw import ConnectionClosed
from tests.kit.server import ServerProcess

# A program that is loaded again and again, within deadlines.
pytestmark = pytest.mark.waiting

PROGRAM = """
import os
from flask import Flask
from flask_socketio import SocketIO
app = Flask(__name__)
socketio = SocketIO(app)

def task():
    print("the task runs", os.getpid(), flush=True)
    while True:
        socketio.sleep(0.05)

socketio.start_background_task(task)

@app.get("/")
def index():
    return "first"

@app.get("/pid")
def pid():
    return str(os.getpid())

@app.get("/error")
def error():
    secret = "a local variable"
    return 1 / 0

@socketio.on("message")
def message():
    return "first"

if __name__ == "__main__":
    socketio.run(app, port=0, debug=True)
"""
BROKEN_WATCHDOG = "raise ImportError('cannot import name EVENT_TYPE_OPENED')"
OLD_WATCHDOG = "class FileModifiedEvent: pass"


@pytest.fixture(params=["absent", "broken", "old"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ServerProcess]:
    """The program in debug mode, with various watchdogs."""
    env = {}
    if request.param != "absent":
        package = tmp_path / "path" / "watchdog"
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        source = BROKEN_WATCHDOG if request.param == "broken" else OLD_WATCHDOG
        (package / "events.py").write_text(source)
        env["PYTHONPATH"] = str(package.parent)
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    with ServerProcess.script(program, env) as server:
        server.allow_traceback("ZeroDivisionError")
        yield server


def answer_of(server: ServerProcess, transport: str) -> str:
    client = {"polling": RawPolling, "websocket": EngineWebSocket}[transport].open(
        server.address, "/socket.io/"
    )
    client.send("40")
    client.recv()
    client.send('420["message"]')
    answer = client.recv()
    client.leave()
    return str(answer)


def page_of(server: ServerProcess) -> str:
    """The page; nothing while the server is starting anew.

    A connection that the ending process has accepted and never read a request from is reset.
    """
    try:
        return server.get("/").text
    except (TimeoutError, ConnectionError):
        return ""


def test_debug_mode(server: ServerProcess) -> None:
    """One test for all of it, because each start takes a second or two."""
    assert " * Debug mode: on" in server.log
    assert server.get("/").text == "first"
    assert answer_of(server, "polling") == answer_of(server, "websocket") == '430["first"]'

    page = server.get("/error", Host="127.0.0.1")
    assert page.status == 500
    assert "Werkzeug Debugger" in page.text and "ZeroDivisionError" in page.text
    assert "EVALEX = true" in page.text

    first = server.get("/pid").text
    assert re.findall(r"the task runs (\d+)", server.log) == [first]

    waiting = EngineWebSocket.open(server.address, "/socket.io/")
    program = Path(server.argv[-1])
    time.sleep(1)  # the resolution of modification times, and of Werkzeug's looks at them
    program.write_text(PROGRAM.replace("first", "second"))
    os.utime(program)
    deadline = time.monotonic() + 30
    while page_of(server) != "second":
        assert time.monotonic() < deadline, server.log
        time.sleep(0.1)
    assert answer_of(server, "websocket") == '430["second"]'
    with pytest.raises(ConnectionClosed):
        while True:
            waiting.recv()
    waiting.leave()
    second = server.get("/pid").text
    assert re.findall(r"the task runs (\d+)", server.log) == [first, second]


def test_other_files_and_options_of_the_reloader(tmp_path: Path) -> None:
    watched = tmp_path / "settings.ini"
    watched.write_text("a")
    program = tmp_path / "program.py"
    arguments = (
        f'extra_files=["{watched}"], reloader_options={{"reloader_type": "stat", "interval": 0.2}}'
    )
    program.write_text(PROGRAM.replace("debug=True", f"debug=True, log_output=False, {arguments}"))
    with ServerProcess.script(program) as server:
        first = server.get("/pid").text
        watched.write_text("b")
        os.utime(watched, (time.time() + 5,) * 2)
        server.wait_for_log(re.compile(r"Detected change in .*settings\.ini"), 10)
        server.wait_for_log(re.compile(rf"the task runs (?!{first}\b)"), 20)
        assert page_of(server) == "first"
        assert "GET /" not in server.log


def test_flask_run_in_debug_mode(tmp_path: Path) -> None:
    """Werkzeug's own server, reloader and debugger: WebSockets are served, and are no error in the log."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    flask = Path(sysconfig.get_path("scripts"), "flask")
    command = [str(flask), "--app", str(program), "run", "--debug", "--port", "0"]
    with ServerProcess(command) as server:
        server.wait_for_log(re.compile("Debugger PIN"), 10)
        for transport in ("polling", "websocket", "websocket"):
            assert answer_of(server, transport) == '430["first"]'
        pid = server.get("/pid").text
        assert re.findall(r"the task runs (\d+)", server.log) == [pid]
        page = server.get("/error", Host="127.0.0.1")
        assert "Werkzeug Debugger" in page.text
        server.allow_traceback("ZeroDivisionError")
