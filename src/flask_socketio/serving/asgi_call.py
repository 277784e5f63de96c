"""The Flask application called as an ASGI application: `uvicorn module:app` in place of `module:asgi`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, cast

from flask import Flask

Asgi = Callable[[dict[str, Any], Any, Any], Any]


def answer_asgi_calls(app: Flask, make: Callable[[], Asgi]) -> None:
    """Have calls with an ASGI server's arguments answered by what `make` returns; it is called once, when needed.

    Python looks for `__call__` in the class alone, so the application gets one of its own, derived from that it had.
    """
    kind = type(app)
    made: list[Asgi] = []

    def asgi() -> Asgi:
        if not made:
            made.append(make())
        return made[0]

    def call(self: Any, *args: Any) -> Any:
        if len(args) == 3:
            return asgi()(*args)
        if len(args) == 1:  # ASGI 2, which is what servers take it for
            return partial(asgi(), *args)
        return kind.__call__(self, *args)

    names = {"__call__": call, "__module__": kind.__module__, "__qualname__": kind.__qualname__}
    cast(Any, app).__class__ = type(kind.__name__, (kind,), names)
