"""The keyword arguments of `SocketIO(...)`, read and checked by the table of them."""

from __future__ import annotations

import logging
from typing import Any

from .keywords import Option, SocketIOOptions, rows
from .legacy import ASYNC_MODES, CONSTRUCTOR, say_what_to_delete
from .options import Options
from .values import as_meant, interval_and_grace

_OPTIONS = rows(SocketIOOptions, Option)


def parse_options(given: dict[str, Any]) -> Options:
    """Read the keyword arguments; raises ValueError for a value that makes no sense and warns of names unknown."""
    left = dict(given)
    options = Options()
    _choose_path(left)
    if "ping_interval" in left:
        interval, options.engine.ping_grace = interval_and_grace(left["ping_interval"])
        left["ping_interval"] = interval
    for name, option in _OPTIONS.items():
        if name in left:
            _keep(options, name, option, left.pop(name))
    _set_up_logger("flask_socketio.server", options.logger)
    _set_up_logger("flask_socketio.engine", options.engineio_logger)
    if (mode := left.get("async_mode")) not in ASYNC_MODES:
        raise ValueError(
            f"Invalid async_mode specified: {mode!r}; leave it out, there are no modes"
        )
    say_what_to_delete("SocketIO()", left, CONSTRUCTOR, _OPTIONS)
    return options


def _choose_path(left: dict[str, Any]) -> None:
    """`resource` is the path's other name. Where both are given it is ignored, like a name unknown."""
    if not left.get("path"):
        left.pop("path", None)
        if "resource" in left:
            left["path"] = left.pop("resource")


def _keep(options: Options, name: str, option: Option, value: Any) -> None:
    target = option.target(options)
    field = option.field or name
    read = option.read
    kept = as_meant(name, value, getattr(target, field)) if read is None else read(value)
    setattr(target, field, kept)


def _set_up_logger(name: str, given: logging.Logger | bool) -> None:
    """True: what happens is shown on stderr. A logger: its handlers and level are used. False: warnings alone."""
    ours = logging.getLogger(name)
    if isinstance(given, logging.Logger):
        ours.handlers[:] = given.handlers
        ours.setLevel(given.getEffectiveLevel())
    elif given:
        ours.setLevel(logging.INFO)
        if not ours.handlers:
            handler = logging.StreamHandler()
            handler.setFormatter(logging.Formatter("%(message)s"))
            ours.addHandler(handler)
