"""The core as extension modules. `make test-compiled` has all tests run on it; here is what it must keep to."""

from __future__ import annotations

import importlib.util
import pkgutil
import re
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.machinery import ExtensionFileLoader
from pathlib import Path

import flask_socketio
from flask_duplex.doctor.installation import is_compiled
from tests.docs.pages import block

ROOT = Path(__file__).parents[2]


def modules() -> list[str]:
    """Those that are compiled, as compiled.py names them; it imports mypyc, which need not be installed here."""
    source = (ROOT / "compiled.py").read_text()
    table = re.search(r"^MODULES = ({.*?^})", source, re.MULTILINE | re.DOTALL)
    assert table is not None
    folders: dict[str, tuple[str, ...]] = eval(table[1], {"__builtins__": {}})  # noqa: S307
    return [
        f"flask_socketio.{folder}.{name}".replace("/", ".")
        for folder, names in folders.items()
        for name in names
    ]


def classes() -> Iterator[type]:
    for name in modules():
        module = import_module(name)
        yield from (
            each
            for each in vars(module).values()
            if isinstance(each, type) and each.__module__ == name
        )


def descendants(kind: type) -> Iterator[type]:
    for each in type.__subclasses__(kind):
        yield each
        yield from descendants(each)


def test_no_class_outside_inherits_from_a_compiled_one() -> None:
    """Python refuses that; here it is seen without a compiler."""
    for found in pkgutil.walk_packages(flask_socketio.__path__, "flask_socketio."):
        if not found.name.endswith("__main__"):
            import_module(found.name)
    compiled = set(modules())
    ours = [each for kind in classes() for each in descendants(kind)]
    outside = {each for each in ours if each.__module__ not in compiled}
    assert not [each for each in outside if each.__module__.startswith("flask_socketio")]
    assert ours  # the watched ones


def test_all_or_nothing() -> None:
    kinds = {_is_extension(name) for name in modules()}
    assert kinds == {is_compiled()}


def _is_extension(name: str) -> bool:
    spec = importlib.util.find_spec(name)
    assert spec is not None, f"compiled.py names {name}, which is not there"
    return isinstance(spec.loader, ExtensionFileLoader)


def test_the_page_names_what_switches_it_on() -> None:
    shown = block("docs/deploying/compiled.md", "FLASK_DUPLEX_COMPILE")
    assert shown.split()[0] == "FLASK_DUPLEX_COMPILE=1"
    assert 'os.environ.get("FLASK_DUPLEX_COMPILE") == "1"' in (ROOT / "hatch_build.py").read_text()


if __name__ == "__main__":
    if not is_compiled():
        sys.exit(f"{flask_socketio.__file__} is not compiled")
    print(f"{len(modules())} modules are compiled")
