"""What a check has found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad it is: as it should be; good to know; it will cost somebody something; clients do not get through."""

    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Finding:
    """`name` is the same in every release, for programs; `seen` and `mend` are for people."""

    severity: Severity
    name: str
    #: what was seen
    seen: str
    #: what to do about it; empty where nothing has to be done
    mend: str = ""


Findings = Iterator[Finding]


def ok(name: str, seen: str) -> Finding:
    return Finding(Severity.OK, name, seen)


def note(name: str, seen: str, mend: str = "") -> Finding:
    return Finding(Severity.NOTE, name, seen, mend)


def warning(name: str, seen: str, mend: str) -> Finding:
    return Finding(Severity.WARNING, name, seen, mend)


def broken(name: str, seen: str, mend: str) -> Finding:
    return Finding(Severity.BROKEN, name, seen, mend)
