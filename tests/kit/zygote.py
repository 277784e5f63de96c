"""A Python that has imported what most programs here import, and forks for each of them: see `tests.kit.warm`.

A program is run as by ``python program.py``, ``python -m module`` or ``python -c code``: with arguments, environment,
folder, descriptors and a ``__main__`` of its own, and it ends as a process of its own does. It is the child of the one
who asks, who has to be a subreaper.
"""

from __future__ import annotations

import builtins
import gc
import importlib.util
import json
import os
import socket
import sys
import time
import types
from collections.abc import Callable
from contextlib import suppress
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

#: What a server of ours has imported once it listens, and what the applications in the tests import.
MODULES = (
    "flask_socketio",
    "flask_socketio.serving.run.run",
    "flask_socketio.serving.run.serve",
    "flask_socketio.serving.run.server",
    "flask.testing",
    "logging.config",
    "markdown_it",
    "msgspec",
    "uvicorn",
    "uvicorn.lifespan.off",
    "uvicorn.lifespan.on",
    "uvicorn.logging",
    "uvicorn.main",
    "uvicorn.protocols.http.httptools_impl",
    "uvloop",
)
#: A request's length, in front of it, together with the three descriptors.
LENGTH = 4


class Request:
    """A program to run."""

    def __init__(self, told: dict[str, Any], descriptors: list[int]) -> None:
        self.arguments: list[str] = told["arguments"]
        self.flags: list[str] = told["flags"]
        self.env: dict[str, str] = told["env"]
        self.cwd: str = told["cwd"]
        self.descriptors = descriptors


def serve(channel: socket.socket) -> Request:
    """Returns in each process that has been forked."""
    del sys.path[0]  # what follows is PYTHONPATH
    for name in MODULES:
        with suppress(ImportError):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()  # a collection in a child has not to go through all that
    while True:
        request = _receive(channel)
        pid = _fork()
        if not pid:
            channel.close()
            return request
        for descriptor in request.descriptors:
            os.close(descriptor)
        channel.sendall(pid.to_bytes(LENGTH, "big"))


def _receive(channel: socket.socket) -> Request:
    head, descriptors, _, _ = socket.recv_fds(channel, LENGTH, 3)
    if not head:
        os._exit(0)  # nobody is there any more
    length = int.from_bytes(head, "big")
    body = bytearray()
    while len(body) < length:
        body += channel.recv(length - len(body))
    return Request(json.loads(body), descriptors)


def _fork() -> int:
    """A child that is nobody's, so that it falls to the nearest subreaper; zero in the child itself."""
    reading, writing = os.pipe()
    between = os.fork()
    if not between:
        between = os.getpid()
        pid = os.fork()
        if pid:
            os.write(writing, pid.to_bytes(LENGTH, "big"))
            os._exit(0)
        os.close(reading)
        os.close(writing)
        while os.getppid() == between:
            time.sleep(0.0005)
        return 0
    os.close(writing)
    os.waitpid(between, 0)
    pid = int.from_bytes(os.read(reading, LENGTH), "big")
    os.close(reading)
    return pid


def become(request: Request) -> Callable[[], None]:
    """Make this process the program's; returns what runs it."""
    os.setsid()
    for number, descriptor in enumerate(request.descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.environ.clear()
    os.environ.update(request.env)
    sys.dont_write_bytecode = bool(request.env.get("PYTHONDONTWRITEBYTECODE"))
    os.chdir(request.cwd)
    sys.orig_argv[:] = [sys.executable, *request.flags, *request.arguments]
    return _program(request.arguments)


def _program(arguments: list[str]) -> Callable[[], None]:
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    vars(module).update(__builtins__=builtins, __spec__=None, __annotations__={})
    if arguments[0] == "-c":
        sys.argv[:] = ["-c", *arguments[2:]]
        sys.path.insert(0, "")
        code = compile(arguments[1], "<string>", "exec", dont_inherit=True)
    elif arguments[0] == "-m":
        sys.path.insert(0, str(Path.cwd()))
        spec = _find(arguments[1])
        path = str(spec.origin)
        sys.argv[:] = [path, *arguments[2:]]
        vars(module).update(__spec__=spec, __file__=path, __package__=spec.parent)
        vars(module).update(__loader__=spec.loader)
        code = spec.loader.get_code(spec.name)  # type: ignore[union-attr]
    else:
        path = arguments[0]
        sys.argv[:] = arguments
        sys.path.insert(0, str(Path(path).resolve().parent))
        module.__file__ = path
        code = compile(Path(path).read_bytes(), path, "exec", dont_inherit=True)
    return lambda: exec(code, vars(module))  # noqa: S102


def _find(name: str) -> ModuleSpec:
    spec = importlib.util.find_spec(name)
    if spec is not None and spec.submodule_search_locations is not None:
        spec = importlib.util.find_spec(f"{name}.__main__")
    assert spec is not None, f"No module named {name}"
    return spec


def end_as(program: Callable[[], None]) -> None:
    """What it raises is told as the interpreter does, without the frames of this file."""
    try:
        program()
    except Exception as error:  # noqa: BLE001 - told below
        trace = error.__traceback__
        while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
            trace = trace.tb_next
        sys.excepthook(type(error), error.with_traceback(trace), trace)
        sys.exit(1)
