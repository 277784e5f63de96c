"""`python -m flask_socketio …`: the commands of `flask socketio`, without the word."""

from __future__ import annotations

import click
from flask.cli import FlaskGroup

from . import socketio


class _Program(FlaskGroup):
    """With Flask's options, --app among them; its commands are ours alone."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return socketio.list_commands(ctx)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        return socketio.get_command(ctx, name)


def main() -> None:
    """Run the command that was typed, and end the process."""
    program = _Program(
        add_default_commands=False, add_version_option=False, help=socketio.help, name="socketio"
    )
    program.main(prog_name="python -m flask_socketio")
