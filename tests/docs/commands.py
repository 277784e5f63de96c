"""Command lines of the pages."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from functools import cache

from tests.docs.pages import ROOT

#: what is installed by name, beside what pyproject.toml knows
_OTHERS = {"flask-duplex", "flask-socketio", "python-socketio", "python-engineio"}
_NAME = re.compile(r"([A-Za-z0-9_.-]+)(?:\[([^\]]+)\])?")


def lines(text: str) -> list[list[str]]:
    """The words of each command, without its comment and its prompt."""
    joined = text.replace("\\\n", " ")
    words = [shlex.split(line.removeprefix("$ "), comments=True) for line in joined.splitlines()]
    return [line for line in words if line]


def check(words: list[str]) -> None:
    """Raises AssertionError for a target, a package or an extra that there is not, and for other commands."""
    if words[0] == "make":
        check_targets(words[1:])
    elif words[:2] == ["python", "-c"]:
        subprocess.run([sys.executable, *words[1:]], check=True, capture_output=True)
    elif (names := packages(words)) is not None:
        check_packages(names)
    else:
        raise AssertionError(f"no comment says what runs it: {shlex.join(words)}")


def packages(words: list[str]) -> list[str] | None:
    """What pip installs, None for another command."""
    words = (
        words[words.index("pip") :] if words[:2] == [words[0], "-m"] and "pip" in words else words
    )
    if words[0] != "pip" or words[1] not in {"install", "uninstall"}:
        return None
    return [word for word in words[2:] if not word.startswith("-")]


def check_targets(words: list[str]) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for word in words:
        known = re.search(rf"^(?:# make )?{re.escape(word)}\b", makefile, re.M)
        assert "=" in word or known, f"make has no target {word}"


def check_packages(names: list[str]) -> None:
    for package in names:
        found = _NAME.match(package)
        assert found is not None, package
        assert found[1].lower() in _OTHERS | _known(), f"nobody here has {found[1]}"
        if found[1] == "flask-duplex" and found[2]:
            missing = set(found[2].split(",")) - set(project()["optional-dependencies"])
            assert not missing, f"no extras of that name: {missing}"


@cache
def project() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@cache
def _known() -> set[str]:
    """Packages that the tests have."""
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    lists = groups["dependency-groups"].values()
    found = (_NAME.match(line) for lines in lists for line in lines if isinstance(line, str))
    return {match[1].lower() for match in found if match}
