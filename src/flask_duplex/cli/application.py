"""The SocketIO of the application that Flask's command line has found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from flask import Flask

if TYPE_CHECKING:
    from flask_socketio import SocketIO


def socketio_of(app: Flask) -> SocketIO:
    """What `app` was given to. Raises ClickException where there is none."""
    from flask_socketio import SocketIO

    socketio = app.extensions.get("socketio")
    if not isinstance(socketio, SocketIO):
        raise click.ClickException(
            f"the application {app.name!r} has no SocketIO: SocketIO(app), "
            "or socketio.init_app(app) where a function makes it"
        )
    return socketio
