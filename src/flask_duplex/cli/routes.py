"""`flask socketio routes`: what is registered, and where it was written."""

from __future__ import annotations

import inspect
import json
import re
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from flask.cli import ScriptInfo, pass_script_info

from .application import socketio_of

if TYPE_CHECKING:
    from flask_socketio.description import Route
    from flask_socketio.handling.hints import Hint, Parameter

_HEAD = ("Namespace", "Event", "Handler", "Arguments", "Place")


@click.command(short_help="Show the handlers.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
@pass_script_info
def routes(info: ScriptInfo, as_json: bool) -> None:
    """Show the handlers: namespace, event, function, types of the arguments, file and line."""
    socketio = socketio_of(info.load_app())
    from flask_socketio.description import routes_of

    found = routes_of(socketio)
    if as_json:
        click.echo(json.dumps([_as_json(route) for route in found], indent=2, ensure_ascii=False))
    else:
        _show([_HEAD, *map(_row, found)])


def _show(rows: list[tuple[str, ...]]) -> None:
    """A table; the last column may be of any width."""
    widths = [max(map(len, column)) for column in zip_longest(*rows, fillvalue="")]
    rows.insert(1, tuple("-" * width for width in widths))
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        click.echo("  ".join(cells).rstrip())


def _row(route: Route) -> tuple[str, ...]:
    event = "(error)" if route.kind.value == "error" else route.event
    handler = f"{'async def' if route.is_async else 'def'} {route.name}"
    return (route.namespace, event, handler, _arguments(route), _place(route))


def _arguments(route: Route) -> str:
    if route.kind.value == "error":
        return ""
    if route.parameters is None:
        return "(any)"
    text = ", ".join(_argument(item, route) for item in route.parameters)
    return f"{text} (checked)" if route.is_checked else text


def _argument(parameter: Parameter, route: Route) -> str:
    name = ("*" if parameter.variadic else "") + parameter.name
    kind = _type(parameter.hint, route)
    optional = "" if parameter.required or parameter.variadic else " = …"
    return f"{name}: {kind}{optional}" if kind else f"{name}{optional}"


def _type(hint: Hint, route: Route) -> str:
    """As it may be written beside the function; with a question mark where nothing is known of it at run time."""
    from flask_socketio.handling.hints import EMPTY

    if hint.unresolved:
        return f"{hint.unresolved}?"
    if hint.type is EMPTY:
        return ""
    if hint.type is type(None):
        return "None"
    text = inspect.formatannotation(hint.type)
    return re.sub(rf"\b{re.escape(route.function.__module__)}\.", "", text)


def _place(route: Route) -> str:
    if route.place is None:
        return ""
    file, line = route.place
    path = Path(file)
    return f"{path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}:{line}"


def _as_json(route: Route) -> dict[str, Any]:
    file, line = route.place or (None, None)
    return {
        "namespace": route.namespace,
        "event": route.event,
        "kind": route.kind.value,
        "handler": route.name,
        "async": route.is_async,
        "file": file,
        "line": line,
        "arguments": None
        if route.parameters is None
        else [
            {
                "name": item.name,
                "type": _type(item.hint, route) or None,
                "required": item.required,
                "variadic": item.variadic,
            }
            for item in route.parameters
        ],
        "returns": _type(route.returns, route) or None,
        "checked": route.is_checked,
    }
