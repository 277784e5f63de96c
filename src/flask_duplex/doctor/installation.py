"""The installation: what is there, what is missing, what is too many."""

from __future__ import annotations

import importlib.util
import platform
import re
import sys
import time
from importlib import metadata
from pathlib import Path

from .finding import Findings, broken, note, ok, warning

_OURS, _ORIGINAL = "flask-duplex", "flask-socketio"
#: What Flask-SocketIO needs, or has one choose from.
_NOT_NEEDED = (
    "python-socketio", "python-engineio", "simple-websocket", "gevent-websocket", "eventlet", "gevent",
)  # fmt: skip
_REQUIREMENT = re.compile(r"([\w.-]+)\s*(?:>=\s*([\d.]+))?[^;]*(?:;\s*(.*))?")
_FEW_DESCRIPTORS = 4096


def examine_installation() -> Findings:
    """In the order in which people would have to mend it."""
    yield from _distributions()
    yield from _package()
    yield from _requirements()
    yield from _not_needed()
    yield from _descriptors()
    yield from _clock()


def version_of(distribution: str) -> str | None:
    """None where it is not installed."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def is_compiled() -> bool:
    """Whether the core is one of extension modules: they share one, which only lies there with them."""
    return importlib.util.find_spec("flask_socketio__mypyc") is not None


def _distributions() -> Findings:
    name = "both-installed"
    original = version_of(_ORIGINAL)
    if original is None:
        core = ", its core compiled" if is_compiled() else ""
        yield ok(name, f"Python {platform.python_version()}, {_OURS} {version_of(_OURS)}{core}")
    else:
        yield broken(
            name,
            f"Flask-SocketIO {original} is installed beside {_OURS} {version_of(_OURS)}: both are imported as "
            "flask_socketio, and each has overwritten files of the other",
            "pip uninstall flask-socketio\npip install --force-reinstall flask-duplex",
        )


def _package() -> Findings:
    """Whether `import flask_socketio` is ours, and complete."""
    spec = importlib.util.find_spec("flask_socketio")
    origin = Path(spec.origin or "") if spec is not None else Path()
    if origin.name != "__init__.py":
        yield broken(
            "shadowed",
            f"import flask_socketio does not find the package, but {origin}",
            "rename that file" if spec else "pip install --force-reinstall flask-duplex",
        )
    elif not (origin.parent / "static/CLIENT.json").is_file():
        yield broken(
            "no-client",
            f"{origin.parent}: the browser's client is not in it, so socket.io.min.js answers 404",
            "pip install --force-reinstall flask-duplex; in a checkout: pip install -e .",
        )


def _requirements() -> Findings:
    shown: list[str] = []
    for requirement in metadata.requires(_OURS) or ():
        found = _REQUIREMENT.match(requirement)
        if found is None or "extra ==" in (found[3] or ""):
            continue
        name, least = found[1], found[2] or "0"
        version = version_of(name)
        if version is not None and _numbers(version) >= _numbers(least):
            shown.append(f"{name} {version}")
        elif version is None and found[3]:  # not for every machine
            yield note("requirement", f"{name} is not installed; asyncio's own loop is used")
        else:
            seen = "is missing" if version is None else f"{version} is too old"
            yield broken("requirement", f"{name} {seen}", f"pip install '{name}>={least}'")
    yield ok("versions", ", ".join(shown))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])


def _not_needed() -> Findings:
    found = [name for name in _NOT_NEEDED if version_of(name) is not None]
    if found:
        yield note(
            "not-needed",
            f"{', '.join(found)}: installed, and the server needs none of them",
            f"unless the application imports it: pip uninstall {' '.join(found)}",
        )


def _descriptors() -> Findings:
    """Each client is one; where there are none left, newcomers are refused."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= soft < _FEW_DESCRIPTORS:
        yield note(
            "descriptors",
            f"a process may have {soft} file descriptors open here, and each client is one",
            f"ulimit -n {hard if hard > soft else 65536}; in a systemd unit: LimitNOFILE=65536",
        )
    else:
        yield ok("descriptors", f"{'any number of' if soft < 0 else soft} file descriptors")


def _clock() -> Findings:
    """One that is before the installation is wrong."""
    spec = importlib.util.find_spec("flask_duplex")
    if spec is not None and spec.origin and Path(spec.origin).stat().st_mtime > time.time() + 60:
        yield warning(
            "clock",
            f"the clock says {time.strftime('%Y-%m-%d %H:%M')}, which is before this was installed: sessions, "
            "tokens and certificates expire at the wrong time",
            "timedatectl set-ntp true",
        )
