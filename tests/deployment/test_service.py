"""deploy/flask-duplex.service and deploy/Dockerfile: looked at by systemd, and their commands run."""

from __future__ import annotations

import configparser
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.kit.engine import EngineWebSocket
from tests.kit.missing import skip_or_fail
from tests.kit.ports import free_port
from tests.kit.server import ROOT, ServerProcess
from tests.kit.sio import SioClient
from tests.proxies.served import wait_until

UNIT = ROOT / "deploy/flask-duplex.service"
DOCKERFILE = ROOT / "deploy/Dockerfile"
APP = """
from flask import Flask
from flask_socketio import SocketIO

app = Flask(__name__)
socketio = SocketIO(app, health=True)

@socketio.on("ask")
def answer():
    return "answer"
"""
SCRIPTS = sysconfig.get_path("scripts")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """/srv/app."""
    home = tmp_path / "app"
    home.mkdir()
    (home / "app.py").write_text(APP)
    (home / ".venv").symlink_to(sys.prefix)
    return home


def service_of(text: str) -> configparser.SectionProxy:
    parser = configparser.RawConfigParser()
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(text)
    return parser["Service"]


def ask(server: ServerProcess) -> None:
    client = SioClient(EngineWebSocket.open(server.address, "/socket.io/"))
    client.connect()
    assert client.call("ask") == ["answer"]
    client.engine.leave()


def test_the_unit_is_one(home: Path, tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        skip_or_fail("systemd-analyze is not installed: apt install systemd")
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("/srv/app", str(home)))
    ended = subprocess.run(
        [analyze, "verify", str(unit)], capture_output=True, text=True, timeout=60, check=False
    )
    assert [line for line in ended.stderr.splitlines() if UNIT.name in line] == []
    unit.write_text(unit.read_text().replace("KillMode=mixed", "KillMood=mixed"))
    ended = subprocess.run(
        [analyze, "verify", str(unit)], capture_output=True, text=True, timeout=60, check=False
    )
    assert "KillMood" in ended.stderr  # else it has not looked


class Service(ServerProcess):
    """What systemd does: the unit's command, told where to say that it has started."""

    def __init__(self, home: Path, notify: Path) -> None:
        service = service_of(UNIT.read_text().replace("/srv/app", str(home)))
        assert service["Type"] == "notify"
        port = free_port()
        command = service["ExecStart"].replace("--port 5000", f"--port {port}")
        argv = ["env", "-C", service["WorkingDirectory"], *shlex.split(command)]
        super().__init__(argv, {"NOTIFY_SOCKET": str(notify)})

    def workers(self) -> set[int]:
        return {child.pid for child in psutil.Process(self.pid).children()}


def test_the_service(home: Path, tmp_path: Path) -> None:
    service = service_of(UNIT.read_text())
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        notified.bind(str(tmp_path / "notify"))
        notified.settimeout(30)
        with Service(home, tmp_path / "notify") as server:
            assert notified.recv(100) == b"READY=1"
            ask(server)
            before = server.workers()
            assert len(before) == 4
            assert service["ExecReload"] == "/bin/kill -HUP $MAINPID"
            server.process.send_signal(signal.SIGHUP)
            wait_until(lambda: len(server.workers()) == 4 and not server.workers() & before)
            ask(server)
        notified.settimeout(0.1)
        with pytest.raises(TimeoutError):
            notified.recv(100)


def test_one_process_says_when_it_serves(home: Path, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        name = f"\0flask-duplex-{os.getpid()}"  # systemd's may be abstract ones
        notified.bind(name)
        notified.settimeout(30)
        argv = [f"{SCRIPTS}/flask", "--app", str(home / "app.py"), "socketio", "run", "--port", "0"]
        with ServerProcess(argv, {"NOTIFY_SOCKET": "@" + name[1:]}) as server:
            assert notified.recv(100) == b"READY=1"
            ask(server)


def instruction(name: str) -> str:
    (found,) = re.findall(rf"^{name} (.+)$", DOCKERFILE.read_text(), re.M)
    return found


def in_image(home: Path, words: list[str], port: int) -> list[str]:
    """A command of the image's, here: its programs are those of this environment, its port is another."""
    here = [word.replace("5000", str(port)) for word in words]
    programs: dict[str, Callable[[], str]] = {
        "flask": lambda: f"{SCRIPTS}/flask",
        "python": lambda: sys.executable,
    }
    return ["env", "-C", str(home), programs[here[0]](), *here[1:]]


def test_the_commands_of_the_image(home: Path) -> None:
    port = free_port()
    command = in_image(home, json.loads(instruction("CMD")), port)
    check = in_image(home, json.loads(instruction("HEALTHCHECK CMD")), port)
    assert subprocess.run(check, capture_output=True, timeout=60, check=False).returncode != 0
    assert "0.0.0.0" in command
    command[command.index("0.0.0.0")] = "127.0.0.1"
    with ServerProcess(command) as server:
        assert instruction("EXPOSE") == "5000"
        subprocess.run(check, capture_output=True, timeout=60, check=True)
        ask(server)
