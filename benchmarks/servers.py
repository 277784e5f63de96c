"""Ours and the peers: how each is installed and started, pinned to a core of its own."""

from __future__ import annotations

import os
import platform
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from .turns import Turns

APPS = Path(__file__).parent / "apps"
PEERS = (
    Path(__file__).parent / ".venv-peers"
)  # other releases of the same packages, and flask_socketio itself
NODE, BUN = APPS / "node", APPS / "bun"
FLASK_APP = str(APPS / "flask_app.py")

SERVER_CORE, CLIENT_CORE = 0, 1
START_DEADLINE = 30.0


@dataclass(frozen=True)
class Peer:
    """A server as it is started; its port is the last argument, or in place of PORT."""

    name: str
    argv: Sequence[str]
    env: dict[str, str] = field(default_factory=dict[str, str])


#: Where npm puts the program, whether or not it may run the package's scripts afterwards.
_BUN_ARCHITECTURE = {"x86_64": "x64"}.get(platform.machine(), platform.machine())
_BUN_PROGRAM = str(BUN / f"node_modules/@oven/bun-linux-{_BUN_ARCHITECTURE}/bin/bun")
_PEER_PYTHON = str(PEERS / "bin/python")
PEER_LIST = [
    Peer("ours", [sys.executable, FLASK_APP]),
    Peer("flask-socketio-gevent", [_PEER_PYTHON, FLASK_APP], {"MODE": "gevent"}),
    Peer("flask-socketio-threading", [_PEER_PYTHON, FLASK_APP], {"MODE": "threading"}),
    Peer("python-socketio", [_PEER_PYTHON, str(APPS / "psio_app.py")]),
    Peer("node", ["node", str(NODE / "server.mjs")]),
    Peer("bun", [_BUN_PROGRAM, str(BUN / "server.mjs")]),
    Peer("limit", [sys.executable, str(APPS / "limit.py")]),
    Peer(
        "granian",
        [
            _PEER_PYTHON, "-m", "granian", "--interface", "wsgi", "--working-dir", str(APPS),
            "--log-level", "error", "page_app:app", "--port",
        ],
    ),
]  # fmt: skip
PEERS_BY_NAME = {peer.name: peer for peer in PEER_LIST}
#: The folder of the compiled core.
COMPILED = ".venv-compiled"
#: Another checkout of ours.
BEFORE = "before"


def add_before(checkout: Path) -> None:
    """Have another checkout's sources as a peer. Raises FileNotFoundError where it has none."""
    sources = (checkout / "src").resolve(strict=True)
    PEERS_BY_NAME[BEFORE] = Peer(BEFORE, [sys.executable, FLASK_APP], {"PYTHONPATH": str(sources)})


def compile_ours() -> None:
    """Have the compiled core as ours; it is made where it is missing or old."""
    root = Path(__file__).parents[1]
    subprocess.run(["make", "--silent", f"{COMPILED}/installed"], cwd=root, check=True)
    PEERS_BY_NAME["ours"] = Peer(
        "ours", [sys.executable, FLASK_APP], {"PYTHONPATH": str(root / COMPILED)}
    )


def install_peers(names: set[str]) -> None:
    """Install what is missing: Python packages into an environment beside this file, npm's beside their server."""
    for name, folder in (("node", NODE), ("bun", BUN)):
        if name in names:
            install_packages(folder)
    wanted = {name for name in names if _PEER_PYTHON in PEERS_BY_NAME[name].argv}
    if wanted and not (PEERS / "installed").exists():
        print("Installing the Python peers ...", flush=True)
        subprocess.run([sys.executable, "-m", "venv", PEERS], check=True)
        root = Path(__file__).parents[1]
        pip = [_PEER_PYTHON, "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
        subprocess.run([*pip, "--upgrade", "pip"], check=True)
        subprocess.run([*pip, "--group", "bench-peers"], cwd=root, check=True)
        (PEERS / "installed").touch()


def install_packages(folder: Path) -> None:
    """What the lock file names, unless it is there already. No scripts: Bun's moves its program elsewhere."""
    installed = folder / "node_modules/.package-lock.json"
    wanted = (folder / "package-lock.json").stat().st_mtime
    if not installed.exists() or installed.stat().st_mtime < wanted:
        options = ["--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run(["npm", "ci", *options], cwd=folder, check=True)


class Server:
    """A running peer; a context manager."""

    #: which it takes part in, if it is not measured by itself
    turns: Turns | None = None

    def __init__(self, peer: Peer, **env: str) -> None:
        self.peer = peer
        self._env = {**os.environ, **peer.env, **env}

    def __enter__(self) -> Server:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        argv = ["taskset", "-c", str(SERVER_CORE), *self.peer.argv, str(self.port)]
        self._process = subprocess.Popen(argv, env=self._env, stdout=subprocess.DEVNULL)
        self._ps = psutil.Process(self._process.pid)
        deadline = time.monotonic() + START_DEADLINE
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return self
            except OSError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self.__exit__()
                    raise RuntimeError(f"{self.peer.name} does not start") from None
                time.sleep(0.05)

    def __exit__(self, *exc: object) -> None:
        tree = self._tree()
        self.go_on()  # one that is stopped does not end
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(5)
        for process in tree:
            if process.is_running():
                process.kill()
        self._process.wait()

    def _tree(self) -> list[psutil.Process]:
        try:
            return [self._ps, *self._ps.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    @property
    def pid(self) -> int:
        return self._process.pid

    def cpu(self) -> float:
        """Seconds of CPU that the server and its children have used; to the nanosecond, unlike what /proc says."""
        return sum(time.clock_gettime(_cpu_clock(process.pid)) for process in self._tree())

    def stop(self) -> None:
        """Have it stand still until `go_on`: its connections stay, and the kernel keeps what comes."""
        for process in self._tree():
            process.suspend()

    def go_on(self) -> None:
        for process in self._tree():
            process.resume()

    def threads_and_descriptors(self) -> tuple[int, int]:
        """How many the server has, its children included."""
        tree = self._tree()
        return sum(p.num_threads() for p in tree), sum(p.num_fds() for p in tree)

    def memory(self) -> int:
        """Bytes resident."""
        return sum(process.memory_info().rss for process in self._tree())


def _cpu_clock(pid: int) -> int:
    """The clock of a process's CPU time, as clock_getcpuclockid(3) makes it on Linux."""
    return (~pid << 3) | 2


def versions() -> list[str]:
    """What was measured, as name and version."""
    query = (
        "from importlib.metadata import version as v\n"
        "import sys\nfor n in sys.argv[1:]:\n print(n, v(n))"
    )

    def ask(python: str, *names: str) -> list[str]:
        if not Path(python).exists():
            return []
        found = subprocess.run(
            [python, "-c", query, *names], capture_output=True, text=True, check=True
        )
        return found.stdout.splitlines()

    def runtime(program: str) -> str:
        found = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
        return found.stdout.strip()

    bun = [f"Bun {runtime(_BUN_PROGRAM)}"] if Path(_BUN_PROGRAM).exists() else []
    return [
        f"Python {sys.version.split()[0]}",
        *ask(sys.executable, "flask-duplex", "flask", "picows", "uvicorn", "uvloop", "orjson"),
        *ask(_PEER_PYTHON, "flask-socketio", "python-socketio", "gevent", "granian"),
        f"Node {runtime('node')}",
        *bun,
        "socket.io 4.8.4",
    ]
