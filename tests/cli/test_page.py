"""docs/cli.md: its command lines, and what they say."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from flask_duplex.cli import socketio
from tests.cli.nginx import HOST, Nginx, passing
from tests.cli.terminal import FLASK, InFolder, typed
from tests.cli.test_doctor_server import server_of
from tests.docs.pages import block
from tests.kit.broker import redis_server
from tests.kit.ports import free_port
from tests.kit.server import ROOT

PAGE = "docs/cli.md"


def lines(has: str) -> list[list[str]]:
    """The command lines of a block, with the program of this environment."""
    commands = [shlex.split(line) for line in block(PAGE, has).splitlines()]
    assert all(words[0] == "flask" for words in commands)
    return [[*FLASK, *words[1:]] for words in commands]


@pytest.fixture(scope="module")
def queue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with redis_server(tmp_path_factory) as url:
        yield url


@pytest.fixture
def folder(tmp_path: Path, queue: str) -> Path:
    shutil.copy(Path(__file__).with_name("chat.py"), tmp_path / "module.py")
    return tmp_path


def test_each_command_is_named() -> None:
    page = (ROOT / PAGE).read_text()
    assert [name for name in socketio.commands if f"| [`{name}`](" not in page] == []


def test_completion(tmp_path: Path) -> None:
    line = block(PAGE, "_FLASK_COMPLETE").strip().replace(" flask)", f" {FLASK[0]})")
    command = ["bash", "-c", f"{line} && complete -p flask"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout.endswith(" flask\n"), done.stderr


def test_emit(folder: Path, queue: str) -> None:
    [command] = lines("Lunch is ready")
    done = typed(folder, *command, env={"QUEUE": queue})
    assert done.returncode == 0 and done.stdout.startswith("'news' emitted to kitchen through ")


def test_what_emit_says(folder: Path, queue: str) -> None:
    typed_line, said = (
        block(PAGE, "emit sum").replace("redis://127.0.0.1:6379/0", queue).splitlines()
    )
    done = typed(folder, *FLASK, *shlex.split(typed_line)[2:])
    count = re.compile(r"(one process listens|\d+ processes listen|nobody listens.*)\n?$")
    assert count.sub("", done.stdout) == count.sub("", said)


def test_demo(tmp_path: Path) -> None:
    [command] = lines("socketio demo")
    assert command[-2:] == ["--port", "5000"]
    with InFolder([*command[:-1], str(free_port())], tmp_path) as server:
        assert "Flask-Duplex demo" in server.get("/").text
        assert server.get_json("/socket.io/health")["status"] == "ok"


def test_doctor(folder: Path, queue: str) -> None:
    here, there = lines("--app module socketio doctor")
    done = typed(folder, *here, env={"QUEUE": queue})
    assert done.returncode == 0, done.stdout
    with server_of() as server:
        done = typed(folder, *there[:-1], server.url)
    assert done.returncode == 0, done.stdout


def test_what_the_doctor_says(tmp_path: Path) -> None:
    _, *expected = block(PAGE, "proxy_set_header Upgrade").splitlines()
    with server_of() as server, Nginx(tmp_path, passing(server, HOST)) as nginx:
        done = typed(tmp_path, *FLASK, "socketio", "doctor", f"{nginx.url}/")
    said = done.stdout.replace(nginx.url, "http://example.com").replace(
        f"127.0.0.1:{nginx.port}", "example.com:80"
    )
    rest = iter(said.splitlines())
    for line in expected:
        pattern = re.compile(".*".join(map(re.escape, line.split("..."))))
        assert any(pattern.fullmatch(each) for each in rest), (line, said)
