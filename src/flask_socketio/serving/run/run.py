"""`socketio.run(app)`: uvicorn, a start-up line that says which address to open, and a clean end."""

from __future__ import annotations

import gc
import logging
import socket
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, cast

from flask import Flask
from flask.cli import show_server_banner
from werkzeug.serving import is_running_from_reloader

from ...app.keywords import File, RunOptions, Tls
from ...app.legacy import RUN, say_what_to_delete, warn_of_monkey_patching
from ...base.promise import Promise
from ...relay.found import find_folder
from ...runtime.life import Life
from ..asgi import DuplexApp
from .hints import hint_at_missing_templates
from .imported import importing_server
from .listen import announcement, listen
from .reloader import Reloader, can_reload, inherited_listener
from .serve import serve
from .server import GRACE, Server, make_server
from .supervisor import Supervisor, how_many
from .tls import make_context
from .worker import this_worker

logger = logging.getLogger("flask_socketio.server")

_IMPORTED = (
    "socketio.run() was called while %s imports the application, and does nothing: that server serves it. "
    "Put the call under: if __name__ == '__main__':"
)
_LAST_PORT = 65535

#: Seconds after which a thread that computes lets another run. With Python's default of 0.005 the loop waits 1-2 s for
#: its turns while a handler burns CPU and others come and go, with this one some 20 ms.
_SWITCH_INTERVAL = 0.0005
#: Python's thresholds of the garbage collector, and ours: it went through everything that belongs to the clients again
#: and again: that was a quarter of the time that connecting took.
_GC_THRESHOLDS = (20_000, 20, 50)


def run_app(
    life: Life,
    app: Flask,
    host: str | None = None,
    port: int | str | None = None,
    *,
    debug: bool | None = None,
    use_reloader: bool | None = None,
    reloader_options: dict[str, Any] | None = None,
    extra_files: Iterable[str] | None = None,
    workers: int | str | None = None,
    log_output: bool | None = None,
    certfile: File | None = None,
    keyfile: File | None = None,
    ssl_context: Tls = None,
    **unknown: object,
) -> None:
    """Serve until stopped. Port 0 takes a free one; the start-up line names it. Raises ValueError for what is no port.

    In debug mode (`debug`, or the app's own) pages that fail show Werkzeug's debugger, requests are logged
    (`log_output`) and a changed file starts the server anew (`use_reloader`), in one process.

    Changes two settings of the process: `sys.setswitchinterval` to 0.5 ms unless it is shorter already, and
    `gc.set_threshold` unless it is higher already.

    Where another server imports the module that calls it, it says so and returns: that one serves the application.
    """
    if server := importing_server():
        logger.warning(_IMPORTED, server)
        return
    say_what_to_delete("run()", unknown, RUN, RunOptions.__annotations__)
    warn_of_monkey_patching()
    if debug is not None:
        app.debug = debug
    _tune_the_interpreter()
    tls = make_context(certfile, keyfile, ssl_context)
    access_log = app.debug if log_output is None else log_output
    if access_log:
        _show_requests()
    hint_at_missing_templates(app)
    host = host or "127.0.0.1"
    worker = this_worker()
    listener = worker.socket() if worker else inherited_listener() or listen(host, _port(app, port))
    if worker is None:
        show_server_banner(app.debug, app.name)
    wanted = app.debug if use_reloader is None else use_reloader
    reloader = Reloader(extra_files, reloader_options or {}) if wanted and can_reload() else None
    if reloader is not None and not is_running_from_reloader():
        life.background.not_serving()
        reloader.watch(listener)
        return
    lines = announcement(host, listener, "http" if tls is None else "https")
    count = how_many(workers)
    if worker is None and count > 1 and reloader is None:
        _supervise(life, listener, count, lines)
        return
    if worker is not None:
        life.folder = worker.folder
    elif life.options.workers_dir is not None:
        life.folder = find_folder(life.options.workers_dir)
    server = make_server(DuplexApp(life, app), lines, access_log=access_log, tls=tls, worker=worker)
    _serve(life, server, listener, reloader)


def _supervise(life: Life, listener: socket.socket, count: int, lines: str) -> None:
    """Have other processes serve. Ends the program, with a status, where they cannot be started."""
    life.background.not_serving()
    limits = life.options.engine.limits
    supervisor = Supervisor(listener, count, limits.drain_time + limits.shutdown_timeout)
    status = supervisor.run(f" * {count} workers\n{lines}")
    if status:
        sys.exit(status)


def _tune_the_interpreter() -> None:
    sys.setswitchinterval(min(sys.getswitchinterval(), _SWITCH_INTERVAL))
    if 0 < gc.get_threshold()[0] < _GC_THRESHOLDS[0]:
        gc.set_threshold(*_GC_THRESHOLDS)
        gc.freeze()  # what has been loaded stays anyway


def _serve(life: Life, server: Server, listener: socket.socket, reloader: Reloader | None) -> None:
    """Run the server until it is stopped; `socketio.stop()` finds it meanwhile."""
    life.server = server
    try:
        if reloader is None:
            serve(server, listener)
        else:
            _serve_on_thread(server, listener, reloader)
    finally:
        life.server = None


def _serve_on_thread(server: Server, listener: socket.socket, reloader: Reloader) -> None:
    begun = Promise[None]()
    ended = Promise[None]()

    def run() -> None:
        begun.keep(None)
        try:
            serve(server, listener)
        finally:
            ended.keep(None)

    try:
        reloader.run(run)
    finally:
        server.should_exit = True
        if begun.done:
            ended.wait(2 * GRACE)


def _port(app: Flask, given: Any) -> int:
    """The port that was given, as a number or, from the environment, as a string; else that of SERVER_NAME, or 5000."""
    if given is None:
        name: str = cast("dict[str, Any]", app.config).get("SERVER_NAME") or ""
        _, _, given = name.rpartition(":")
        given = given if given.isdigit() else 5000
    number = -1.0
    with suppress(TypeError, ValueError, OverflowError):
        number = float(given)
    if isinstance(given, bool) or not 0 <= number <= _LAST_PORT or not number.is_integer():
        raise ValueError(f"port={given!r}: a number from 0 to {_LAST_PORT} is needed")
    return int(number)


def _show_requests() -> None:
    access = logging.getLogger("uvicorn.access")
    access.setLevel(logging.INFO)
    if not access.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(message)s"))
        access.addHandler(handler)
