"""`flask socketio run`, as people type it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import trustme

from tests.cli.terminal import FLASK, MODULE, InFolder, typed
from tests.kit.engine import EngineWebSocket, RawPolling
from tests.kit.neighbour import OrderedClient
from tests.kit.server import ROOT, ServerProcess

SHOP = Path(__file__).with_name("shop.py")
PATCHED = ROOT / "tests/serving/patched_app.py"
RUN = ["socketio", "run", "--port", "0"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(SHOP, tmp_path)
    return tmp_path


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def page(server: ServerProcess) -> dict[str, Any]:
    """Nothing while it starts anew."""
    try:
        return server.get_json("/")
    except (TimeoutError, ConnectionError):
        return {}


def pages(server: ServerProcess, key: str, count: int = 24) -> set[Any]:
    return {page(server).get(key) for _ in range(count)}


def answer_of(server: ServerProcess, kind: type[RawPolling | EngineWebSocket]) -> str:
    client = kind.open(server.address, "/socket.io/")
    client.send("40")
    client.recv()
    client.send('420["answer"]')
    answer = client.recv()
    client.leave()
    return str(answer)


@pytest.mark.parametrize("program", [FLASK, MODULE], ids=["flask", "python -m flask"])
def test_it_serves_what_a_factory_makes(program: list[str], folder: Path) -> None:
    command = [*program, "--app", "shop:create_app('toys')", *RUN]
    with InFolder(command, folder) as server:
        assert (page(server)["name"], page(server)["debug"]) == ("toys", False)
        for kind in (RawPolling, EngineWebSocket):
            assert answer_of(server, kind) == '430["first"]'
        assert server.log.count("Serving Flask app") == 1


def test_the_environment_names_the_application(folder: Path) -> None:
    with InFolder([*FLASK, *RUN], folder, {"FLASK_APP": "shop", "FLASK_DEBUG": "0"}) as server:
        assert page(server)["name"] == "shop"


def test_so_does_a_file(folder: Path) -> None:
    (folder / ".flaskenv").write_text("FLASK_APP=shop\nFLASK_RUN_PORT=0\nWEB_CONCURRENCY=2\n")
    with InFolder([*FLASK, "socketio", "run"], folder) as server:
        assert " * 2 workers\n" in server.log
        wait_until(lambda: len(pages(server, "pid")) == 2)


def test_tls(folder: Path) -> None:
    authority = trustme.CA()
    pem, context = folder / "shop.pem", ssl.create_default_context()
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(pem)
    authority.configure_trust(context)
    with InFolder([*FLASK, "--app", "shop", *RUN, "--certfile", str(pem)], folder) as server:
        url = f"https://127.0.0.1:{server.address[1]}/"
        with urllib.request.urlopen(url, context=context) as reply:
            assert b'"scheme":"https"' in reply.read()


# -- several processes -----------------------------------------------------------------------------


@pytest.mark.parametrize("program", [FLASK, MODULE], ids=["flask", "python -m flask"])
def test_workers_get_new_code_on_sighup(program: list[str], folder: Path) -> None:
    with InFolder([*program, "--app", "shop", *RUN, "--workers", "2"], folder) as server:
        assert " * 2 workers\n" in server.log
        wait_until(lambda: len(pages(server, "pid")) == 2)
        before = pages(server, "pid")
        change(folder / "shop.py", "first", "second")
        os.kill(server.pid, signal.SIGHUP)
        wait_until(lambda: not any(map(psutil.pid_exists, before)))
        assert pages(server, "answer") == {"second"}
        assert answer_of(server, EngineWebSocket) == '430["second"]'
        assert server.log.count("Serving Flask app") == 1


@pytest.mark.parametrize("workers", ["1", "2"])
def test_ctrl_c(workers: str, folder: Path) -> None:
    """Which a terminal sends to all processes: they end in good order, without a word."""
    with InFolder([*FLASK, "--app", "shop", *RUN, "--workers", workers], folder) as server:
        wait_until(lambda: len(pages(server, "pid")) == int(workers))
        os.killpg(server.pid, signal.SIGINT)
        assert server.process.wait(20) == 0
        assert server.log.strip().endswith("(Press CTRL+C to quit)")


def change(program: Path, old: str, new: str) -> None:
    program.write_text(program.read_text().replace(old, new))
    os.utime(program, (time.time() + 5,) * 2)  # later than any look at it


@pytest.mark.waiting
def test_debug_mode_survives_a_mistake(folder: Path) -> None:
    """The server waits for its correction, and so does who asks it meanwhile."""
    with InFolder([*FLASK, "--app", "shop", *RUN, "--debug"], folder) as server:
        server.allow_traceback("SyntaxError")
        assert page(server)["debug"] is True
        change(folder / "shop.py", '"first"', '"second')
        server.wait_for_log(re.compile("SyntaxError: unterminated"), 30)
        time.sleep(2)  # until Werkzeug has had its first look at the files
        change(folder / "shop.py", '"second', '"third"')
        wait_until(lambda: page(server).get("answer") == "third")


# -- what cannot be served -------------------------------------------------------------------------


def refusal(folder: Path, *arguments: str) -> str:
    done = typed(folder, *FLASK, *arguments)
    assert done.returncode in (1, 2) and not done.stdout
    return done.stderr


def test_an_application_without_it(folder: Path) -> None:
    (folder / "plain.py").write_text("import flask\napp = flask.Flask('plain')\n")
    said = refusal(folder, "--app", "plain", *RUN)
    assert said.startswith("Error: the application 'plain' has no SocketIO: SocketIO(app), or")


def test_none_at_all(folder: Path) -> None:
    assert "Error: Could not locate a Flask application" in refusal(folder, *RUN)


def test_a_number_that_is_none(folder: Path) -> None:
    said = refusal(folder, "--app", "shop", *RUN, "--workers", "many")
    assert "Error: workers='many': a number from 1 on is needed, or \"auto\"" in said


def test_a_port_in_use_is_told_as_it_is_typed(folder: Path) -> None:
    with InFolder([*FLASK, "--app", "shop", *RUN], folder) as server:
        port = server.address[1]
        said = refusal(folder, "--app", "shop", "socketio", "run", "--port", str(port))
    assert f"choose another port: --port {port + 1}." in said


# -- Flask's own commands --------------------------------------------------------------------------


@pytest.mark.parametrize("words", [["run"], ["socketio", "run"]], ids=" ".join)
def test_an_application_that_patches_threads(words: list[str]) -> None:
    """It has to come first: nothing of the package is imported before the application."""
    command = [*FLASK, "--app", str(PATCHED), *words, "--port", "0"]
    with ServerProcess(command, {"LIBRARY": "gevent"}, fresh=True) as server:
        client = OrderedClient()
        client.connect(server.url, transports=["websocket"])
        assert client.call("echo", "x", timeout=10) == "x"
        assert client.call("background", timeout=10) == "joined"
        client.disconnect()


def test_other_commands_do_not_load_it(folder: Path) -> None:
    code = (
        "import sys; from flask.cli import main\n"
        "try: main()\n"
        "except SystemExit: print('flask_socketio' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "socketio", "--help"], capture_output=True, text=True, cwd=folder
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "False"
    assert "Serve the application" in done.stdout
