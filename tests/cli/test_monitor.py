"""`flask socketio monitor`: what it shows of a running server, and what it says where it cannot."""

from __future__ import annotations

import os
import pty
import re
import select
import shlex
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import cast

import pytest

from flask_duplex.cli.table import Sample, table
from tests.cli.terminal import FLASK, OURS, typed
from tests.docs.pages import block
from tests.kit.neighbour import OrderedClient
from tests.kit.ports import free_port
from tests.kit.server import ServerProcess
from tests.metrics.app import TOKEN
from tests.metrics.served import APP, app_process

MONITOR = [*FLASK, "socketio", "monitor"]
ONCE = ["--once", "--interval", "0.5"]


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with app_process(2) as server:
        yield server


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("monitored")
    shutil.copy(APP, folder / "module.py")
    (folder / "plain.py").write_text(
        "from flask import Flask\nfrom flask_socketio import SocketIO\n"
        "app = Flask(__name__)\nSocketIO(app, metrics=True)\n"
    )
    return folder


@contextmanager
def busy(server: ServerProcess) -> Iterator[None]:
    """Somebody who sends as long as the block lasts."""
    client = OrderedClient()
    client.connect(server.url, transports=["websocket"], namespaces=["/", "/chat"])
    client.emit("unheard-of")
    over = threading.Event()

    def send() -> None:
        while not over.is_set():
            client.call("slow", timeout=20)
            client.emit("echo", "x" * 1000)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        client.disconnect()


def rate(line: str, what: str) -> float:
    found = re.search(rf"([\d.]+)k?/s {what}", line)
    assert found is not None, line
    return float(found[1])


def test_what_it_shows(server: ServerProcess, folder: Path) -> None:
    with busy(server):
        time.sleep(0.5)
        done = typed(
            folder, *MONITOR, server.url, *ONCE, env={"FLASK_SOCKETIO_METRICS_TOKEN": TOKEN}
        )
    assert done.returncode == 0, done.stderr
    lines = {line.split("  ")[0]: line for line in done.stdout.splitlines()}
    assert done.stdout.startswith(f"{server.url}/socket.io/metrics  ")
    assert re.fullmatch(r"workers +2", lines["workers"])
    assert re.fullmatch(r"connections +1 \(polling 0, websocket 1\)", lines["connections"])
    assert re.fullmatch(r"clients +2 \(/ 1, /chat 1\), 0 rooms", lines["clients"])
    assert rate(lines["events"], "in") > 0 < rate(lines["events"], "out")
    assert "events unhandled 1" in lines["events"]
    assert rate(lines["bytes"], "in") > 0 < rate(lines["bytes"], "out")
    assert "p99" in lines["loop lag"]
    slow = next(line for line in done.stdout.splitlines() if re.match(r"/ +slow", line))
    assert re.search(r"\d+ ms$", slow)
    took = float(slow.split()[4])
    assert took >= 50, slow  # it sleeps for 30 ms, so most are above 25


def test_a_server_by_its_address(server: ServerProcess, folder: Path) -> None:
    """As the page has it, but once: the token is the application's."""
    line = block("docs/cli.md", "--interval 5")
    words = [*shlex.split(line.replace("http://127.0.0.1:5000", server.url))[1:], "--once"]
    words[words.index("5")] = "0.3"
    done = typed(folder, *FLASK, *words)
    assert done.returncode == 0, done.stderr
    assert re.search(r"^workers +2$", done.stdout, re.M)


def test_the_command_of_the_page(server: ServerProcess, folder: Path) -> None:
    words = shlex.split(block("docs/metrics.md", "socketio monitor"))[1:]
    env = {"FLASK_RUN_PORT": str(server.address[1])}
    done = typed(folder, *FLASK, *words, "--interval", "0.3", env=env)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(server.url)


def test_without_an_application(server: ServerProcess, tmp_path: Path) -> None:
    address = f"{server.url}/socket.io/metrics"
    done = typed(tmp_path, *OURS, "monitor", address, "--token", TOKEN, *ONCE)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{address}  ")


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["URL", "--token", "another"], 1, "the token is another one"),
        (["URL/pid", "--token", TOKEN], 1, "what answers is no server of ours"),
        (["URL/nowhere", "--token", TOKEN], 1, "there are no metrics (HTTP 404)"),
        (["ftp://host", "--token", TOKEN], 2, "is no address of a server"),
    ],
)
def test_mistakes(
    server: ServerProcess, tmp_path: Path, arguments: list[str], status: int, says: str
) -> None:
    words = [word.replace("URL", server.url) for word in arguments]
    done = typed(tmp_path, *MONITOR, *words, *ONCE)
    assert (done.returncode, says in done.stderr) == (status, True), done.stderr


class _Elsewhere(BaseHTTPRequestHandler):
    """Leads to a path on another port; or is that."""

    def do_GET(self) -> None:
        server = cast(_Server, self.server)
        server.tokens.append(self.headers.get("Authorization"))
        self.send_response(302 if server.leads_to else 404)
        if server.leads_to:
            self.send_header("Location", server.leads_to)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None: ...


class _Server(ThreadingHTTPServer):
    def __init__(self, leads_to: str = "") -> None:
        super().__init__(("127.0.0.1", 0), _Elsewhere)
        self.leads_to = leads_to
        self.tokens: list[str | None] = []


def test_a_redirect_is_not_given_the_token(tmp_path: Path) -> None:
    with _Server() as other, _Server(f"http://127.0.0.1:{other.server_port}/x") as server:
        for each in (other, server):
            threading.Thread(target=each.serve_forever).start()
        done = typed(
            tmp_path, *MONITOR, f"http://127.0.0.1:{server.server_port}", "--token", TOKEN, *ONCE
        )
        for each in (other, server):
            each.shutdown()
    assert done.returncode == 1, done.stderr
    assert server.tokens == [f"Bearer {TOKEN}"]
    assert other.tokens == [None]


def test_nobody_is_there(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    done = typed(tmp_path, *MONITOR, url, "--token", TOKEN, *ONCE)
    assert done.returncode == 1
    assert f"{url}/socket.io/metrics does not answer" in done.stderr


def test_an_application_without_a_token(folder: Path) -> None:
    done = typed(folder, *FLASK, "--app", "plain", "socketio", "monitor", *ONCE)
    assert done.returncode == 1
    assert "the application 'plain' has no token" in done.stderr


def test_in_a_terminal_it_is_drawn_anew(folder: Path) -> None:
    """Also when the server is away for a while; Ctrl-C ends it, without a word."""
    with app_process() as server:
        port = server.address[1]
        own, its = pty.openpty()
        command = [*MONITOR, server.url, "--token", TOKEN, "--interval", "0.2"]
        monitor = subprocess.Popen(
            command, stdin=its, stdout=its, stderr=its, cwd=folder, start_new_session=True,
            preexec_fn=_own_terminal,
        )  # fmt: skip
        os.close(its)
        shown = _read_until(own, lambda text: text.count("connections") >= 2)
        assert shown.count("\x1b[2J") >= 2
    _read_until(own, lambda text: "does not answer" in text)
    with app_process(PORT=str(port)):
        _read_until(own, lambda text: "connections" in text)
        os.write(own, b"\x03")
        deadline = time.monotonic() + 60
        while (
            monitor.poll() is None
        ):  # a terminal goes on reading, or who writes to it waits for that
            assert time.monotonic() < deadline
            _read_some(own)
        assert monitor.returncode == 0
    os.close(own)


def _own_terminal() -> None:
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    # Who runs the tests in the background of a shell has Ctrl-C ignored, by all that comes of it.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _read_some(terminal: int) -> None:
    if select.select([terminal], [], [], 0.2)[0]:
        with suppress(OSError):  # nobody has its other end any more
            os.read(terminal, 4096)


def _read_until(terminal: int, condition: object) -> str:
    text, deadline = "", time.monotonic() + 30
    while not condition(text):  # type: ignore[operator]
        assert time.monotonic() < deadline, text
        if select.select([terminal], [], [], 0.2)[0]:
            text += os.read(terminal, 65536).decode(errors="replace")
    return text


# -- the table ---------------------------------------------------------------------------------------


def sample(seconds: float, **metrics: object) -> Sample:
    rest = {"workers": 1, "workers_silent": {}, "connections": {}, "clients": {}, "rooms": 0}
    return Sample(seconds, {**rest, **metrics})


def test_rates_are_by_the_second() -> None:
    before = sample(10, handlers_started=100, http_refused={"head too large": 1})
    after = sample(12, handlers_started=2100, http_refused={"head too large": 4})
    lines = table(before, after)
    assert any("1.0k/s" in line for line in lines)
    assert "http refused 4 (+3) (head too large 4)" in "\n".join(lines)


def test_a_server_that_has_begun_anew() -> None:
    lines = table(sample(10, handlers_started=1000), sample(11, handlers_started=30))
    assert any("30.0/s" in line for line in lines)


def test_nothing_that_a_terminal_would_act_upon() -> None:
    events = {"/\x1b[2J": {"a\nb": 1}}
    text = "\n".join(table(sample(1, events_handled=events), sample(2, events_handled=events)))
    assert "\x1b" not in text and "a?b" in text


def test_a_silent_worker_is_named() -> None:
    silent = sample(2, workers_silent={"4711": 1})
    assert "no answer from 4711" in table(sample(1), silent)[0]
