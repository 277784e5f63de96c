"""The table of docs/metrics.md, from the one that the program itself has: python -m tests.metrics.page writes it."""

from __future__ import annotations

import re
from pathlib import Path

from flask_socketio.runtime.metrics import METRICS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "metrics.md"
_HEAD = "| name | kind | labels | |\n|---|---|---|---|\n"


def table() -> str:
    rows = (
        f"| `{name}`{'*' if metric.measured else ''} | {metric.kind.value} | "
        f"{', '.join(metric.labels)} | {metric.meaning} |"
        for name, metric in METRICS.items()
    )
    return _HEAD + "\n".join(rows) + "\n"


def main() -> None:
    text = PAGE.read_text(encoding="utf-8")
    found = re.search(re.escape(_HEAD) + r"(?:\|.*\n)*", text)
    assert found is not None
    PAGE.write_text(text[: found.start()] + table() + text[found.end() :], encoding="utf-8")


if __name__ == "__main__":
    main()
