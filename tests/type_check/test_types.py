"""What users' programs look like to type checkers, and the signatures they rely on."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import flask
import pytest

import flask_socketio
from flask_socketio.app.keywords import (
    ADDRESS,
    Alias,
    Argument,
    Option,
    RunOptions,
    SocketIOOptions,
    rows,
)
from flask_socketio.app.options import Options

HERE = Path(__file__).parent
SCRIPTS = Path(sysconfig.get_path("scripts"))


def pyright(path: Path) -> set[int]:
    """The lines that it reports."""
    ended = subprocess.run(
        [SCRIPTS / "pyright", "--pythonpath", sys.executable, "--outputjson", path],
        capture_output=True, text=True, check=False, cwd=HERE,
    )  # fmt: skip
    found = json.loads(ended.stdout)["generalDiagnostics"]
    return {item["range"]["start"]["line"] + 1 for item in found}


def mypy(path: Path) -> set[int]:
    ended = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "--config-file=", path],
        capture_output=True, text=True, check=False, cwd=HERE,
    )  # fmt: skip
    assert "rror" in ended.stdout or "Success" in ended.stdout, ended.stdout + ended.stderr
    return {int(line) for line in re.findall(r"^\S+\.py:(\d+): error", ended.stdout, re.MULTILINE)}


Checker = Callable[[Path], set[int]]


def marked(path: Path) -> set[int]:
    """The lines that have to be reported."""
    lines = path.read_text().splitlines()
    return {number for number, line in enumerate(lines, 1) if line.endswith("# error")}


@pytest.mark.parametrize("checker", [pyright, mypy])
@pytest.mark.parametrize("name", ["accepted.py", "rejected.py"])
def test_type_checkers(checker: Checker, name: str) -> None:
    assert checker(HERE / name) == marked(HERE / name)


@pytest.mark.parametrize("checker", [pyright, mypy])
def test_each_option(checker: Checker, tmp_path: Path) -> None:
    """Its default is accepted; misspelt, or with a value of the wrong type, it is reported."""
    options = rows(SocketIOOptions, Option)
    lines = ["from flask import Flask", "from flask_socketio import SocketIO", "app = Flask('')"]
    for name, option in options.items():
        default = getattr(option.target(Options()), option.field or name)
        lines.append(f"SocketIO({name}={default!r})")
        lines.append(f"SocketIO().init_app(app, {name}={default!r})")
        lines.append(f"SocketIO({name}_={default!r})  # error")
    wrong = {*options, *rows(SocketIOOptions, Alias)} - {"client_manager"}  # any object
    lines += [f"SocketIO({name}=object())  # error" for name in wrong]
    for name in (*ADDRESS, *rows(RunOptions, Argument)):
        lines.append(f"SocketIO().run(app, {name}=None)")
        lines.append(f"SocketIO().run(app, {name}=object())  # error")
        lines.append(f"SocketIO().run(app, {name}_=None)  # error")
    path = tmp_path / "each_option.py"
    path.write_text("\n".join(lines))
    assert checker(path) == marked(path)


def signatures() -> list[str]:
    found: list[str] = []
    for name in sorted(set(flask_socketio.__all__) - {"request"}):  # which is Flask's
        value = getattr(flask_socketio, name)
        if not inspect.isclass(value):
            found.append(name + plain(value))
            continue
        for method in sorted(dir(value)):
            function = inspect.getattr_static(value, method)
            if inspect.isfunction(function) and (method == "__init__" or method[0] != "_"):
                found.append(f"{name}.{method}{plain(function)}")
    return found


def plain(function: object) -> str:
    """A signature without its annotations."""
    signature = inspect.signature(function)  # type: ignore[arg-type]
    empty = inspect.Parameter.empty
    parameters = [p.replace(annotation=empty) for p in signature.parameters.values()]
    return str(signature.replace(parameters=parameters, return_annotation=empty))


def test_request_is_flasks() -> None:
    assert flask_socketio.request is flask.request


def test_public_signatures() -> None:
    assert signatures() == (HERE / "signatures.txt").read_text().splitlines()


def test_a_star_import_leaks_no_module() -> None:
    program = (
        "import types\nbefore = set(globals()) | {'before'}\nfrom flask_socketio import *\n"
        "print(sorted(name for name, value in globals().items()"
        " if name not in before and isinstance(value, types.ModuleType)))"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert ended.stdout.decode().strip() == "[]"


def test_importing_takes_no_longer_than_a_few_times_flasks_own() -> None:
    def cpu_seconds(module: str) -> float:
        program = f"import time; import {module}; print(time.process_time())"
        runs = [subprocess.check_output([sys.executable, "-c", program]) for _ in range(5)]
        return min(map(float, runs))

    nothing = cpu_seconds("sys")
    flask = cpu_seconds("flask") - nothing
    assert cpu_seconds("flask, flask_socketio") - nothing - flask < 2 * flask
