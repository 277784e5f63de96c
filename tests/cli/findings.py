"""What the doctor says, as programs read it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.cli.terminal import FLASK, typed

PATIENT = Path(__file__).with_name("patient.py")


class Findings:
    """By their names; `broken` has those that are."""

    def __init__(self, status: int, said: str) -> None:
        document = json.loads(said)
        self.all: list[dict[str, str]] = document["findings"]
        self.by_name = {finding["name"]: finding for finding in self.all}
        self.broken = {finding["name"] for finding in self.all if finding["severity"] == "broken"}
        assert document["broken"] is bool(self.broken)
        assert status == bool(self.broken)
        for finding in self.all:
            assert finding["severity"] in ("ok", "note", "warning", "broken")
            assert finding["mend"] or finding["severity"] in ("ok", "note"), finding

    def severity(self, name: str) -> str:
        return self.by_name[name]["severity"] if name in self.by_name else ""

    def text(self, name: str) -> str:
        finding = self.by_name[name]
        return f"{finding['seen']}\n{finding['mend']}"


def found_at(url: str, env: dict[str, str] | None = None) -> Findings:
    """By a doctor that has no application."""
    done = typed(Path("/"), *FLASK, "socketio", "doctor", url, "--json", env=env)
    assert done.stderr == ""
    return Findings(done.returncode, done.stdout)


def found_here(folder: Path, app: str | None = str(PATIENT), **env: Any) -> Findings:
    words = [] if app is None else ["--app", app]
    done = typed(folder, *FLASK, *words, "socketio", "doctor", "--json", env=env)
    return Findings(done.returncode, done.stdout)
