"""What has been counted, as it is committed: a line for each function, so that a change shows where it is."""

from __future__ import annotations

import json
import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Self

from .tally import Counts

#: Calls and bytecodes of an operation, by function or package.
Sample = dict[str, Counts]

NOTHING: Counts = (0, 0)
COUNTS = Path(__file__).parents[1] / "counts.json"
_LIBRARIES = ("flask", "httptools", "orjson", "picows", "uvicorn", "uvloop", "werkzeug")


@dataclass(frozen=True)
class Result:
    """All operations by name, and the versions that they were counted with."""

    versions: dict[str, str]
    operations: dict[str, Sample]

    @classmethod
    def of(cls, operations: dict[str, Sample]) -> Self:
        """Counted just now."""
        libraries = {name: version(name) for name in _LIBRARIES}
        return cls({"python": platform.python_version(), **libraries}, operations)

    @classmethod
    def read(cls, path: Path) -> Self:
        content = json.loads(path.read_text())
        operations = {
            name: {
                function: (counts["calls"], counts["bytecodes"])
                for part in ("functions", "elsewhere")
                for function, counts in operation[part].items()
            }
            for name, operation in content["operations"].items()
        }
        return cls(content["versions"], operations)

    def write(self, path: Path) -> None:
        operations = {name: _parts(sample) for name, sample in self.operations.items()}
        content = {"versions": self.versions, "operations": operations}
        path.write_text(_dumps(content) + "\n")

    @property
    def python(self) -> str:
        """Major and minor: other bytecodes in another one."""
        return ".".join(self.versions["python"].split(".")[:2])


def own(sample: Sample) -> Sample:
    """Functions of `flask_socketio` alone."""
    return {name: counts for name, counts in sample.items() if ":" in name}


def total(sample: Sample) -> Counts:
    return sum(calls for calls, _ in sample.values()), sum(codes for _, codes in sample.values())


def difference(before: Counts, after: Counts) -> Counts:
    return after[0] - before[0], after[1] - before[1]


def _parts(sample: Sample) -> dict[str, object]:
    functions = own(sample)
    elsewhere = {name: counts for name, counts in sample.items() if name not in functions}
    return {
        "own": _named(total(functions)),
        "total": _named(total(sample)),
        "functions": {name: _named(functions[name]) for name in sorted(functions)},
        "elsewhere": {name: _named(elsewhere[name]) for name in sorted(elsewhere)},
    }


def _named(counts: Counts) -> dict[str, float]:
    calls, bytecodes = counts
    return {"calls": calls, "bytecodes": bytecodes}


def _dumps(value: object, indent: str = "\n") -> str:
    """JSON with what holds no objects on one line."""
    if not isinstance(value, dict) or not any(isinstance(v, dict) for v in value.values()):
        return json.dumps(value)
    deeper = indent + " "
    lines = (f"{json.dumps(key)}: {_dumps(item, deeper)}" for key, item in value.items())
    return f"{{{deeper}{f',{deeper}'.join(lines)}{indent}}}"
