"""Where a server runs: on the thread that calls or, where the app's threads are green ones, beside them."""

from __future__ import annotations

import signal
import socket
from collections.abc import Generator
from contextlib import contextmanager

from ...base.green import Hub, attach
from ...base.loop_thread import run_loop
from ...base.promise import Promise
from ...base.real import on_main_thread, socket_from
from .server import GRACE, Server

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
#: Seconds after which green threads' hub wakes, though nobody has woken it.
_LOOK = 0.2


def serve(server: Server, listener: socket.socket) -> None:
    """Run the server until it is stopped; where the app's threads are green ones, beside them."""
    hub = attach()
    if hub is None:
        server.run(sockets=[listener])
    else:
        _serve_beside(hub, server, socket_from(listener.detach()))


def _serve_beside(hub: Hub, server: Server, listener: socket.socket) -> None:
    with _signals_for(server):
        try:
            _wait_for(server, run_loop(lambda: server.serve(sockets=[listener])))
        finally:
            hub.run_posted()


def _wait_for(server: Server, ended: Promise[None]) -> None:
    try:
        while not ended.wait(_LOOK):
            pass  # a signal that came as the hub went to sleep has its handler called now
    except BaseException:  # the green thread is killed
        server.should_exit = True
        ended.wait(2 * GRACE)
        raise
    ended.result()


@contextmanager
def _signals_for(server: Server) -> Generator[None]:
    """uvicorn takes signals only on the thread where it runs."""
    if not on_main_thread():
        yield
        return
    before = {number: signal.signal(number, server.handle_exit) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
