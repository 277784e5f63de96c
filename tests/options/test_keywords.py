"""The table of keywords against the dataclasses that keep what was given, and the functions that take them."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import fields
from typing import Any, Unpack, get_type_hints

import pytest

from flask_socketio import SocketIO
from flask_socketio.app.keywords import (
    ADDRESS,
    Alias,
    Argument,
    Legacy,
    Option,
    RunOptions,
    SocketIOOptions,
    Whole,
    rows,
)
from flask_socketio.app.options import Options
from flask_socketio.app.parse import parse_options
from flask_socketio.cluster.backlog import Bounds
from flask_socketio.engine.config import EngineConfig, HttpLimits, Limits
from flask_socketio.serving.run.run import run_app

OPTIONS = rows(SocketIOOptions, Option)
ARGUMENTS = rows(RunOptions, Argument)
TYPES = get_type_hints(SocketIOOptions)
UNITS = {
    "acks", "attachments", "bytes", "bytes per second", "connections", "events", "events per second",
    "fields", "messages", "namespaces",
    "packets", "rooms", "seconds", "threads",
}  # fmt: skip
#: Fields that no keyword sets: parts, what belongs to another field, and bounds that hold for everybody.
NO_OPTIONS = {
    Options: {"engine", "backlog"},
    Bounds: set[str](),
    EngineConfig: {"http", "limits", "ping_grace"},
    HttpLimits: set[str](),
    Limits: {
        "close_timeout",
        "max_events",
    },
}


@pytest.mark.parametrize("keywords", [SocketIOOptions, RunOptions])
def test_each_keyword_has_a_row(keywords: type) -> None:
    found = [*(name for kind in (Option, Alias, Argument, Legacy) for name in rows(keywords, kind))]
    assert sorted(found) == sorted(get_type_hints(keywords))


@pytest.mark.parametrize("kept", NO_OPTIONS, ids=lambda kept: kept.__name__)
def test_each_field_has_a_keyword(kept: type[Any]) -> None:
    reached = {row.field or name for name, row in OPTIONS.items() if row.kept is kept}
    assert reached | NO_OPTIONS[kept] == {field.name for field in fields(kept)}
    assert not reached & NO_OPTIONS[kept]


@pytest.mark.parametrize("name", [name for name, row in OPTIONS.items() if row.read is None])
def test_a_keywords_type_is_its_fields(name: str) -> None:
    row = OPTIONS[name]
    kept = get_type_hints(row.kept)[row.field or name]
    if name == "ping_interval":
        kept = kept | tuple[float, float] | list[float]
    assert TYPES[name] == (Whole if kept is int else kept)


@pytest.mark.parametrize("name", OPTIONS)
def test_a_default_may_be_given(name: str) -> None:
    row = OPTIONS[name]
    default = getattr(row.target(Options()), row.field or name)
    assert parse_options({name: default}) == Options()


@pytest.mark.parametrize(("name", "row"), [*OPTIONS.items(), *ARGUMENTS.items(), *ADDRESS.items()])
def test_what_the_docs_say_is_complete(name: str, row: Option | Argument) -> None:
    given = {**TYPES, **get_type_hints(RunOptions)}.get(name)
    assert row.meaning.endswith((".", "example."))
    assert row.unit
    assert (row.unit == "true or false") == (given in (bool, bool | None))


@pytest.mark.parametrize("name", [name for name in OPTIONS if TYPES[name] in (float, Whole)])
def test_numbers_have_a_unit_and_are_numbers(name: str) -> None:
    assert OPTIONS[name].unit in UNITS
    for value in ("1", None, True, -1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match=f"{name}={value!r}: a number is needed"):
            parse_options({name: value})


def test_aliases_are_of_keywords() -> None:
    assert {row.of for row in rows(SocketIOOptions, Alias).values()} <= set(OPTIONS)


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({}, "/socket.io/"),
        ({"path": "/a/b"}, "/a/b/"),
        ({"resource": "a"}, "/a/"),
        ({"path": None, "resource": "a"}, "/a/"),
        ({"path": ""}, "/socket.io/"),
    ],
    ids=str,
)
def test_the_path_has_two_names(given: dict[str, Any], path: str) -> None:
    assert parse_options(given).engine.path == path


def test_of_two_paths_one_is_ignored() -> None:
    with pytest.warns(UserWarning, match="no option 'resource'"):
        assert parse_options({"path": "a", "resource": "b"}).engine.path == "/a/"


@pytest.mark.parametrize(("method"), [SocketIO.__init__, SocketIO.init_app])
def test_what_takes_options_takes_all(method: Any) -> None:
    assert get_type_hints(method)["options"] == Unpack[SocketIOOptions]


def test_run_takes_what_the_table_lists() -> None:
    """With these types: what run() is given goes to run_app()."""
    hints = get_type_hints(run_app)
    names = keywords_of(run_app, inspect.Parameter.KEYWORD_ONLY)
    assert names == list(ARGUMENTS)
    assert {name: hints[name] for name in names}.items() <= get_type_hints(RunOptions).items()
    assert keywords_of(SocketIO.run, inspect.Parameter.POSITIONAL_OR_KEYWORD)[2:] == list(ADDRESS)
    assert get_type_hints(SocketIO.run)["options"] == Unpack[RunOptions]


def keywords_of(function: Any, kind: Any) -> Sequence[str]:
    parameters = inspect.signature(function).parameters.values()
    return [parameter.name for parameter in parameters if parameter.kind is kind]
