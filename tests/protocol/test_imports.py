"""protocol/ does no I/O: what it imports, and which errors it catches, are matters of its contract."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import flask_socketio

PACKAGE = Path(flask_socketio.__file__).parent
PROTOCOL = PACKAGE / "protocol"
FILES = sorted(PROTOCOL.rglob("*.py"))

#: The JSON codec, and modules of the standard library that compute and do nothing else.
ALLOWED = {
    "__future__",
    "base64",
    "binascii",
    "collections",
    "dataclasses",
    "enum",
    "hashlib",
    "http",  # HTTPStatus
    "json",
    "msgpack",
    "orjson",
    "re",
    "struct",
    "typing",
    "urllib.parse",
}
SUBMODULES = {"http": {"HTTPStatus"}}


def nodes(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text(), str(path)))


def foreign_imports(path: Path, depth: int) -> Iterator[str]:
    """What a file `depth` folders below protocol/ imports and may not."""
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if not is_allowed(alias.name))
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level > depth + 1:
                yield "." * node.level + module
            elif node.level == 0 and not is_allowed(module):
                yield module
            for alias in node.names:
                if alias.name not in SUBMODULES.get(module, {alias.name}):
                    yield f"{module}.{alias.name}"
        elif isinstance(node, ast.Name) and node.id in ("__import__", "eval", "exec", "open"):
            yield node.id


def is_allowed(module: str) -> bool:
    return module in ALLOWED or module.split(".")[0] == "collections"


def test_there_is_something_to_look_at() -> None:
    assert {"engineio.py", "socketio.py", "rfc6455.py"} <= {path.name for path in FILES}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_imports_itself_and_codecs(path: Path) -> None:
    depth = len(path.relative_to(PROTOCOL).parts) - 1
    assert list(foreign_imports(path, depth)) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_blanket_except(path: Path) -> None:
    for node in nodes(path):
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None, f"line {node.lineno}"
            names = {name.id for name in ast.walk(node.type) if isinstance(name, ast.Name)}
            assert not names & {"Exception", "BaseException"}, f"line {node.lineno}"
        elif isinstance(node, ast.Name):
            assert node.id != "suppress", f"line {node.lineno}"


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import asyncio", ["asyncio"]),
        ("import json, socket", ["socket"]),
        ("from flask import request", ["flask"]),
        ("from ..engine import ids", ["..engine"]),
        ("from .. import errors", [".."]),
        ("def f():\n    import time", ["time"]),
        ("from http import server", ["http.server"]),
        ("import urllib.request", ["urllib.request"]),
        ("from .errors import ProtocolError\nfrom . import json\nimport re", []),
    ],
)
def test_the_search_finds(source: str, found: list[str], tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text(source)
    assert list(foreign_imports(path, 0)) == found
