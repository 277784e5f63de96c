"""Start a server script in a process of its own, and stop that very process again.

The script prints the start-up line `` * Running on http://HOST:PORT/`` when it listens; nothing is tried before that,
and no port is guessed. Its whole output is kept. When the ``with`` block ends well, the process has to end on SIGTERM
within a deadline and its log must hold no traceback, except those a test has announced with
`ServerProcess.allow_traceback`.
"""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.kit import warm
from tests.kit.raw import Address, Reply, request

ROOT = Path(__file__).resolve().parents[2]
# Our own start-up line, Werkzeug's, or that of another server.
STARTED = re.compile(r"(?:[Rr]unning on|Listening at:) https?://(?P<host>[^:/\s]+):(?P<port>\d+)")
TRACEBACK = re.compile(
    r"Traceback \(most recent call last\):\n(?:[ \t]+.*\n|\n)*(?P<error>\S.*)", re.MULTILINE
)
START_DEADLINE = 60.0
STOP_DEADLINE = 30.0


class ServerProcess:
    """A server under test; a context manager that starts and stops it."""

    def __init__(
        self,
        argv: Sequence[str],
        env: Mapping[str, str] | None = None,
        lane: str = "",
        cwd: Path = ROOT,
        fresh: bool = False,
    ) -> None:
        """`fresh`: Python imports everything for this server anew, which may patch it."""
        self.argv = list(argv)
        self.lane = lane
        self.cwd = cwd
        self.address: Address = ("", 0)
        self._env = {**os.environ, "PORT": "0", "PYTHONUNBUFFERED": "1", **(env or {})}
        paths = [(env or {}).get("PYTHONPATH"), os.environ.get("PYTHONPATH")]
        self._env["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, paths)])
        self._output = bytearray()
        self._ended = False
        self._news = threading.Condition()  # its lock is one that can be taken again
        self._allowed: list[str] = []
        self._process: subprocess.Popen[bytes] | warm.Process | None = None
        self._fresh = fresh
        self._drainer = threading.Thread()

    @classmethod
    def script(
        cls,
        path: Path,
        env: Mapping[str, str] | None = None,
        lane: str = "",
        fresh: bool = False,
    ) -> ServerProcess:
        """A Python script, run by the interpreter that runs the tests."""
        return cls([sys.executable, str(path)], env, lane, fresh=fresh)

    @property
    def process(self) -> subprocess.Popen[bytes] | warm.Process:
        assert self._process is not None, "the server has not been started"
        return self._process

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def url(self) -> str:
        """The base URL, without a slash at its end."""
        return f"http://{self.address[0]}:{self.address[1]}"

    @property
    def log(self) -> str:
        """All that the process has printed so far: what it wrote before it answered a request is in it."""
        with self._news:
            self._catch_up()
            return self._output.decode(errors="replace")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        ended = self.stop()
        if kind is None:
            assert ended, f"SIGTERM did not end {self.argv} within {STOP_DEADLINE} s\n{self.log}"
            assert not self.tracebacks(), self.log

    def start(self) -> None:
        """Start the process and wait until it listens."""
        self._process = self._begin()
        self._drainer = threading.Thread(target=self._drain, daemon=True)
        self._drainer.start()
        try:
            self.address = self.wait_until_it_listens()
        except AssertionError:
            self.stop()
            raise

    def _begin(self) -> subprocess.Popen[bytes] | warm.Process:
        """In a session, and so in a group, which ends with it."""
        if not self._fresh and warm.can_be_forked(self.argv, self._env):
            return warm.Process.piped(self.argv, self._env, self.cwd)
        return subprocess.Popen(
            self.argv,
            env=self._env,
            cwd=self.cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def wait_until_it_listens(self) -> Address:
        """Where it listens, as its log tells."""
        found = self.wait_for_log(STARTED, START_DEADLINE)
        return found["host"], int(found["port"])

    def _drain(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as output:
            while not self._ended:
                select.select([output], [], [])
                with self._news:
                    self._catch_up()
                    self._news.notify_all()

    def _catch_up(self) -> None:
        """Keep what the process has printed until now."""
        output = self.process.stdout
        while not self._ended and select.select([output], [], [], 0)[0]:
            data = os.read(output.fileno(), 65536)
            self._output += data
            self._ended = not data

    def wait_for_log(self, pattern: re.Pattern[str], timeout: float) -> re.Match[str]:
        """Wait until the log holds `pattern` in its complete lines."""
        deadline = time.monotonic() + timeout
        with self._news:
            while True:
                log = self.log
                found = pattern.search(log, 0, log.rfind("\n") + 1)
                if found is not None:
                    return found
                left = deadline - time.monotonic()
                if left <= 0 or self.process.poll() is not None:
                    raise AssertionError(f"no {pattern.pattern!r} in the log:\n{self.log}")
                self._news.wait(min(left, 0.2))

    def stop(self) -> bool:
        """Send SIGTERM; kill the process if it goes on. Tells whether SIGTERM was enough."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_DEADLINE)
            return True
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return False
        finally:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self._drainer.join(STOP_DEADLINE)

    def alive(self) -> bool:
        return self.process.poll() is None

    def allow_traceback(self, text: str) -> None:
        """Tracebacks whose last line holds `text` are part of a test."""
        self._allowed.append(text)

    def tracebacks(self) -> list[str]:
        """The last lines of the tracebacks in the log that no test has announced."""
        errors = [match["error"] for match in TRACEBACK.finditer(self.log)]
        return [line for line in errors if not any(text in line for text in self._allowed)]

    def get(self, target: str, **headers: str) -> Reply:
        """A plain GET of a page of the app."""
        return request(self.address, "GET", target, headers=headers)

    def get_json(self, target: str) -> Any:
        reply = self.get(target)
        assert reply.status == 200, reply
        return json.loads(reply.body)
