"""Count calls and bytecodes for each operation, and compare with what was counted before: `make count`."""

from __future__ import annotations

import argparse
from pathlib import Path

from .compare import table
from .measure import ROOT, count_all
from .result import COUNTS, Result


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.count", description=__doc__)
    parser.add_argument(
        "--source", type=Path, metavar="DIR", default=ROOT / "src",
        help="the folder that holds flask_socketio (%(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--output", type=Path, metavar="FILE",
        help=f"write the result there; {COUNTS.name} without --compare, else nowhere",
    )  # fmt: skip
    parser.add_argument(
        "--compare", type=Path, metavar="FILE", help="the result before; without, the one replaced"
    )
    return parser.parse_args()


def main() -> None:
    arguments = parse()
    output: Path | None = arguments.output or (None if arguments.compare else COUNTS)
    old: Path = arguments.compare or output
    after = Result.of(count_all(arguments.source.resolve()))
    before = Result.read(old) if arguments.compare or old.exists() else after
    print(table(before, after))
    if output is not None:
        after.write(output)


if __name__ == "__main__":
    main()
