"""Threads, locks and queues come from one module: which kind they have to be is asked there alone."""

import ast
from pathlib import Path

import pytest

import flask_socketio

PACKAGE = Path(flask_socketio.__file__).parent
THE_ONE = PACKAGE / "base" / "real.py"
FILES = sorted(set(PACKAGE.rglob("*.py")) - {THE_ONE})

MODULES = {"threading", "_thread", "queue", "_queue", "concurrent.futures", "multiprocessing"}
#: Of asyncio: all of these wait with, or start, threads that may have been replaced.
FUNCTIONS = {"to_thread", "run_in_executor", "run_coroutine_threadsafe"}


def found(source: str) -> list[str]:
    names: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names if alias.name in MODULES]
        elif isinstance(node, ast.ImportFrom):
            names += [node.module] if node.level == 0 and node.module in MODULES else []
            names += [alias.name for alias in node.names if alias.name in FUNCTIONS]
        elif isinstance(node, ast.Attribute) and node.attr in FUNCTIONS:
            names.append(node.attr)
    return names


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_none_but_the_one_imports_them(path: Path) -> None:
    assert found(path.read_text()) == []


@pytest.mark.parametrize(
    "source",
    [
        "import threading",
        "from queue import SimpleQueue",
        "def f():\n    from concurrent.futures import Future",
        "import asyncio\nasyncio.to_thread(f)",
        "loop.run_in_executor(None, f)",
        "from asyncio import run_coroutine_threadsafe",
    ],
)
def test_the_search_finds(source: str) -> None:
    assert found(source)
