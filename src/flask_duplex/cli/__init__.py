"""`flask socketio …`: a module for each command, and a line here that adds it.

Flask loads this for each of its commands, before the application. That may begin with the monkey patching of gevent,
which has to come before `flask_socketio` is imported: hence the place beside it, and imports within functions.
"""

import click

from .demo import demo
from .doctor import doctor
from .documents import asyncapi, typescript
from .emit import emit
from .monitor import monitor
from .routes import routes
from .run import run


@click.group()
def socketio() -> None:
    """Serve Socket.IO, emit, find out what is wrong."""


socketio.add_command(demo)
socketio.add_command(doctor)
socketio.add_command(emit)
socketio.add_command(monitor)
socketio.add_command(run)
socketio.add_command(routes)
socketio.add_command(asyncapi)
socketio.add_command(typescript)
