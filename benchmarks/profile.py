"""A flame graph of our server under the load of a scenario: `python -m benchmarks.profile`."""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sysconfig
import threading
import time
from pathlib import Path

import uvloop

from .pace import PACE
from .scenarios import SCENARIOS
from .servers import CLIENT_CORE, PEERS_BY_NAME, Server

NAMES = [scenario.name for scenario in SCENARIOS]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profile", description=__doc__)
    parser.add_argument("--scenario", choices=NAMES, default="echo")
    parser.add_argument("--output", default="profile.svg", help="%(default)s")
    parser.add_argument(
        "--format", choices=["flamegraph", "raw", "speedscope"], default="flamegraph"
    )
    parser.add_argument("--seconds", type=int, default=5, help="%(default)s")
    arguments = parser.parse_args()
    scenario = SCENARIOS[NAMES.index(arguments.scenario)]
    os.sched_setaffinity(0, {CLIENT_CORE})
    PACE.duration = arguments.seconds + 1.0
    with Server(PEERS_BY_NAME["ours"], **scenario.env) as server:

        def record() -> None:
            time.sleep(PACE.warm_up)
            subprocess.run(
                [
                    Path(sysconfig.get_path("scripts"), "py-spy"), "record", "--rate", "500",
                    "--duration", str(arguments.seconds), "--format", arguments.format,
                    "--output", arguments.output, "--pid", str(server.pid), "--nonblocking",
                ],
                check=True,
            )  # fmt: skip

        recorder = threading.Thread(target=record)
        recorder.start()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            figures = runner.run(scenario.run(server))
        recorder.join()
    print({name: round(value, 2) for name, value in figures.items()}, arguments.output)


if __name__ == "__main__":
    main()
