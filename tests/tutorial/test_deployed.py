"""The tutorial's last step: its commands on a machine that is a folder, several workers, a real nginx, Chromium.

/etc and /srv are in the folder. What belongs to the whole machine (packages, users, systemd) is noted, not done.
"""

from __future__ import annotations

import configparser
import http.client
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.clients.browser import Visit, chromium
from tests.kit.missing import skip_or_fail
from tests.kit.ports import free_port
from tests.kit.raw import Address
from tests.kit.server import ServerProcess
from tests.proxies.fronts import Proxy, nginx_with, program_of
from tests.tutorial.pages import blocks_of, page_of
from tests.tutorial.reader import choose, enter, follow, log_in_both, png, say

#: what needs the whole machine
NOTED = ("apt", "useradd", "systemctl", "journalctl")
WORKERS = 4


class Machine:
    """A folder that is the machine on which the page's commands run."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.own = follow(7, root / "own" / "chat")
        self.home = root / "home"
        for folder in ("home", "srv", "etc/ssl", "etc/systemd/system", "etc/nginx/conf.d", "bin"):
            (root / folder).mkdir(parents=True)
        self._program("sudo", 'exec "$@"')
        self._program("scp", f'cp "$1" {self.home}')
        self._program("nginx", "exit 0")  # it's tried as it runs, not here
        # An environment in which everything is installed already.
        self._program("python3", f'[ "$*" = "-m venv .venv" ] && exec ln -s {sys.prefix} .venv')
        for name in NOTED:
            self._program(name, f'echo {name} "$@" >>{root}/noted')

    def _program(self, name: str, script: str) -> None:
        path = self.root / "bin" / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def here(self, text: str) -> str:
        """What is in /etc and /srv there, is in the folder here."""
        return re.sub(r"(?<![\w.])/(etc|srv)\b", rf"{self.root}/\1", text)

    def type_in(self, cwd: Path, commands: str) -> None:
        path = f"{self.root}/bin{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-ec", self.here(commands)],
            cwd=cwd,
            env={**os.environ, "PATH": path, "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    @property
    def noted(self) -> list[str]:
        return (self.root / "noted").read_text().splitlines()

    def unit(self) -> Path:
        return self.root / "etc" / "systemd" / "system" / "chat.service"

    def service(self) -> configparser.SectionProxy:
        parser = configparser.ConfigParser(interpolation=None)
        parser.optionxform = str  # pyright: ignore[reportAttributeAccessIssue] - as its docs say
        parser.read_string(self.here(self.unit().read_text()))
        return parser["Service"]

    def start(self) -> ServerProcess:
        """What systemd does with the unit."""
        service = self.service()
        lines = Path(service["EnvironmentFile"]).read_text().splitlines()
        env = dict(line.split("=", 1) for line in lines)
        command = shlex.split(service["ExecStart"])
        assert command[command.index("--port") + 1] == "8000"
        command[command.index("--port") + 1] = "0"
        return ServerProcess(command, env, cwd=Path(service["WorkingDirectory"]))


class Nginx(Proxy):
    """nginx with the page's file, whose addresses alone are replaced."""

    def __init__(self, machine: Machine, target: Address) -> None:
        program = program_of("nginx")
        self.ports = free_port(), free_port()
        conf = machine.root / "etc" / "nginx" / "conf.d" / "chat.conf"
        text = machine.here(conf.read_text())
        for old, new in {
            "127.0.0.1:8000": "{}:{}".format(*target),
            "listen 80;": f"listen 127.0.0.1:{self.ports[0]};",
            "listen 443 ssl;": f"listen 127.0.0.1:{self.ports[1]} ssl;",
            "chat.example": "127.0.0.1",
        }.items():
            assert old in text
            text = text.replace(old, new)
        folder = machine.root / "nginx"
        folder.mkdir()
        (folder / "app.conf").write_text(text)
        super().__init__([program, *nginx_with(folder)])


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """After the page's commands, which are the same in both languages (test_pages.py)."""
    machine = Machine(tmp_path)
    trial, copying, *on_the_server = blocks_of(page_of("en", 7), "sh")
    machine.type_in(machine.own, copying)
    machine.type_in(machine.home, "".join(on_the_server))
    assert machine.service()["ExecStart"].endswith(f"/bin/{trial.strip()}")
    return machine


@pytest.fixture
def people(machine: Machine) -> Iterator[tuple[ServerProcess, Proxy, Visit, Visit]]:
    with (
        machine.start() as server,
        Nginx(machine, server.address) as nginx,
        chromium() as browser,
    ):
        contexts = [browser.new_context(ignore_https_errors=True) for _ in range(2)]
        ada, bob = (Visit(context, nginx.tls_url) for context in contexts)
        yield server, nginx, ada, bob
        for visitor in (ada, bob):
            assert visitor.errors == []
            visitor.page.context.close()


def test_the_chat_behind_nginx(
    machine: Machine, people: tuple[ServerProcess, Proxy, Visit, Visit]
) -> None:
    server, nginx, ada, bob = people
    assert machine.noted == [
        "apt update",
        "apt install nginx openssl python3-venv",
        "useradd --system chat",
        "systemctl daemon-reload",
        "systemctl enable --now chat",
        "journalctl --unit chat --no-pager",
        "systemctl reload nginx",
    ]
    assert (machine.root / "etc" / "chat.env").stat().st_mode & 0o777 == 0o600
    assert len(psutil.Process(server.pid).children()) == WORKERS
    assert redirect_of(nginx) == "https://127.0.0.1/login"

    log_in_both(ada, bob)
    enter(ada)
    bob.page.get_by_text("Connected", exact=True).wait_for()
    connect_to_another_worker(bob, than=ada)
    enter(bob)
    ada.page.get_by_text("bob is here.").wait_for()
    say(ada, "Hello")
    bob.page.get_by_text("ada: Hello").wait_for()
    choose(bob, "image.png", png(640, 480).ljust(3_000_000, b"\0"))
    ada.page.get_by_alt_text("Image from bob").wait_for()
    assert {cookie["secure"] for cookie in ada.page.context.cookies()} == {True}


def redirect_of(nginx: Proxy) -> str | None:
    connection = http.client.HTTPConnection(*nginx.address)
    connection.request("GET", "/login")
    answer = connection.getresponse()
    connection.close()
    assert answer.status == 301
    return answer.getheader("Location")


def connect_to_another_worker(visitor: Visit, than: Visit) -> None:
    """Its process's name stands at the front of a session's id. Over polling: the body goes through nginx."""
    own = than.run("return socket.io.engine.id.slice(0, 8)")
    visitor.run(
        """
        socket.io.opts.transports = ['polling'];
        do {
          socket.disconnect().connect();
          await new Promise((resolve) => socket.once('connect', resolve));
        } while (socket.io.engine.id.startsWith(given));
        """,
        own,
    )


def test_systemd_knows_what_is_in_the_unit(machine: Machine) -> None:
    unit = machine.root / "chat.service"
    unit.write_text(machine.here(machine.unit().read_text()).replace("User=chat", "User=root"))
    try:
        done = subprocess.run(
            ["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        skip_or_fail("systemd-analyze is not installed: apt install systemd")
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
