"""Telling systemd that the service has started, where it wants to know (`Type=notify`)."""

from __future__ import annotations

import os
import socket
from contextlib import suppress

from ...base.real import new_socket


def started() -> None:
    """To be called by the first process, when clients are served."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    where = "\0" + address[1:] if address.startswith("@") else address
    with suppress(OSError), new_socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.sendto(b"READY=1", where)
