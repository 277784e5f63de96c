"""docs/options.md, from the table that SocketIO() and run() read: python -m tests.options.page writes it."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import starmap
from pathlib import Path

from flask_socketio.app.keywords import (
    ADDRESS,
    Alias,
    Argument,
    Legacy,
    Option,
    RunOptions,
    SocketIOOptions,
    rows,
)
from flask_socketio.app.options import Options

PAGE = Path(__file__).parents[2] / "docs" / "options.md"
COMMAND = "python -m tests.options.page"

_TEXT = f"""# Options

Editors complete them, and type checkers find a name that is misspelt and a value of the wrong type. At run time an
unknown name is a warning, and a value that makes no sense a `ValueError` that names it. Numbers are 0 or more; where
whole ones are needed, one may be written as a float (`1e6`).

## `SocketIO(app)` and `init_app(app)`

Both take all of them; what is given to `init_app` wins.

{{options}}

These mean nothing any more; a warning says that they can be deleted:

{{legacy_options}}

## `run(app)`

`host` and `port` may be positional: `socketio.run(app, "0.0.0.0", 8000)`.

{{arguments}}

These mean nothing any more, either:

{{legacy_arguments}}

This page is made by `{COMMAND}` from [the table](../src/flask_socketio/app/keywords.py) that the program itself reads.
"""


def text() -> str:
    arguments = {**ADDRESS, **rows(RunOptions, Argument)}
    return _TEXT.format(
        options=table("option", starmap(option_cells, rows(SocketIOOptions, Option).items())),
        legacy_options=legacy(SocketIOOptions),
        arguments=table("argument", starmap(argument_cells, arguments.items())),
        legacy_arguments=legacy(RunOptions),
    )


def table(what: str, lines: Iterable[tuple[str, ...]]) -> str:
    head = [f"| {what} | unit, or what it is | default | meaning |", "|---|---|---|---|"]
    return "\n".join([*head, *(f"| {' | '.join(cells)} |" for cells in lines)])


def option_cells(name: str, option: Option) -> tuple[str, ...]:
    aliases = rows(SocketIOOptions, Alias).items()
    names = [name, *(alias for alias, row in aliases if row.of == name)]
    shown = ", ".join(f"`{name}`" for name in names)
    return shown, option.unit, value(default(name, option)), option.meaning


def default(name: str, option: Option) -> object:
    return getattr(option.target(Options()), option.field or name)


def value(given: object) -> str:
    if isinstance(given, tuple | list):
        return ", ".join(map(value, given))
    if isinstance(given, str):
        return f'`"{given}"`'
    if isinstance(given, int | float) and not isinstance(given, bool):
        return f"{given:,}".removesuffix(".0")
    return f"`{given}`"


def argument_cells(name: str, argument: Argument) -> tuple[str, ...]:
    return f"`{name}`", argument.unit, argument.default, argument.meaning


def legacy(keywords: type) -> str:
    return "\n".join(f"- `{name}`: {row.why}" for name, row in rows(keywords, Legacy).items())


if __name__ == "__main__":
    PAGE.write_text(text())
