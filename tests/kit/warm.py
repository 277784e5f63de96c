"""Programs in processes of their own that need not import everything anew: they are forked by one that has.

Half a second of CPU time for each server is what the whole suite would spend most on. Where a program has to begin as
the interpreter does (it patches what is imported, it is given another environment for Python itself), it does: see
`can_be_forked`.
"""

from __future__ import annotations

import atexit
import ctypes
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from tests.kit.zygote import LENGTH

ROOT = Path(__file__).resolve().parents[2]
#: What the interpreter, its allocator and the loader look at as they begin.
_FOR_PYTHON = ("LANG", "LC_", "LD_", "MALLOC_", "PYTHON", "TZ")
_NOT_FOR_THE_BEGIN = {"PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"}
_ZYGOTE = """
import socket
from tests.kit import zygote
zygote.end_as(zygote.become(zygote.serve(socket.socket(fileno={}))))
"""
_PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """Whose parent is gone becomes a child of this process."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def environment() -> dict[str, str]:
    """That of this process, with the tests in the path."""
    paths = filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1"}


def can_be_forked(argv: Sequence[str], env: Mapping[str, str]) -> bool:
    """Whether it is a program of this Python, begun as this Python would begin."""
    _, arguments = _divide(argv)
    return (
        sys.platform == "linux"
        and len(arguments) > 0
        and (arguments[0] in {"-c", "-m"} or not arguments[0].startswith("-"))
        and _for_python(env) == _for_python(environment())
    )


def _for_python(env: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in env.items()
        if name.startswith(_FOR_PYTHON) and name not in _NOT_FOR_THE_BEGIN
    }


def _divide(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """What Python itself is told, of warnings; the program and its arguments, if it is one for this Python."""
    if _is_installed(argv[0]):
        return [], list(argv)
    at = 1
    while at < len(argv) and argv[at] == "-W":
        at += 2
    return list(argv[1:at]), list(argv[at:] if argv[0] == sys.executable else [])


def _is_installed(program: str) -> bool:
    """Whether it is a script that has come with a package."""
    path = Path(program)
    if path.parent != Path(sys.executable).parent or path.name.startswith("python"):
        return False
    with path.open("rb") as script:
        return script.readline() == f"#!{sys.executable}\n".encode()


class Process:
    """What `subprocess.Popen` is for other programs."""

    def __init__(
        self,
        argv: Sequence[str],
        env: Mapping[str, str],
        cwd: Path,
        output: int,
        errors: int,
    ) -> None:
        self.args = list(argv)
        self.returncode: int | None = None
        self.stdout: IO[bytes] | None = None
        flags, arguments = _divide(argv)
        told = {"arguments": arguments, "flags": flags, "env": dict(env), "cwd": str(cwd)}
        with open(os.devnull) as nothing:  # noqa: PTH123
            self.pid = _zygote(flags).fork(told, [nothing.fileno(), output, errors])
        self._ending = os.pidfd_open(self.pid)
        self._reaping = threading.Lock()

    @classmethod
    def piped(cls, argv: Sequence[str], env: Mapping[str, str], cwd: Path) -> Process:
        """Its whole output is what its `stdout` gives."""
        reading, writing = os.pipe()
        try:
            process = cls(argv, env, cwd, writing, writing)
        finally:
            os.close(writing)
        process.stdout = open(reading, "rb", buffering=0)  # noqa: PTH123, SIM115
        return process

    def poll(self) -> int | None:
        with self._reaping:
            if self.returncode is None and select.select([self._ending], [], [], 0)[0]:
                _, status = os.waitpid(self.pid, 0)
                self.returncode = os.waitstatus_to_exitcode(status)
                os.close(self._ending)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            select.select([self._ending], [], [], timeout)
        status = self.poll()
        if status is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return status

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def run(
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path = ROOT,
    timeout: float = 60,
) -> subprocess.CompletedProcess[str]:
    """As `subprocess.run` without a check; what it prints is captured."""
    env = environment() if env is None else env
    if not can_be_forked(argv, env):
        return subprocess.run(
            argv, env=env, cwd=cwd, timeout=timeout, capture_output=True, text=True, check=False
        )
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        process = Process(argv, env, cwd, output.fileno(), errors.fileno())
        try:
            status = process.wait(timeout)
        finally:
            _end(process)
        return subprocess.CompletedProcess(argv, status, _read(output), _read(errors))


def _end(process: Process) -> None:
    """With what it has started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()


def _read(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


class _Zygote:
    """The process that forks."""

    def __init__(self, flags: Sequence[str]) -> None:
        adopt_orphans()
        self._lock = threading.Lock()
        self._channel, other = socket.socketpair()
        with other:
            self._process = subprocess.Popen(
                [sys.executable, *flags, "-c", _ZYGOTE.format(other.fileno())],
                env=environment(),
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                pass_fds=[other.fileno()],
            )

    def fork(self, told: Mapping[str, Any], descriptors: list[int]) -> int:
        body = json.dumps(told).encode()
        with self._lock:
            socket.send_fds(self._channel, [len(body).to_bytes(LENGTH, "big")], descriptors)
            self._channel.sendall(body)
            return int.from_bytes(self._channel.recv(LENGTH, socket.MSG_WAITALL), "big")

    def end(self) -> None:
        self._channel.close()
        self._process.wait()


_zygotes: dict[tuple[str, ...], _Zygote] = {}
_making = threading.Lock()


def _zygote(flags: Sequence[str]) -> _Zygote:
    with _making:
        if not _zygotes:
            atexit.register(end_zygotes)
        if tuple(flags) not in _zygotes:
            _zygotes[tuple(flags)] = _Zygote(flags)
        return _zygotes[tuple(flags)]


def end_zygotes() -> None:
    """No program is begun after this."""
    while _zygotes:
        _zygotes.popitem()[1].end()
