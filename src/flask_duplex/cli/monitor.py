"""`flask socketio monitor`: what happens on a server, live, from its `metrics` address."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, cast
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import click
from flask.cli import ScriptInfo, pass_script_info

from .application import socketio_of
from .table import Sample, table

#: Seconds that a server has for an answer: it waits for two until its workers have answered.
_PATIENCE = 10.0
_TOKEN = "FLASK_SOCKETIO_METRICS_TOKEN"  # noqa: S105 - its variable's name

_REFUSED = {
    401: f"the token is another one: --token, or {_TOKEN}",
    403: "the server measures, but has no token by which this may be fetched: metrics='a long random token'",
}
_NOTHING = (
    "there are no metrics (HTTP {0}): the server needs SocketIO(app, metrics='a long random token')"
)
_MEASURES_NOT = (
    "the application {0!r} has no token: SocketIO(app, metrics='a long random token'), "
    "or --token with that of the server"
)


class _NotThereError(click.ClickException):
    """Nothing answers; it may do so later."""


@click.command(short_help="Watch a server's numbers.")
@click.argument("url", required=False)
@click.option(
    "--token", envvar=_TOKEN, show_envvar=True, help="The server's. [default: the application's]"
)
@click.option(
    "--interval",
    type=click.FloatRange(0.1, 3600),
    default=2.0,
    show_default=True,
    help="Seconds between two looks.",
)
@click.option("--once", is_flag=True, help="Print one table, of one interval, and end.")
@pass_script_info
def monitor(
    info: ScriptInfo, url: str | None, token: str | None, interval: float, *, once: bool
) -> None:
    """Show what happens on a server, live: connections, events, times, refusals.

    URL is the server's, or that of its metrics. [default: port FLASK_RUN_PORT or 5000 of this machine]
    """
    path = ""
    if token is None or url is None:
        path, own = _of_application(info)
        token = token or own
    request = _request(
        url or f"http://127.0.0.1:{os.environ.get('FLASK_RUN_PORT', 5000)}", path, token
    )
    with suppress(KeyboardInterrupt):
        for shown in _looks(request, interval):
            _show(shown, request.full_url)
            if once:
                return


def _of_application(info: ScriptInfo) -> tuple[str, str]:
    """The path below which its clients connect, and its token."""
    app = info.load_app()
    socketio = socketio_of(app)
    token = socketio.server_options.get("metrics")
    if not isinstance(token, str):
        raise click.ClickException(_MEASURES_NOT.format(app.name))
    return socketio.sockio_mw.engineio_path, token


def _request(url: str, path: str, token: str) -> Request:
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise click.UsageError(f"{url!r} is no address of a server: http://127.0.0.1:5000")
    if parts.path in ("", "/"):
        parts = parts._replace(path=f"{path or '/socket.io/'}metrics")
    request = Request(parts.geturl(), headers={"Accept": "application/json"})  # noqa: S310 - of one of two schemes
    # It is for this address, and for none that a redirect leads to.
    request.add_unredirected_header("Authorization", f"Bearer {token}")
    return request


def _looks(request: Request, interval: float) -> Iterator[tuple[Sample, Sample] | str]:
    """Two samples after each other, again and again; a line where there is no answer, but at the first time."""
    before = _fetch(request)
    while True:
        time.sleep(interval)
        try:
            after = _fetch(request)
        except _NotThereError as error:
            yield error.message
        else:
            yield before, after
            before = after


def _fetch(request: Request) -> Sample:
    try:
        with urlopen(request, timeout=_PATIENCE) as answer:  # noqa: S310
            found: Any = json.load(answer)
    except HTTPError as error:
        with error:
            why = _REFUSED.get(error.code, _NOTHING.format(error.code))
        raise click.ClickException(f"{request.full_url}: {why}") from error
    except (URLError, OSError) as error:
        reason = getattr(error, "reason", error)
        raise _NotThereError(f"{request.full_url} does not answer: {reason}") from error
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise click.ClickException(f"{request.full_url}: what answers is no server of ours")
    return Sample(time.monotonic(), cast("dict[str, Any]", found))


def _show(shown: tuple[Sample, Sample] | str, url: str) -> None:
    width, height = shutil.get_terminal_size()
    head = f"{url}  {time.strftime('%H:%M:%S')}"
    lines = [head, "", *([shown] if isinstance(shown, str) else table(*shown))]
    if sys.stdout.isatty():
        click.clear()
        lines = [line[:width] for line in lines[: height - 1]]
    click.echo("\n".join(lines))
