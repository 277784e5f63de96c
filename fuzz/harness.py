"""One fuzzer, in a process of its own: python -m fuzz.harness NAME SECONDS.

libFuzzer exits by itself. Its status is 0 where nothing was found; a finding is written to .fuzz/NAME/.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent
FOUND = HERE.parent / ".fuzz"
#: Bytes of an input.
_LONGEST = 2048
_WATCHED = [
    f"flask_socketio.{room}"
    for room in ("cluster", "engine", "handling", "protocol", "serving.http")
]


def main(name: str, seconds: str) -> None:
    import atheris

    with atheris.instrument_imports(include=_WATCHED):
        check: Callable[[bytes], None] = importlib.import_module(f"fuzz.{name}").check
    found = FOUND / name
    (found / "corpus").mkdir(parents=True, exist_ok=True)
    options = [
        f"-max_total_time={seconds}",
        f"-max_len={_LONGEST}",
        "-timeout=20",
        "-rss_limit_mb=1024",
        f"-artifact_prefix={found}/",
        "-print_final_stats=1",
        f"-dict={HERE / 'tokens.dict'}",
        str(found / "corpus"),  # what it has learned, from one run to the next
        str(HERE / "corpus" / name),
    ]
    atheris.Setup([sys.argv[0], *options], check)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
