"""The same bytes to our server, to uvicorn with its own HTTP (httptools, h11), and to gunicorn.

Oracle: what our server serves, the others serve with the same status and body. What only one of them refuses, and what
else is not the same, `differences.py` names, with the reason.
"""

from __future__ import annotations

import re
import selectors
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from hypothesis import HealthCheck, given, settings

from tests.kit.server import ServerProcess

from .differences import EXCUSED
from .requests import Case, cases, one_by_one

HERE = Path(__file__).parent
BIN = Path(sys.executable).parent
#: Seconds after which a server that has said nothing more waits for more.
_QUIET, _PATIENT = 0.4, 3.0
OURS, WAITS = "ours", "waits"

_UVICORN = [
    str(BIN / "uvicorn"),
    "--port",
    "0",
    "--no-server-header",
    "--log-level",
    "info",
    "--http",
]
SERVERS = {
    OURS: [sys.executable, "-m", "fuzz.echo_app"],
    "httptools": [*_UVICORN, "httptools", "fuzz.echo_app:asgi"],
    "h11": [*_UVICORN, "h11", "fuzz.echo_app:asgi"],
    "gunicorn": [str(BIN / "gunicorn"), "--bind", "127.0.0.1:0", "--threads", "4", "fuzz.echo_app:plain"],
}  # fmt: skip

Addresses = dict[str, tuple[str, int]]


@dataclass(frozen=True)
class Outcome:
    """What a server made of a connection's bytes."""

    #: the application's answers: status and body
    served: tuple[tuple[int, bytes], ...]
    #: how it ended: with the server's own answer of that status, "closed", or "waits"
    end: str

    @property
    def refused(self) -> bool:
        return self.end[:1] in "45"


Found = tuple[Case, dict[str, Outcome]]


# -- asking ----------------------------------------------------------------------------------------


def ask(addresses: Addresses, data: bytes, patience: float) -> dict[str, Outcome]:
    """What each server makes of it."""
    selector = selectors.DefaultSelector()
    written = {name: bytearray() for name in addresses}
    ends = dict.fromkeys(addresses, WAITS)
    for name, address in addresses.items():
        sock = socket.create_connection(address)
        sock.sendall(data)
        selector.register(sock, selectors.EVENT_READ, name)
    quiet = time.monotonic() + patience
    while selector.get_map() and (left := quiet - time.monotonic()) > 0:
        for key, _ in selector.select(left):
            assert isinstance(key.fileobj, socket.socket)
            try:
                data = key.fileobj.recv(65536)
            except ConnectionResetError:
                data = b""
            written[key.data] += data
            quiet = time.monotonic() + patience
            if not data:
                ends[key.data] = "closed"
                selector.unregister(key.fileobj)
                key.fileobj.close()
    for key in list(selector.get_map().values()):
        key.fileobj.close()  # type: ignore[union-attr]
    selector.close()
    return {name: outcome(bytes(written[name]), ends[name]) for name in addresses}


def outcome(written: bytes, end: str) -> Outcome:
    served: list[tuple[int, bytes]] = []
    for status, head, body in answers(written):
        if b"\r\nx-method:" not in head:
            return Outcome(tuple(served), str(status))
        served.append((status, body))
    return Outcome(tuple(served), end)


def answers(written: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Status, head in lower case and body of each; those that are not final are left out. Raises AssertionError."""
    while written:
        head, found, written = written.partition(b"\r\n\r\n")
        assert found, head
        head = head.lower()
        match = re.match(rb"http/1\.\d (\d\d\d) ", head)
        assert match, head
        status = int(match[1])
        if status < 200:
            continue
        size = re.search(rb"\r\ncontent-length: (\d+)", head)
        if not written or written.startswith(b"HTTP/1."):
            size = None  # there is none: of HEAD, and h11 has none for CONNECT
        length = int(size[1]) if size else 0
        assert len(written) >= length, (head, written)
        yield status, head, written[:length]
        written = written[length:]


# -- judging ---------------------------------------------------------------------------------------


def finding(addresses: Addresses, case: Case) -> dict[str, Outcome] | None:
    """What the servers make of it, if ours does something that nobody has given a reason for."""
    for patience in (_QUIET, _PATIENT):  # a busy machine is no difference
        outcomes = ask(addresses, case.data, patience)
        if not differences(case, outcomes):
            return None
    return outcomes


def differences(case: Case, outcomes: dict[str, Outcome]) -> list[str]:
    """What ours does otherwise than the others, and nobody has said why."""
    ours = outcomes[OURS]
    found: list[str] = []
    for peer, theirs in outcomes.items():
        kind = difference(ours, theirs)
        if kind is not None and not any((kind, peer, tag) in EXCUSED for tag in case.tags):
            found.append(f"{kind} than {peer}")
    return found


def difference(ours: Outcome, theirs: Outcome) -> str | None:
    """Ours is "stricter", "laxer", or it is "other"; None if they agree."""
    if ours == theirs:
        return None
    if ours.refused and theirs.refused and have_same_begin(ours.served, theirs.served):
        return None
    if have_same_begin(ours.served, theirs.served):
        if ours.refused and len(ours.served) <= len(theirs.served):
            return "stricter"
        if theirs.refused and len(theirs.served) <= len(ours.served):
            return "laxer"
    return "other"


def have_same_begin(one: Sequence[object], other: Sequence[object]) -> bool:
    """Whether one has all of the other's, or the other way round. A refusal may come before answers under way."""
    return all(mine == yours for mine, yours in zip(one, other, strict=False))


# -- running ---------------------------------------------------------------------------------------


def main(seconds: float) -> int:
    """The status to exit with."""
    with ExitStack() as stack:
        servers = {name: stack.enter_context(ServerProcess(argv)) for name, argv in SERVERS.items()}
        for name, server in servers.items():
            server.get("/")  # gunicorn listens before it serves
            if name != OURS:
                server.allow_traceback("")
        addresses = {name: server.address for name, server in servers.items()}
        found = [
            (case, outcomes) for case in one_by_one() if (outcomes := finding(addresses, case))
        ]
        found = found or at_random(addresses, time.monotonic() + seconds)
    for case, outcomes in found:
        report(case, outcomes)
    return 1 if found else 0


def report(case: Case, outcomes: dict[str, Outcome]) -> None:
    print(sorted(case.tags), case.data, differences(case, outcomes))
    for name, found in outcomes.items():
        print(f"    {name:10} {found.end:6}", *found.served)


def at_random(addresses: Addresses, until: float) -> list[Found]:
    """The shortest case of what was found, if something was."""
    count = 0
    last: list[Found] = []

    @settings(
        max_examples=500,
        deadline=None,
        database=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(cases)
    def look(case: Case) -> None:
        nonlocal count
        count += 1
        if outcomes := finding(addresses, case):
            last[:] = [(case, outcomes)]
            raise AssertionError

    with suppress(AssertionError):
        while time.monotonic() < until:
            look()
    print(f"answers: {count} connections")
    return last


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1])))
