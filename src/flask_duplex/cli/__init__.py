"""`flask socketio …`: a module for each command, and a line here that adds it.

Flask loads this for each of its commands, before the application. That may begin with the monkey patching of gevent,
which has to come before `flask_socketio` is imported: hence the place beside it, and imports within functions.
"""

import click

from .demo import demo
from .emit import emit
from .run import run


@click.group()
def socketio() -> None:
    """Serve Socket.IO, emit, find out what is wrong."""


socketio.add_command(demo)
socketio.add_command(emit)
socketio.add_command(run)
