"""Which way imports point, in the whole package: those for type checkers and those in functions count as well."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import flask_socketio

PACKAGE = Path(flask_socketio.__file__).parent
FACE = "(face)"

#: A folder imports from itself and from those behind it. Modules beside `__init__.py` are the face; `errors.py` is for
#: all, like `base/`.
ORDER = (
    FACE, "serving", "dashboard", "runtime", "watching", "handling", "app", "dispatch", "relay", "hub", "engine",
    "cluster", "protocol", "base",
)  # fmt: skip

#: These know each other: a hub, its clients and their sockets are one thing.
AGGREGATE = {"hub.hub", "hub.client", "hub.socket", "hub.call", "hub.load"}

MOST_TYPE_CHECKING_BLOCKS = 5


def modules() -> dict[str, Path]:
    found = {
        path.relative_to(PACKAGE).with_suffix("").parts: path for path in PACKAGE.rglob("*.py")
    }
    return {
        ".".join(parts).removesuffix("__init__").rstrip("."): path for parts, path in found.items()
    }


MODULES = modules()
FOLDERS = {f"{path.parent.name}/" for path in MODULES.values() if path.parent != PACKAGE}


def imports(module: str, path: Path, source: str | None = None) -> Iterator[str]:
    """The package's own modules that a module imports, wherever it does."""
    names = module.split(".") if module else []
    package = names if path.name == "__init__.py" else names[:-1]
    for node in ast.walk(ast.parse(path.read_text() if source is None else source)):
        if isinstance(node, ast.Import):
            yield from (
                alias.name.removeprefix("flask_socketio.")
                for alias in node.names
                if alias.name.split(".")[0] == "flask_socketio"
            )
        if not isinstance(node, ast.ImportFrom):
            continue
        if node.level:
            base = package[: len(package) - node.level + 1]
        elif node.module and node.module.split(".")[0] == "flask_socketio":
            base = []
        else:
            continue
        name = (node.module or "").removeprefix("flask_socketio").lstrip(".")
        target = ".".join([*base, *([name] if name else [])])
        for alias in node.names:
            inner = f"{target}.{alias.name}".lstrip(".")
            yield inner if inner in MODULES else target


def folder_of(module: str) -> str:
    """Where it stands in the order."""
    if module == "errors":
        return "base"
    first, _, rest = module.partition(".")
    return first if rest or f"{first}/" in FOLDERS else FACE


ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/architecture.md").read_text()
EVENT_PAGE = (ROOT / "docs/life-of-an-event.md").read_text()


@cache
def graph() -> dict[str, set[str]]:
    return {module: set(imports(module, path)) - {module} for module, path in MODULES.items()}


def circles(known: dict[str, set[str]]) -> list[str] | None:
    try:
        TopologicalSorter(known).prepare()
    except CycleError as error:
        return error.args[1]
    return None


def folders() -> dict[str, set[str]]:
    """What each folder imports from."""
    found: dict[str, set[str]] = {folder: set() for folder in ORDER}
    for module, targets in graph().items():
        found[folder_of(module)] |= {folder_of(target) for target in targets}
    return {folder: targets - {folder} for folder, targets in found.items()}


def test_every_module_is_in_a_folder_of_the_order() -> None:
    assert {folder_of(module) for module in MODULES} == set(ORDER)


def test_folders_import_what_stands_behind_them() -> None:
    for folder, targets in folders().items():
        print(f"{folder:>10} -> {', '.join(sorted(targets, key=ORDER.index))}")
    wrong = [
        f"{module} imports {target}"
        for module, targets in graph().items()
        for target in targets
        if ORDER.index(folder_of(target)) < ORDER.index(folder_of(module))
    ]
    assert wrong == []


def test_no_modules_import_each_other() -> None:
    without = {
        module: {target for target in targets if not {module, target} <= AGGREGATE}
        for module, targets in graph().items()
    }
    assert circles(without) is None


def test_few_imports_are_for_type_checkers_alone() -> None:
    blocks = [
        f"{module}:{node.lineno}"
        for module, path in MODULES.items()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
    ]
    assert len(blocks) <= MOST_TYPE_CHECKING_BLOCKS, blocks


@pytest.mark.parametrize(
    ("module", "source", "found"),
    [
        ("hub.hub", "from .client import Client", ["hub.client"]),
        ("hub.hub", "from ..protocol import socketio as sio", ["protocol.socketio"]),
        ("hub.hub", "if TYPE_CHECKING:\n    from ..engine.engine import Engine", ["engine.engine"]),
        ("hub.hub", "def f():\n    from ..errors import E", ["errors"]),
        ("extension", "from . import errors, Namespace", ["errors", ""]),
        ("extension", "import flask_socketio.hub.hub, flask", ["hub.hub"]),
        ("extension", "from flask_socketio.hub.hub import Hub\nfrom flask import g", ["hub.hub"]),
    ],
)
def test_the_search_finds(module: str, source: str, found: list[str]) -> None:
    assert list(imports(module, PACKAGE / "x.py", source)) == found


def test_a_circle_is_found() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}}) is not None
    assert circles({"a": {"b", "c"}, "b": {"c"}}) is None


# -- docs/architecture.md


def rooms() -> dict[str, str]:
    """The rooms in the page's order, and what to open first in each."""
    rows = PAGE.split("## The rooms")[1].split("\n## ")[0].splitlines()
    cells = [[cell.strip(" `/") for cell in row.split("|")[1:-1]] for row in rows if row[:1] == "|"]
    return {name: first for name, _, first in cells[2:]}


def test_the_page_has_the_rooms_in_order() -> None:
    assert tuple(rooms()) == ORDER


def test_what_the_pages_name_is_there() -> None:
    missing = [
        f"{room}/{name}"
        for room, first in rooms().items()
        for name in re.findall(r"[\w/]+\.py", first)
        if not (PACKAGE / ("" if room == FACE else room) / name).exists()
    ]
    for name in re.findall(
        r"`([\w/.]+(?:\.py|/))`", PAGE.split("## Who knows whom")[1] + EVENT_PAGE
    ):
        if not any((folder / name).exists() for folder in (PACKAGE, ROOT)):
            missing.append(name)
    assert missing == []


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    broken: list[str] = []
    for target in re.findall(r"\]\((?!\w+:)([^)\s]+)\)", page.read_text()):
        name, _, anchor = target.partition("#")
        found = page.parent / name if name else page
        if not found.exists() or (anchor and anchor not in anchors(found)):
            broken.append(target)
    assert broken == []
