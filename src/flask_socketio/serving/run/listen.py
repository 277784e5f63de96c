"""The address: what is listened on, which URL to open, and what to do when it cannot be had."""

from __future__ import annotations

import errno
import os
import socket
import sys

from werkzeug.serving import get_interface_ip

BACKLOG = 2048
#: The hosts that mean every address of the machine, and its own address to show beside the loopback one.
_EVERY = {"0.0.0.0": ("127.0.0.1", socket.AF_INET), "::": ("[::1]", socket.AF_INET6)}


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Where it cannot be had, the program ends with a sentence on why."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        sys.exit(_explain(host, port, error))


def _explain(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} is in use by another program (perhaps this one, started before). "
            f"Stop that program, or choose another port: {_with_port(port % 65535 + 1)}."
        )
    if error.errno == errno.EACCES:
        return f"Port {port} needs administrator's rights. Choose one from 1024 on: {_with_port(5000)}."
    return (
        f"{host!r} is no address of this machine ({error.strerror or error}). "
        "Use host='127.0.0.1' for this machine alone, or host='0.0.0.0' for everybody who can reach it."
    )


def _with_port(port: int) -> str:
    """As whoever has started it writes that. The environment variable is set by Flask's command line."""
    is_command = os.environ.get("FLASK_RUN_FROM_CLI") == "true"
    return f"--port {port}" if is_command else f"socketio.run(app, port={port})"


def announcement(host: str, listener: socket.socket, scheme: str = "http") -> str:
    """The start-up lines: which addresses to open."""
    port = listener.getsockname()[1]
    lines = [f" * Running on {scheme}://{name}:{port}/" for name in _names(host)]
    if host in _EVERY:
        lines.insert(0, f" * Running on all addresses ({host})")
    return "\n".join(lines) + " (Press CTRL+C to quit)"


def _names(host: str) -> list[str]:
    if host not in _EVERY:
        return [f"[{host}]" if ":" in host else host]
    loopback, family = _EVERY[host]
    own = get_interface_ip(family)
    own = f"[{own}]" if ":" in own else own
    return [loopback] if own == loopback else [loopback, own]
