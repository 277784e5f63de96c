# ruff: noqa: E402 - patching comes first
"""What threads wait for, in a process of each kind: `python -m tests.unit.worlds KIND CASE` prints what happened."""

from __future__ import annotations

import sys
import warnings

kind, case = sys.argv[1:]
if kind == "gevent":
    from gevent import monkey

    monkey.patch_all()
elif kind == "eventlet":
    warnings.simplefilter("ignore")
    import eventlet

    eventlet.monkey_patch()

import logging
import resource
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Flask

from flask_socketio import SocketIO
from flask_socketio.base import green, real
from flask_socketio.base.promise import Promise
from flask_socketio.cluster.backlog import Backlog, Bounds

#: Seconds after which something waits for ever.
PATIENCE = 10.0


def beside(function: Callable[[], object]) -> None:
    """A thread of the app's kind."""
    threading.Thread(target=function, daemon=True).start()


def waiting_lets_others_run() -> None:
    promise = Promise[str]()
    turns: list[int] = []

    def count() -> None:
        while not promise.done:
            turns.append(1)
            time.sleep(0.001)

    def keep() -> None:
        while len(turns) < 20:
            sleep_really(0.001)
        promise.keep("kept")

    beside(count)
    real.start_thread(keep, "keeper")
    assert promise.wait(PATIENCE)
    print(promise.result())


def sleep_really(seconds: float) -> None:
    """On a real thread, where `time.sleep` may be a green one's."""
    real.new_signal().acquire(timeout=seconds)


def taken(backlog: Backlog[int], count: int) -> list[int]:
    """So many items, as they come."""
    items: list[int] = []
    while len(items) < count and backlog.wait():
        items += [waiting.item for waiting in backlog.take(50, 1000)]
    return items


def everybody_is_woken() -> None:
    promise = Promise[int]()
    results = Backlog[int](Bounds(), print)
    for _ in range(5):
        beside(lambda: results.put(promise.result(), 0))
        real.start_thread(lambda: results.put(promise.result(), 0), "waits")
    time.sleep(0.05)
    real.start_thread(lambda: promise.keep(7), "keeper")
    print(sum(taken(results, 10)))


def the_first_counts() -> None:
    promise = Promise[str]()
    promise.fail(ValueError("no"))
    promise.keep("too late")
    assert promise.wait(0)
    try:
        promise.result()
    except ValueError as error:
        print(error)


def a_wait_ends_in_time() -> None:
    promise = Promise[None]()
    begun = time.monotonic()
    assert not promise.wait(0.1)
    assert time.monotonic() - begun >= 0.09
    beside(lambda: promise.keep(None))
    print(promise.wait(PATIENCE))


def a_backlog_keeps_order() -> None:
    backlog = Backlog[int](Bounds(), print)

    def put() -> None:
        for number in range(1000):
            backlog.put(number, 0)

    real.start_thread(put, "writer")
    print(taken(backlog, 1000) == list(range(1000)))


def records_come_from_the_apps_thread() -> None:
    idents: set[int] = set()
    ident = real.ident_function()

    class Collect(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            idents.add(ident())
            seen.keep(None)

    seen = Promise[None]()
    logger = logging.getLogger("flask_socketio.engine")
    logger.addHandler(Collect())
    real.start_thread(lambda: logger.warning("from the loop's thread"), "loop")
    assert seen.wait(PATIENCE)
    print((ident() in idents) is (kind != "plain"))


def a_loop_that_cannot_start() -> None:
    """What keeps it from starting comes out of the request, and the next one tries again."""
    client = SocketIO(app := Flask(__name__)) and app.test_client()
    target = "/socket.io/?EIO=4&transport=polling"
    real.new_event_loop().close()  # everything is imported
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    with Path("/dev/null").open() as free:
        resource.setrlimit(resource.RLIMIT_NOFILE, (free.fileno(), before[1]))
    try:
        client.get(target)
    except OSError as error:
        print(error.strerror)
    resource.setrlimit(resource.RLIMIT_NOFILE, before)
    print(client.get(target).status_code)


green.attach()
cases: dict[str, Any] = dict(globals())
cases[case]()
