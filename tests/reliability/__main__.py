"""`make reliability`: every row tried on Flask-Duplex and on Flask-SocketIO, with what may be; 1 where ours is over it.

make reliability ARGUMENTS="--row drip --row pings"    # rows whose names have this in them
make reliability ARGUMENTS="--lane standard --alone"   # ours as other ASGI servers serve it, without the baseline
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from datetime import UTC, datetime

from tests.kit.server import ROOT
from tests.reliability.rows import ROWS, Figure, Row
from tests.reliability.servers import ORIGINAL, ORIGINAL_PYTHON, OURS, STANDARD

PAGE = ROOT / "docs/reliability.md"
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make reliability", description=__doc__)
    parser.add_argument(
        "--row", action="append", help="rows with this in their name; all by default"
    )
    parser.add_argument("--lane", choices=["fast", "standard"], default="fast")
    parser.add_argument("--keep", action="store_true", help="write ours into docs/reliability.md")
    parser.add_argument("--alone", action="store_true", help="without Flask-SocketIO")
    return parser.parse_args()


def chosen(parts: list[str] | None) -> dict[str, Row]:
    return {name: row for name, row in ROWS.items() if not parts or any(p in name for p in parts)}


def attempt(row: Row, which: str) -> list[Figure]:
    """The figures, or one word where the server does not live to tell."""
    try:
        return row(which)
    except Exception as error:  # noqa: BLE001 - the other rows are measured all the same
        what = str(error).splitlines()
        return [Figure("failed:", f"{type(error).__name__} {what[0] if what else ''}", bound=0)]


def shown(figures: list[Figure], *, bounds: bool) -> str:
    return ", ".join(str(figure if bounds else without_bound(figure)) for figure in figures)


def without_bound(figure: Figure) -> Figure:
    return Figure(figure.what, figure.value, figure.unit)


def about() -> str:
    """What was measured on, and how busy it was."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    load = f"load {os.getloadavg()[1]:.1f} before"
    return f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores ({load}), {python}"


def keep(where: str, measured: dict[str, list[Figure]]) -> None:
    """Put the table into the page, in place of the one that is there."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    rows = [f"| {name} | {shown(figures, bounds=True)} |" for name, figures in measured.items()]
    table = "\n".join([f"{where}.", "", "| | figures (and bounds) |", "|---|---|", *rows])
    PAGE.write_text(f"{before}{BEGIN}\n\n{table}\n\n{END}{after}")


def main() -> int:
    arguments = parse()
    ours = OURS if arguments.lane == "fast" else STANDARD
    has_original = not arguments.alone and ORIGINAL_PYTHON.exists()
    where = about()
    print(where)
    over, measured = 0, dict[str, list[Figure]]()
    begun = time.monotonic()
    for name, row in chosen(arguments.row).items():
        figures = measured[name] = attempt(row, ours)
        is_over = any(figure.is_over() for figure in figures)
        over += is_over
        print(f"{'OVER' if is_over else '    '} {name}\n     {ours}: {shown(figures, bounds=True)}")
        if has_original:
            print(f"     {ORIGINAL}: {shown(attempt(row, ORIGINAL), bounds=False)}")
        sys.stdout.flush()
    if arguments.keep:
        keep(where, measured)
    print(f"{over} rows over their bounds, {time.monotonic() - begun:.0f} s")
    return int(over > 0)


if __name__ == "__main__":
    sys.exit(main())
