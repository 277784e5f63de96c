"""`flask socketio asyncapi` and `flask socketio typescript`: the events, for those who write clients."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click
from flask import Flask
from flask.cli import ScriptInfo, pass_script_info

from .application import socketio_of

if TYPE_CHECKING:
    from ..events import Events

_out = click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file to write; without, it is written to the terminal.",
)


@click.command(short_help="Write an AsyncAPI document.")
@_out
@click.option("--title", help="The document's title. [default: the application's name]")
@click.option(
    "--api-version", default="1.0.0", show_default=True, help="The version of what it describes."
)
@pass_script_info
def asyncapi(info: ScriptInfo, output: Path | None, title: str | None, api_version: str) -> None:
    """Write an AsyncAPI 3 document of the events, as JSON."""
    app = info.load_app()
    events = _events_of(app)
    from ..asyncapi import asyncapi as document_of

    document = document_of(events, title or app.name, api_version)
    _write(json.dumps(document, indent=2, ensure_ascii=False) + "\n", output)


@click.command(short_help="Write interfaces for TypeScript.")
@_out
@pass_script_info
def typescript(info: ScriptInfo, output: Path | None) -> None:
    """Write the events' interfaces for TypeScript: what the official client's Socket<…, …> takes."""
    events = _events_of(info.load_app())
    from ..typescript import typescript as text_of

    _write(text_of(events), output)


def _events_of(app: Flask) -> Events:
    socketio = socketio_of(app)
    from ..events import events_of

    try:
        return events_of(socketio)
    except (ImportError, ValueError) as error:
        raise click.ClickException(str(error)) from error


def _write(text: str, output: Path | None) -> None:
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text, encoding="utf-8")
