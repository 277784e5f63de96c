"""Compiles the core into extension modules: `python compiled.py FOLDER` leaves them there, as they lie in src/.

hatch_build.py does so for a wheel where FLASK_DUPLEX_COMPILE=1; docs/compiled.md says what for. mypyc makes them of the
same source, which stays in the wheel beside them: Python takes a module's extension where it finds one.

A module belongs here if every message goes through it and its classes are ours alone: Python's own classes cannot
inherit from compiled ones. Whom the application may inherit from, and what has a base of another library's, is not.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from mypyc.build import mypycify
from setuptools import Distribution
from setuptools.command.build_ext import build_ext

SOURCES = Path(__file__).parent / "src"
PACKAGE = "flask_socketio"
MODULES = {
    "base": ("counters", "promise"),
    "protocol": ("engineio", "message", "reasons", "rfc6455", "socketio", "states"),
    "engine": ("outbox", "session", "watched", "websocket"),
    "hub": ("call", "client", "delays", "hub", "load", "rate", "socket", "unhandled", "watched"),
    "dispatch": ("dispatcher", "inbox", "measured", "pool"),
    "handling": ("context", "flask_contexts", "runner", "watched"),
}
#: Types are taken from our own source alone, so that it does not matter what else is installed.
OPTIONS = (
    "--no-site-packages",
    "--ignore-missing-imports",
    "--follow-imports=silent",
    "--config-file=",
)


def sources() -> list[str]:
    """The modules, as paths in src/."""
    return [f"{PACKAGE}/{folder}/{name}.py" for folder, names in MODULES.items() for name in names]


def compile_to(folder: Path) -> None:
    """Raises what stops the build; mypyc prints what it does not accept, and exits."""
    os.chdir(SOURCES)  # modules are named by their paths
    options = [*OPTIONS, f"--cache-dir={folder / 'types'}"]
    extensions = mypycify(
        [*options, *sources()],
        opt_level="3",
        debug_level="0",
        target_dir=str(folder / "c"),
        group_name=PACKAGE,
    )
    build = build_ext(Distribution({"name": PACKAGE, "ext_modules": extensions}))
    build.build_lib, build.build_temp = str(folder / "lib"), str(folder / "objects")
    build.ensure_finalized()
    build.run()


if __name__ == "__main__":
    compile_to(Path(sys.argv[1]).resolve())
