"""`flask socketio run`: `socketio.run(app)` for the application that Flask's command line has found."""

from __future__ import annotations

import os
import traceback
from typing import Any

import click
from flask import Flask
from flask.cli import ScriptInfo, pass_script_info
from werkzeug.serving import is_running_from_reloader

from .application import socketio_of

_FILE = click.Path(exists=True, dir_okay=False, resolve_path=True)


@click.command(short_help="Serve the application.")
@click.option("--host", "-h", envvar="FLASK_RUN_HOST", help="The interface to listen on.")
@click.option(
    "--port",
    "-p",
    type=click.IntRange(0, 65535),
    envvar="FLASK_RUN_PORT",
    help="The port; 0 takes a free one.",
)
@click.option(
    "--workers",
    "-w",
    metavar="N|auto",
    help="Processes that serve the port; auto: one for each processor. [default: WEB_CONCURRENCY, or 1]",
)
@click.option("--debug/--no-debug", default=None, help="Debug mode: debugger and reloader.")
@click.option("--reload/--no-reload", default=None, help="Start anew when a source file changes.")
@click.option(
    "--extra-files",
    multiple=True,
    type=_FILE,
    envvar="FLASK_RUN_EXTRA_FILES",
    help="One more file for the reloader to look at; may be repeated.",
)
@click.option(
    "--certfile",
    "--cert",
    type=_FILE,
    envvar="FLASK_RUN_CERT",
    help="TLS: the certificate, with its chain.",
)
@click.option(
    "--keyfile",
    "--key",
    type=_FILE,
    envvar="FLASK_RUN_KEY",
    help="TLS: its key, unless that is in the same file.",
)
@pass_script_info
def run(info: ScriptInfo, debug: bool | None, reload: bool | None, **options: Any) -> None:
    """Serve the application, in development and in production, as socketio.run(app) does."""
    if debug is not None:
        os.environ["FLASK_DEBUG"] = str(int(debug))  # where Flask looks as it loads the application
    app = _load(info)
    if app is not None:
        _serve(app, use_reloader=reload, **options)


def _load(info: ScriptInfo) -> Flask | None:
    """The application. None where a change has broken it: then the reloader has waited for the next one."""
    try:
        return info.load_app()
    except Exception:
        if not is_running_from_reloader():
            raise
        traceback.print_exc()
    from flask_socketio.serving.run.reloader import Reloader

    Reloader(None, {}).run(lambda: None)
    return None


def _serve(app: Flask, workers: str | None, **options: Any) -> None:
    from flask_socketio.serving.run.supervisor import how_many

    socketio = socketio_of(app)
    try:
        count = how_many(workers)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    socketio.run(app, workers=count, **options)
