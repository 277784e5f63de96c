"""Other libraries' private names stand in one file each, and are all in a list."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import flask_socketio
from flask_socketio.serving.http.choice import ATTRIBUTES, METHODS
from tests.versions.private_names import PRIVATE_MODULES, PRIVATE_NAMES, PROMISED

PACKAGE = Path(flask_socketio.__file__).parent
SOURCES = sorted(PACKAGE.rglob("*.py"))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def is_private(name: str) -> bool:
    return name.startswith("_") and name.isidentifier() and not name.endswith("_")


def own_names(module: ast.AST) -> Iterator[str]:
    """What a module defines: functions, classes, variables, arguments, attributes of `self`, slots."""
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and is_self(node):
            yield node.attr


def is_self(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")


def slots(module: ast.AST) -> Iterator[ast.AST]:
    for node in ast.walk(module):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__slots__":
            yield from ast.walk(node.value)


def foreign_names(module: ast.AST, own: set[str]) -> Iterator[str]:
    """The private names of others that a module uses: attributes, strings that name some, and what it imports."""
    own_strings = set(slots(module))
    for node in ast.walk(module):
        if isinstance(node, ast.Attribute) and is_private(node.attr):
            if node.attr not in own:
                yield node.attr
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if is_private(node.value) and node not in own_strings:
                yield node.value
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if is_private_module(alias.name))
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module is not None:
            if is_private_module(node.module):
                yield node.module
            yield from (alias.name for alias in node.names if is_private(alias.name))


def is_private_module(name: str) -> bool:
    package, *rest = name.split(".")
    if package == "__future__":
        return False
    return any(is_private(part) for part in rest) or (bool(rest) and package in PRIVATE_MODULES)


def test_private_names_are_where_the_list_says() -> None:
    own = {name for path in SOURCES for name in own_names(tree(path))}
    found = {
        (name, str(path.relative_to(PACKAGE)))
        for path in SOURCES
        for name in foreign_names(tree(path), own)
        if name not in PROMISED
    }
    # The table of what is looked for in uvicorn's class stands beside it.
    found.discard(("_start_asgi_task", "serving/http/choice.py"))
    assert found == {(private.name, private.file) for private in PRIVATE_NAMES}


def test_one_file_knows_a_name() -> None:
    names = [private.name for private in PRIVATE_NAMES]
    assert len(names) == len(set(names))


def test_the_search_finds(tmp_path: Path) -> None:
    source = """
from uvicorn.server import Server
from uvicorn import Config
import werkzeug._internal
from flask.ctx import _sentinel
from ..engine import _ours
class A(Server):
    __slots__ = ("_mine",)
    def run(self):
        self._mine = self._captured_signals
        return getattr(self, "_last"), self.__dict__
"""
    path = tmp_path / "module.py"
    path.write_text(source)
    found = set(foreign_names(tree(path), set(own_names(tree(path)))))
    assert found == {
        "uvicorn.server",
        "werkzeug._internal",
        "_sentinel",
        "_captured_signals",
        "_last",
    }


def test_all_that_is_used_of_uvicorns_class_is_looked_for() -> None:
    module = tree(PACKAGE / "serving/http/protocol.py")
    (ours,) = [
        node
        for node in ast.walk(module)
        if isinstance(node, ast.ClassDef) and node.name == "HttpProtocol"
    ]
    own = set(own_names(ours))
    used: dict[str, set[str]] = {part: set() for part in ATTRIBUTES}
    for node in ast.walk(ours):
        if not isinstance(node, ast.Attribute):
            continue
        owner = ast.unparse(node.value).removeprefix("self.")
        if is_self(node) and (node.attr in METHODS or node.attr not in own):
            used[""].add(node.attr)
        elif owner == "super()":
            assert node.attr in METHODS
        elif owner in used:
            used[owner].add(node.attr)
    used[""] -= METHODS.keys()
    for part, names in used.items():
        assert names <= set(ATTRIBUTES[part]), part
