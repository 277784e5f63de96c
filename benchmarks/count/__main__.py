"""Count calls and bytecodes for each operation, and compare with what was counted before: `make count`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from .compare import table
from .measure import ROOT, count_all
from .result import COUNTS, Result
from .tally import OWN


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.count", description=__doc__)
    parser.add_argument(
        "--source", type=_source, metavar="DIR", default=ROOT / "src",
        help="the folder that holds flask_socketio (%(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--output", type=Path, metavar="FILE", default=COUNTS,
        help="where the result is written (%(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--compare", type=Path, metavar="FILE",
        help="print what has changed since this result, and write none",
    )  # fmt: skip
    parser.add_argument(
        "--options", type=json.loads, metavar="JSON",
        help="of SocketIO(): print what they add, and write nothing",
    )  # fmt: skip
    return parser.parse_args()


def _source(name: str) -> Path:
    source = Path(name).resolve()
    if not (source / OWN).is_dir():
        raise argparse.ArgumentTypeError(f"there is no {OWN} in {source}")
    return source


def main() -> None:
    arguments = parse()
    if arguments.options:
        without, with_them = (
            Result.of(count_all(arguments.source, options)) for options in ({}, arguments.options)
        )
        print(table(without, with_them))
        return
    after = Result.of(count_all(arguments.source))
    old: Path = arguments.compare or arguments.output
    before = Result.read(old) if arguments.compare or old.exists() else after
    print(table(before, after))
    if not arguments.compare:
        after.write(arguments.output)


if __name__ == "__main__":
    main()
