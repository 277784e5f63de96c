"""`flask socketio emit`: what a script would do with the message queue, as a line in a terminal."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from flask.cli import ScriptInfo, pass_script_info

from .application import socketio_of

if TYPE_CHECKING:
    from flask_socketio import SocketIO

_NO_QUEUE = (
    "the application {0!r} has no message queue, and nothing else leads from this process to the servers: "
    "SocketIO(app, message_queue='redis://...') in the application, or --message-queue URL here"
)


class _Argument(click.ParamType[Any]):
    """One argument of the event: JSON, or @FILE for the bytes of a file."""

    name = "argument"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> object:
        if value.startswith("@"):
            try:
                return Path(value[1:]).read_bytes()
            except OSError as error:
                self.fail(f"{value}: {error.strerror}", param, ctx)
        try:
            return json.loads(value)
        except ValueError as error:
            text = json.dumps(value, ensure_ascii=False)
            self.fail(f"{value!r} is no JSON ({error}); a text is written '{text}'", param, ctx)


@click.command(short_help="Send an event through the message queue.")
@click.argument("event")
@click.argument("arguments", nargs=-1, type=_Argument(), metavar="[JSON|@FILE]...")
@click.option(
    "--to", multiple=True, help="A room, or the sid of a client; may be repeated. [default: all]"
)
@click.option("--namespace", "-n", default="/", show_default=True, help="The namespace.")
@click.option(
    "--message-queue",
    metavar="URL",
    help="The message queue; no application is needed then. [default: the application's]",
)
@click.option("--channel", help="The channel on it. [default: the application's]")
@pass_script_info
def emit(
    info: ScriptInfo,
    event: str,
    arguments: tuple[Any, ...],
    to: tuple[str, ...],
    namespace: str,
    message_queue: str | None,
    channel: str | None,
) -> None:
    """Emit an event to clients, through the message queue.

    An argument is JSON ('"hello"', 7, '{"a": 1}'), or @FILE: the bytes of a file.
    """
    socketio = _emitter(info, message_queue, channel)
    from flask_socketio.errors import SocketIOError

    try:
        socketio.emit(event, *_as_they_are(arguments), namespace=namespace, to=to or None)
    except (SocketIOError, ValueError, ImportError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{event!r} emitted to {_whom(namespace, to)} {_how(socketio)}")


def _emitter(info: ScriptInfo, url: str | None, channel: str | None) -> SocketIO:
    """One that raises where the queue is not there, whatever the application's does."""
    options: dict[str, Any] = {} if channel is None else {"channel": channel}
    if url is not None:
        options |= {"message_queue": url}
    else:
        app = info.load_app()
        given = socketio_of(app).server_options
        if given.get("client_manager") is None:
            raise click.ClickException(_NO_QUEUE.format(app.name))
        options = {**given, **options}
    from flask_socketio import SocketIO

    logging.getLogger("flask_socketio.server").disabled = True  # the command says the same
    socketio = SocketIO()
    options["queue_down"] = "raise"
    try:
        socketio.init_app(None, **options)
    except (ValueError, ImportError) as error:
        raise click.ClickException(str(error)) from error
    return socketio


def _as_they_are(arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """A single null is an argument too, which emit() would take for none."""
    return (arguments,) if arguments == (None,) else arguments


def _whom(namespace: str, to: tuple[str, ...]) -> str:
    whom = ", ".join(to) if to else "all clients"
    return whom if namespace == "/" else f"{whom} of {namespace}"


def _how(socketio: SocketIO) -> str:
    queue: Any = socketio.server_options["client_manager"]
    listeners = queue.listeners()
    said = f"through {queue.shown}, channel {queue.channel}"
    if listeners is None:
        return said
    if not listeners:
        return f"{said}: nobody listens, so no client gets it"
    who = "one process listens" if listeners == 1 else f"{listeners} processes listen"
    return f"{said}: {who}"
