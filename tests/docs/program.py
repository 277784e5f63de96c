"""One Python program of a page, in this process: python -m tests.docs.program docs/guides/rooms.md 0."""

from __future__ import annotations

import sys
import types
from pathlib import Path

from tests.docs.pages import ROOT, Code, program


def run(page: str, parts: list[Code]) -> None:
    """Run the parts in one namespace. Tracebacks name the page and its lines."""
    module = types.ModuleType("app")
    module.__file__ = str(Path("app.py").resolve())  # Flask looks for templates beside it
    sys.modules["app"] = module
    for part in parts:
        text = "\n" * (part.line - 1) + part.text
        exec(compile(text, ROOT / page, "exec", dont_inherit=True), module.__dict__)  # noqa: S102


if __name__ == "__main__":
    run(sys.argv[1], program(sys.argv[1])[int(sys.argv[2])])
