"""Counts calls and bytecodes by function, on the thread that calls `begin` and on those that start after it.

A call is a frame entered: a generator or coroutine that goes on is one more. C code has neither frames nor bytecodes.
"""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any

#: Calls and bytecodes; a part of several may be no whole number.
Counts = tuple[float, float]
Trace = Callable[[FrameType, str, Any], Any]

OWN = "flask_socketio"
#: Threads that wake by time, whatever is asked for meanwhile.
BY_TIME = {"flask-duplex-watch"}


class Function:
    """One function on one thread. Its `trace` sees all that happens in its frames."""

    __slots__ = ("bytecodes", "calls", "code", "name", "trace")

    def __init__(self, frame: FrameType) -> None:
        self.code: CodeType = frame.f_code  # kept, so that nothing else gets its address
        self.name = name_of(frame)
        self.calls = self.bytecodes = 0

        def trace(frame: FrameType, event: str, argument: object) -> Trace:
            if event == "opcode":
                self.bytecodes += 1
            return trace

        self.trace: Trace = trace


class Tally:
    """Every thread counts on its own, so none waits for another."""

    def __init__(self, uncounted: set[str]) -> None:
        #: files whose functions are the tool's own
        self._uncounted = uncounted
        self._threads: list[dict[int, Function]] = []

    def begin(self) -> None:
        threading.settrace(self._begin_thread)
        sys.settrace(self._begin_thread)

    def _begin_thread(self, frame: FrameType, event: str, argument: object) -> Trace | None:
        if threading.current_thread().name in BY_TIME:
            sys.settrace(None)
            return None
        functions: dict[int, Function] = {}
        self._threads.append(functions)

        def enter(frame: FrameType, event: str, argument: object) -> Trace | None:
            code = frame.f_code
            function = functions.get(id(code))
            if function is None:
                if code.co_filename in self._uncounted:
                    return None
                function = functions[id(code)] = Function(frame)
            frame.f_trace_lines = False
            frame.f_trace_opcodes = True
            function.calls += 1
            return function.trace

        sys.settrace(enter)
        return enter(frame, event, argument)

    def total(self) -> int:
        """A number that stands still only where nothing runs."""
        return sum(
            function.calls + function.bytecodes
            for functions in list(self._threads)
            for function in list(functions.values())
        )

    def take(self) -> dict[str, Counts]:
        """What has been counted since the last time, by name; to be called where nothing runs."""
        calls: Counter[str] = Counter()
        bytecodes: Counter[str] = Counter()
        for functions in self._threads:
            for function in functions.values():
                calls[function.name] += function.calls
                bytecodes[function.name] += function.bytecodes
                function.calls = function.bytecodes = 0
        return {name: (calls[name], bytecodes[name]) for name in +bytecodes}


def name_of(frame: FrameType) -> str:
    """`hub.client:Client.receive` for our own functions, for others the package that they are from."""
    # Not by its file: what dataclasses generate has none.
    package, _, module = str(frame.f_globals.get("__name__", "?")).partition(".")
    if package == OWN:
        return f"{module or '__init__'}:{frame.f_code.co_qualname}"
    return package
